/* From what a thread was seen doing to a bucket.
 *
 * A stack is judged once, by the code that is on it; a sample then by its stack, its system call
 * and whether a request was under way. */
#ifndef ASH_ASSESS_CLASSIFY_H
#define ASH_ASSESS_CLASSIFY_H

#include "image.h"

/* What a thread waits for in its system call, or on its way into or out of one. */
enum assess_wait {
    ASSESS_WAIT_NOT,    /* on the processor, or managing memory, which is work */
    ASSESS_WAIT_LOCK,   /* another thread */
    ASSESS_WAIT_TIME,   /* the clock */
    ASSESS_WAIT_PEER,   /* bytes or an event that someone else sends */
    ASSESS_WAIT_SIGNAL, /* a signal */
    ASSESS_WAIT_YIELD,  /* other threads, on the processor */
    ASSESS_WAIT_DISK    /* anything else: it goes on by itself */
};

/* What can be said of a stack, whoever samples it. */
struct assess_stack_facts {
    uint8_t running;     /* its bucket on the processor */
    uint8_t waits;       /* a bucket by rules for Python functions that wait; or ASSESS_BUCKETS */
    uint8_t wait_bucket; /* of the library that waits, by rules; or ASSESS_BUCKETS */
    uint8_t leaf_wait;   /* enum assess_wait: it is about to wait, or has just woken */
    bool for_gil;        /* ...with the interpreter's condition variable */
    bool unanswered;     /* Python frames alone: the thread did not say where it was */
    uint64_t line;       /* of the innermost Python frame: equal for the same one */
    bool yields;         /* spins in sched_yield */
    bool multiplexes;    /* its innermost Python function is one of selectors or an event loop */
    uint32_t owner;      /* first object that is neither C library nor interpreter; or UINT32_MAX */
    uint64_t python;     /* equal for stacks of the same Python functions */
};

enum assess_wait assess_wait_of(const struct assess_rec_sample *sample,
                                const struct assess_stack_facts *facts);

/* Whether a request is under way in the process. */
enum assess_demand { ASSESS_DEMAND_UNKNOWN, ASSESS_DEMAND_NONE, ASSESS_DEMAND_SOME };

/* stack: UINT32_MAX for a sample without a stack.  ASHORE_ERR_NOMEM. */
int assess_classify_stack(struct assess_image *image, uint32_t stack,
                          struct assess_stack_facts *facts, struct ashore_error *err);

enum assess_bucket assess_classify(const struct assess_rec_sample *sample,
                                   const struct assess_stack_facts *facts,
                                   enum assess_demand demand);

#endif
