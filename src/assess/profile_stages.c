#include "profile_build.h"

#include <stdlib.h>
#include <string.h>

/* A set of stacks that begin alike. */
struct walk {
    uint32_t *stacks;
    size_t count, depth;
    uint32_t at; /* the function that all have at depth - 1; UINT32_MAX: the root */
};

struct search {
    struct assess_profile *profile;
    double whole;    /* time without idle */
    double *seconds; /* [function_count]: by the function at a walk's depth; 0 between uses */
    uint32_t *where; /* [function_count]: its stage; UINT32_MAX: none */
    struct assess_stage other;
};

static double work_of(const struct assess_stack *stack) {
    return stack->bucket == ASSESS_IDLE ? 0 : stack->seconds;
}

/* The Python function at the walk's depth, or UINT32_MAX where the stack's Python part ends. */
static uint32_t callee(const struct search *s, const struct walk *w, size_t i) {
    const struct assess_stack *stack = &s->profile->stacks[w->stacks[i]];
    if (stack->depth <= w->depth) return UINT32_MAX;
    uint32_t f = stack->frames[w->depth];
    return s->profile->functions[f].python ? f : UINT32_MAX;
}

/* Sums time by callee; returns the one with the most, UINT32_MAX when nothing is called. */
static uint32_t sum_callees(struct search *s, const struct walk *w, double *whole) {
    uint32_t best = UINT32_MAX;
    *whole = 0;
    for (size_t i = 0; i < w->count; i++) {
        uint32_t f = callee(s, w, i);
        double work = work_of(&s->profile->stacks[w->stacks[i]]);
        *whole += work;
        if (f == UINT32_MAX) continue;
        s->seconds[f] += work;
        if (best == UINT32_MAX || s->seconds[f] > s->seconds[best]) best = f;
    }
    return best;
}

static void forget_callees(struct search *s, const struct walk *w) {
    for (size_t i = 0; i < w->count; i++) {
        uint32_t f = callee(s, w, i);
        if (f != UINT32_MAX) s->seconds[f] = 0;
    }
}

static void add(struct assess_stage *to, const struct assess_stack *stack) {
    to->seconds[stack->bucket] += work_of(stack);
}

/* Steps into function f; the stacks that do not are "other" time. */
static void enter(struct search *s, struct walk *w, uint32_t f) {
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (callee(s, w, i) == f) {
            w->stacks[kept++] = w->stacks[i];
        } else {
            add(&s->other, &s->profile->stacks[w->stacks[i]]);
        }
    }
    w->count = kept;
    w->depth++;
    w->at = f;
}

/* Goes down while one callee holds nearly everything. */
static void descend(struct search *s, struct walk *w) {
    for (;;) {
        double whole;
        uint32_t best = sum_callees(s, w, &whole);
        bool most = best != UINT32_MAX && whole > 0 && s->seconds[best] >= 0.9 * whole;
        forget_callees(s, w);
        if (!most) return;
        enter(s, w, best);
    }
}

static struct assess_stage *stage_of(struct search *s, uint32_t f) {
    struct assess_profile *p = s->profile;
    if (s->where[f] == UINT32_MAX) {
        s->where[f] = (uint32_t)p->stage_count;
        p->stages[p->stage_count++] =
            (struct assess_stage){.name = p->functions[f].name, .place = p->functions[f].place};
    }
    return &p->stages[s->where[f]];
}

/* A stage per callee that is large enough, and one for what the function did itself. */
static void split(struct search *s, const struct walk *w) {
    double whole, called = 0;
    sum_callees(s, w, &whole);
    for (size_t i = 0; i < w->count; i++) {
        if (callee(s, w, i) != UINT32_MAX) called += work_of(&s->profile->stacks[w->stacks[i]]);
    }
    bool own = w->at != UINT32_MAX && whole - called >= 0.02 * s->whole;
    for (size_t i = 0; i < w->count; i++) {
        uint32_t f = callee(s, w, i);
        struct assess_stage *to = &s->other;
        if (f == UINT32_MAX && own) to = stage_of(s, w->at);
        if (f != UINT32_MAX && s->seconds[f] >= 0.02 * s->whole) to = stage_of(s, f);
        add(to, &s->profile->stacks[w->stacks[i]]);
    }
    forget_callees(s, w);
}

