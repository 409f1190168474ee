/* The threads of a process over the whole window: which of them serve requests. */
#ifndef ASH_ASSESS_PROFILE_THREADS_H
#define ASH_ASSESS_PROFILE_THREADS_H

#include "classify.h"

/* Times are ns of CLOCK_MONOTONIC, weights ns. */
struct assess_seen {
    uint32_t tid;
    const char *name;
    bool python;
    int64_t first, last;
    double weight;
    /* Of a Python thread: what it did in the stack that it was first seen to wait in... */
    uint64_t wait_stack;
    double wait_weight;
    uint32_t waits_in; /* the trace's stack */
    /* ...and the stretch that it waits in now, and the longest one, without anything else. */
    uint64_t now_stack;
    int64_t now_begin, longest_begin, longest_end;
    bool waiting_now;
    bool only_waits; /* it never did anything else: a worker */
    int64_t parked_from,
        parked_to; /* it waits there for other threads, as in join(); from > to: no */
    /* Of a thread without Python: the object that most of its samples belong to, by vote. */
    uint32_t owner; /* index into objects; UINT32_MAX: none */
    double votes, busy, spinning, waiting;
    uint32_t last_span; /* for the profile's timeline */
    /* What it last did without the interpreter's lock, and in which line. */
    uint64_t free_line;
    uint8_t free_bucket;
};

enum { ASSESS_WAIT_SLOTS = 256 };

struct assess_threads {
    struct assess_seen *threads;
    size_t count, room;
    struct assess_intern by_tid;
    uint64_t seed;
    int64_t first, last; /* of all samples */
    bool any, accepted;
    /* What was last waited for in a Python stack, by its hash. */
    struct assess_last_wait {
        uint64_t python;
        uint8_t bucket;
    } waits[ASSESS_WAIT_SLOTS];
};

/* The thread, made when it has not been seen; NULL without memory. */
struct assess_seen *assess_threads_find(struct assess_threads *threads, uint32_t tid);
/* Takes note of a sample. */
bool assess_threads_see(struct assess_threads *threads, const struct assess_rec_sample *sample,
                        const struct assess_stack_facts *facts);
/* After all samples of all processes: decides who only waits.  processes: [count]. */
void assess_threads_judge(struct assess_threads *const *processes, const uint32_t *pids,
                          size_t count);
/* Whether the sample is of a thread that serves requests, then. */
bool assess_threads_counts(const struct assess_seen *thread, int64_t time);
/* The sample's bucket.  A thread that did not answer is taken to do what it last did in that line;
 * one that has just been woken, to have waited for what was last waited for there. */
enum assess_bucket assess_threads_classify(struct assess_threads *threads,
                                           struct assess_seen *thread,
                                           const struct assess_rec_sample *sample,
                                           const struct assess_stack_facts *facts,
                                           enum assess_demand demand);
void assess_threads_deinit(struct assess_threads *threads);

#endif
