#include "profile_threads.h"

#include <string.h>
#include <sys/syscall.h>

/* A thread that waits in one place for all but this share of its time does nothing else. */
static const double AWAKE_MOST = 0.002;
/* One stretch of waiting in one place for this share of a thread's time, and this long, is a thread
 * that waits for the others to end, not a request that waits. */
static const double PARKED_LEAST = 0.5;
static const int64_t PARKED_NS = 500000000;

static bool same_tid(const void *array, uint32_t index, const void *key) {
    return ((const struct assess_seen *)array)[index].tid == *(const uint32_t *)key;
}

struct assess_seen *assess_threads_find(struct assess_threads *t, uint32_t tid) {
    if (t->seed == 0) t->seed = assess_hash_seed() | 1;
    uint64_t hash = assess_hash(t->seed, &tid, sizeof tid);
    uint32_t found = assess_intern_find(&t->by_tid, hash, same_tid, t->threads, &tid);
    if (found != UINT32_MAX) return &t->threads[found];
    if (!assess_grow((void **)&t->threads, t->count, &t->room, sizeof *t->threads)) return NULL;
    if (!assess_intern_add(&t->by_tid, hash, (uint32_t)t->count)) return NULL;
    t->threads[t->count] = (struct assess_seen){.tid = tid,
                                                .name = "",
                                                .waits_in = UINT32_MAX,
                                                .parked_from = 1,
                                                .owner = UINT32_MAX,
                                                .last_span = UINT32_MAX};
    return &t->threads[t->count++];
}

/* ---- what was seen -------------------------------------------------------------------------- */

static bool is_waiting(const struct assess_rec_sample *s, const struct assess_stack_facts *facts) {
    if (s->flags & (ASSESS_SAMPLE_GIL_WAIT | ASSESS_SAMPLE_GC)) return false;
    /* Inside of a library that computes, or for a device: that is work. */
    bool works = facts->wait_bucket == ASSESS_COMPUTE || facts->wait_bucket == ASSESS_DEVICE_WAIT;
    if (works) return false;
    enum assess_wait wait = assess_wait_of(s, facts);
    return wait != ASSESS_WAIT_NOT && wait != ASSESS_WAIT_YIELD && wait != ASSESS_WAIT_DISK;
}

/* Waiting for other threads, children or signals: not for what a request needs. */
static bool may_park(const struct assess_rec_sample *s, const struct assess_stack_facts *facts) {
    enum assess_wait wait = assess_wait_of(s, facts);
    bool child = s->syscall == SYS_wait4 || s->syscall == SYS_waitid;
    return wait == ASSESS_WAIT_LOCK || wait == ASSESS_WAIT_SIGNAL || child;
}

static void see_wait(struct assess_seen *thread, const struct assess_rec_sample *s,
                     const struct assess_stack_facts *facts) {
    bool waits = is_waiting(s, facts);
    if (waits && thread->wait_weight <= 0) {
        thread->wait_stack = facts->python;
        thread->waits_in = s->stack;
    }
    if (waits && thread->wait_stack == facts->python) thread->wait_weight += s->weight;
    bool goes_on = thread->waiting_now && thread->now_stack == facts->python;
    /* Woken for the next of several threads to join: it needs the interpreter for a moment. */
    if (goes_on && (s->flags & ASSESS_SAMPLE_GIL_WAIT)) return;
    bool parks = waits && may_park(s, facts);
    if (parks && !goes_on) {
        thread->now_stack = facts->python;
        thread->now_begin = s->time - (int64_t)s->weight;
    }
    thread->waiting_now = parks;
    if (parks && s->time - thread->now_begin > thread->longest_end - thread->longest_begin) {
        thread->longest_begin = thread->now_begin;
        thread->longest_end = s->time;
    }
}

static void see_native(struct assess_seen *thread, const struct assess_rec_sample *s,
                       const struct assess_stack_facts *facts) {
    if (facts->owner == thread->owner) {
        thread->votes += s->weight;
    } else if (thread->votes < s->weight) {
        thread->owner = facts->owner;
        thread->votes = s->weight - thread->votes;
    } else {
        thread->votes -= s->weight;
    }
    enum assess_wait wait = assess_wait_of(s, facts);
    double seconds = s->weight * 1e-9;
    if (wait == ASSESS_WAIT_YIELD || (wait == ASSESS_WAIT_NOT && facts->yields)) {
        thread->spinning += seconds;
    } else if (wait == ASSESS_WAIT_NOT) {
        thread->busy += seconds;
    } else {
        thread->waiting += seconds;
    }
}