/* Moves the stacks of the first one's root to the front; returns how many they are. */
static size_t gather(const struct search *s, const struct walk *w) {
    uint32_t root = callee(s, w, 0);
    size_t taken = 0;
    for (size_t i = 0; i < w->count; i++) {
        if (callee(s, w, i) != root) continue;
        uint32_t stack = w->stacks[i];
        w->stacks[i] = w->stacks[taken];
        w->stacks[taken++] = stack;
    }
    return taken;
}

/* Threads of several kinds have several roots: each that is large enough is followed by itself. */
static void split_roots(struct search *s, struct walk *w) {
    double whole;
    size_t kept = 0;
    sum_callees(s, w, &whole);
    for (size_t i = 0; i < w->count; i++) {
        uint32_t f = callee(s, w, i);
        if (f != UINT32_MAX && s->seconds[f] >= 0.02 * s->whole) {
            uint32_t stack = w->stacks[i];
            w->stacks[i] = w->stacks[kept];
            w->stacks[kept++] = stack;
        } else {
            add(&s->other, &s->profile->stacks[w->stacks[i]]);
        }
    }
    forget_callees(s, w);
    w->count = kept;
    while (w->count) {
        struct walk root = {w->stacks, gather(s, w), w->depth, UINT32_MAX};
        w->stacks += root.count;
        w->count -= root.count;
        enter(s, &root, callee(s, &root, 0));
        descend(s, &root);
        split(s, &root);
    }
}

static int by_time(const void *a, const void *b) {
    double p = assess_sum(((const struct assess_stage *)a)->seconds);
    double q = assess_sum(((const struct assess_stage *)b)->seconds);
    return p > q ? -1 : p < q;
}

static void find(struct search *s, struct walk *w) {
    struct assess_profile *p = s->profile;
    for (size_t i = 0; i < p->stack_count; i++) {
        if (work_of(&p->stacks[i]) <= 0) continue;
        w->stacks[w->count++] = (uint32_t)i;
        s->whole += work_of(&p->stacks[i]);
    }
    descend(s, w);
    if (w->at == UINT32_MAX) {
        split_roots(s, w);
    } else {
        split(s, w);
    }
    qsort(p->stages, p->stage_count, sizeof *p->stages, by_time);
    if (assess_sum(s->other.seconds) > 0) p->stages[p->stage_count++] = s->other;
}

int assess_find_stages(struct assess_profile *profile, struct assess_pool *pool,
                       struct ashore_error *err) {
    enum { STAGES_MOST = 50 + 2 }; /* of at least 2 % each, and "other" */
    size_t functions = profile->function_count;
    struct search s = {.profile = profile, .other = {.name = "other", .place = ""}};
    uint32_t *stacks = assess_realloc(NULL, (profile->stack_count + 1) * sizeof *stacks);
    struct walk w = {.stacks = stacks, .at = UINT32_MAX};
    s.seconds = assess_realloc(NULL, (functions + 1) * sizeof *s.seconds);
    s.where = assess_realloc(NULL, (functions + 1) * sizeof *s.where);
    profile->stages = assess_alloc_array(pool, STAGES_MOST, sizeof *profile->stages);
    profile->stage_count = 0;
    bool good = stacks && s.seconds && s.where && profile->stages;
    if (good) {
        memset(s.seconds, 0, (functions + 1) * sizeof *s.seconds);
        memset(s.where, 0xff, (functions + 1) * sizeof *s.where);
        find(&s, &w);
    }
    assess_realloc(stacks, 0);
    assess_realloc(s.seconds, 0);
    assess_realloc(s.where, 0);
    return good ? ASHORE_OK : assess_fail(err, ASHORE_ERR_NOMEM, "profile: out of memory");
}
