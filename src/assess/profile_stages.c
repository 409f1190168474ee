#include "profile_build.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    const struct assess_profile *profile;
    uint32_t *stacks; /* those that begin with the path */
    size_t count, depth;
    double *seconds;           /* [function_count]: by the function at depth; 0 between uses */
    struct assess_stage other; /* what was left aside on the way, and small callees */
};

static double work_of(const struct assess_stack *stack) {
    return stack->bucket == ASSESS_IDLE ? 0 : stack->seconds;
}

/* The Python function at the walk's depth, or UINT32_MAX where the stack's Python part ends. */
static uint32_t callee(const struct walk *w, const struct assess_stack *stack) {
    if (stack->depth <= w->depth) return UINT32_MAX;
    uint32_t f = stack->frames[w->depth];
    return w->profile->functions[f].python ? f : UINT32_MAX;
}

/* The callee with the most time, UINT32_MAX when none has any; *whole: time of all stacks. */
static uint32_t heaviest(struct walk *w, double *whole) {
    uint32_t best = UINT32_MAX;
    *whole = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct assess_stack *stack = &w->profile->stacks[w->stacks[i]];
        uint32_t f = callee(w, stack);
        *whole += work_of(stack);
        if (f == UINT32_MAX) continue;
        w->seconds[f] += work_of(stack);
        if (best == UINT32_MAX || w->seconds[f] > w->seconds[best]) best = f;
    }
    return best;
}

static void clear(struct walk *w) {
    for (size_t i = 0; i < w->count; i++) {
        uint32_t f = callee(w, &w->profile->stacks[w->stacks[i]]);
        if (f != UINT32_MAX) w->seconds[f] = 0;
    }
}

/* Goes down while one callee holds nearly everything and calls something itself; returns the
 * function reached, UINT32_MAX for the root. */
static uint32_t descend(struct walk *w) {
    uint32_t at = UINT32_MAX;
    for (;;) {
        double whole;
        uint32_t best = heaviest(w, &whole);
        bool most = best != UINT32_MAX && w->seconds[best] >= 0.9 * whole && whole > 0;
        clear(w);
        if (!most) return at;
        size_t kept = 0;
        for (size_t i = 0; i < w->count; i++) {
            const struct assess_stack *stack = &w->profile->stacks[w->stacks[i]];
            if (callee(w, stack) == best) {
                w->stacks[kept++] = w->stacks[i];
            } else {
                w->other.seconds[stack->bucket] += work_of(stack);
            }
        }
        w->count = kept;
        w->depth++;
        at = best;
    }
}

static int by_time(const void *a, const void *b) {
    double p = assess_sum(((const struct assess_stage *)a)->seconds);
    double q = assess_sum(((const struct assess_stage *)b)->seconds);
    return p > q ? -1 : p < q;
}

/* One stage per callee above the limit.  where: [function_count] their places. */
static void fill(struct walk *w, uint32_t at, double whole, uint32_t *where,
                 struct assess_profile *profile) {
    const struct assess_function *functions = profile->functions;
    struct assess_stage own = {0};
    if (at != UINT32_MAX) {
        own.name = functions[at].name;
        own.place = functions[at].place;
    }
    size_t count = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct assess_stack *stack = &profile->stacks[w->stacks[i]];
        uint32_t f = callee(w, stack);
        struct assess_stage *to = f == UINT32_MAX && at != UINT32_MAX ? &own : &w->other;
        if (f != UINT32_MAX && w->seconds[f] >= 0.02 * whole && w->seconds[f] > 0) {
            if (where[f] == UINT32_MAX) {
                where[f] = (uint32_t)count++;
                profile->stages[where[f]] =
                    (struct assess_stage){.name = functions[f].name, .place = functions[f].place};
            }
            to = &profile->stages[where[f]];
        }
        to->seconds[stack->bucket] += work_of(stack);
    }
    if (assess_sum(own.seconds) > 0) profile->stages[count++] = own;
    qsort(profile->stages, count, sizeof *profile->stages, by_time);
    if (assess_sum(w->other.seconds) > 0) profile->stages[count++] = w->other;
    profile->stage_count = count;
}

int assess_find_stages(struct assess_profile *profile, struct assess_pool *pool,
                       struct ashore_error *err) {
    enum { STAGES_MOST = 50 + 2 }; /* of at least 2 % each */
    size_t functions = profile->function_count;
    struct walk w = {.profile = profile, .other = {.name = "other", .place = ""}};
    w.stacks = assess_realloc(NULL, (profile->stack_count + 1) * sizeof *w.stacks);
    w.seconds = assess_realloc(NULL, (functions + 1) * sizeof *w.seconds);
    uint32_t *where = assess_realloc(NULL, (functions + 1) * sizeof *where);
    profile->stages = assess_alloc_array(pool, STAGES_MOST, sizeof *profile->stages);
    bool good = w.stacks && w.seconds && where && profile->stages;
    if (good) {
        memset(w.seconds, 0, (functions + 1) * sizeof *w.seconds);
        memset(where, 0xff, (functions + 1) * sizeof *where);
        for (size_t i = 0; i < profile->stack_count; i++) {
            if (work_of(&profile->stacks[i]) > 0) w.stacks[w.count++] = (uint32_t)i;
        }
        uint32_t at = descend(&w);
        double whole;
        heaviest(&w, &whole);
        fill(&w, at, whole, where, profile);
    }
    assess_realloc(w.stacks, 0);
    assess_realloc(w.seconds, 0);
    assess_realloc(where, 0);
    return good ? ASHORE_OK : assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
}