bool assess_threads_see(struct assess_threads *t, const struct assess_rec_sample *s,
                        const struct assess_stack_facts *facts) {
    struct assess_seen *thread = assess_threads_find(t, s->tid);
    if (!thread) return false;
    if (thread->weight <= 0) thread->first = s->time - (int64_t)s->weight;
    thread->last = s->time;
    thread->weight += s->weight;
    if (!t->any || s->time - (int64_t)s->weight < t->first) {
        t->first = s->time - (int64_t)s->weight;
    }
    if (!t->any || s->time > t->last) t->last = s->time;
    t->any = true;
    if (s->flags & ASSESS_SAMPLE_ACCEPTED) t->accepted = true;
    if (s->flags & ASSESS_SAMPLE_PYTHON) thread->python = true;
    see_wait(thread, s, facts);
    see_native(thread, s, facts);
    return true;
}

/* ---- who serves requests -------------------------------------------------------------------- */

static void judge(struct assess_seen *thread, const struct assess_threads *process) {
    double whole = (double)(process->last - process->first);
    bool lasts = (double)(thread->last - thread->first) >= 0.9 * whole;
    thread->only_waits =
        lasts && thread->weight > 0 && thread->wait_weight >= (1 - AWAKE_MOST) * thread->weight;
    int64_t longest = thread->longest_end - thread->longest_begin;
    if (longest >= PARKED_NS &&
        (double)longest >= PARKED_LEAST * (double)(thread->last - thread->first)) {
        thread->parked_from = thread->longest_begin;
        thread->parked_to = thread->longest_end;
    }
}

static bool is_parked(const struct assess_seen *thread) {
    return thread->only_waits || thread->parked_from < thread->parked_to;
}

void assess_threads_judge(struct assess_threads *const *processes, const uint32_t *pids,
                          size_t count) {
    bool others = false;
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < processes[p]->count; i++) {
            struct assess_seen *thread = &processes[p]->threads[i];
            if (!thread->python) continue;
            judge(thread, processes[p]);
            others = others || !is_parked(thread);
        }
    }
    if (others) return;
    for (size_t p = 0; p < count; p++) {
        for (size_t i = 0; i < processes[p]->count; i++) {
            struct assess_seen *thread = &processes[p]->threads[i];
            if (thread->tid != pids[p]) continue;
            thread->only_waits = false;
            thread->parked_from = 1;
            thread->parked_to = 0;
        }
    }
}

bool assess_threads_counts(const struct assess_seen *thread, int64_t time) {
    if (!thread->python || thread->only_waits) return false;
    return time <= thread->parked_from || time > thread->parked_to;
}

/* What a running thread says of itself comes a little later than its tick, and so does the number
 * of requests then: the one that it has waited for may have been answered. */
static bool is_late_wait(const struct assess_rec_sample *sample,
                         const struct assess_stack_facts *facts, enum assess_demand demand) {
    return demand == ASSESS_DEMAND_NONE && sample->syscall < 0 &&
           facts->leaf_wait != ASSESS_WAIT_NOT;
}

enum assess_bucket assess_threads_classify(struct assess_threads *threads,
                                           struct assess_seen *thread,
                                           const struct assess_rec_sample *sample,
                                           const struct assess_stack_facts *facts,
                                           enum assess_demand demand) {
    enum assess_bucket bucket = assess_classify(sample, facts, demand);
    bool gil = sample->flags & (ASSESS_SAMPLE_HOLDS_GIL | ASSESS_SAMPLE_GIL_WAIT);
    if (gil || bucket == ASSESS_GC || facts->line == 0) return bucket;
    struct assess_last_wait *wait = &threads->waits[facts->python % ASSESS_WAIT_SLOTS];
    if (sample->syscall >= 0) {
        *wait = (struct assess_last_wait){facts->python, (uint8_t)bucket};
    } else if (is_late_wait(sample, facts, demand)) {
        if (wait->python == facts->python) bucket = wait->bucket;
    } else if (!facts->unanswered) {
        thread->free_line = facts->line;
        thread->free_bucket = (uint8_t)bucket;
    } else if (thread->free_line == facts->line) {
        bucket = thread->free_bucket;
    }
    return bucket;
}

void assess_threads_deinit(struct assess_threads *t) {
    assess_realloc(t->threads, 0);
    assess_intern_deinit(&t->by_tid);
    *t = (struct assess_threads){0};
}
