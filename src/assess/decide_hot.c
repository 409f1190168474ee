/* Whether the interpreter's time is in one place: partial before full.
 *
 * A candidate is a Python function whose subtree holds half of the interpreter's time or more, and
 * that is a stage of the request or below one (the handler and its callers hold everything, which
 * says nothing), or that holds it in its own code.  Of those that a helper could replace whole the
 * largest wins, and where a caller and a callee hold nearly the same, the callee, also where it is
 * nearly as pure as is asked: they are measured, and lie on either side by chance.  When none can
 * be replaced whole, the narrowest.  When there is no candidate, a module whose functions hold half
 * of the time among them. */
#include "decide.h"

#include <math.h>
#include <string.h>

static const double enough = 0.5, pure = 0.8, nearly = 0.95;

struct search {
    const struct assess_profile *profile;
    struct assess_pool *pool;
    double *subtree; /* s of the interpreter, by function */
    size_t *last;    /* the stack that counted it, plus 1 */
    bool *is_stage, *below_stage;
    double all;
};

static bool same_text(const char *a, const char *b) { return a && b && strcmp(a, b) == 0; }

static bool prepare(struct search *s) {
    const struct assess_profile *p = s->profile;
    size_t n = p->function_count;
    s->subtree = assess_alloc_array(s->pool, n, sizeof *s->subtree);
    s->last = assess_alloc_array(s->pool, n, sizeof *s->last);
    s->is_stage = assess_alloc_array(s->pool, n, sizeof *s->is_stage);
    s->below_stage = assess_alloc_array(s->pool, n, sizeof *s->below_stage);
    if (n == 0 || !s->subtree || !s->last || !s->is_stage || !s->below_stage) return false;
    enum { MOST_STAGES = 64 };
    for (size_t k = 0; k < p->stage_count && k < MOST_STAGES; k++) {
        for (size_t i = 0; i < n; i++) {
            if (!p->functions[i].python) continue;
            s->is_stage[i] |= same_text(p->functions[i].name, p->stages[k].name) &&
                              same_text(p->functions[i].place, p->stages[k].place);
        }
    }
    return true;
}

static void add_stack(struct search *s, size_t number) {
    const struct assess_stack *stack = &s->profile->stacks[number];
    bool below = false;
    for (size_t i = 0; i < stack->depth; i++) {
        uint32_t f = stack->frames[i];
        if (f >= s->profile->function_count) continue;
        below |= s->is_stage[f];
        s->below_stage[f] |= below;
        if (s->last[f] == number + 1) continue;
        s->last[f] = number + 1;
        s->subtree[f] += stack->seconds;
    }
}

/* Without stacks a function is known by its own time alone. */
static void add_stacks(struct search *s) {
    const struct assess_profile *p = s->profile;
    for (size_t i = 0; i < p->stack_count; i++) {
        const struct assess_stack *stack = &p->stacks[i];
        if (stack->bucket != ASSESS_INTERPRETER || !assess_is_given(stack->seconds)) continue;
        s->all += stack->seconds;
        add_stack(s, i);
    }
    /* Without stages, what nearly every stack has says nothing. */
    for (size_t i = 0; p->stage_count == 0 && i < p->function_count; i++) {
        s->below_stage[i] = s->subtree[i] < nearly * s->all;
    }
    if (s->all > 0) return;
    for (size_t i = 0; i < p->function_count; i++) {
        double own = p->functions[i].self[ASSESS_INTERPRETER];
        if (!p->functions[i].python || !assess_is_given(own)) continue;
        s->subtree[i] = own;
        s->all += own;
    }
}

static double own_time(const struct search *s, size_t i) {
    double own = s->profile->functions[i].self[ASSESS_INTERPRETER];
    return assess_is_given(own) ? own : 0;
}

/* A subtree that a helper could replace whole: hardly anything but the interpreter below it. */
static bool is_pure(const struct search *s, size_t i, double least) {
    double total = s->profile->functions[i].total;
    return !(assess_is_given(total) && s->subtree[i] < least * total);
}

static bool is_candidate(const struct search *s, size_t i) {
    bool own = own_time(s, i) >= enough * s->all;
    return s->profile->functions[i].python && (own || s->below_stage[i]);
}

static void find_function(const struct search *s, struct assess_hot_spot *hot) {
    size_t n = s->profile->function_count;
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_candidate(s, i)) continue;
        hot->best_share = fmax(hot->best_share, fmin(s->subtree[i] / s->all, 1));
        if (is_pure(s, i, pure)) most = fmax(most, s->subtree[i]);
    }
    bool whole = most >= enough * s->all;
    double least = INFINITY;
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        double wanted = whole ? nearly * most : enough * s->all;
        if (!is_candidate(s, i) || (whole && !is_pure(s, i, nearly * pure))) continue;
        if (s->subtree[i] < wanted || s->subtree[i] >= least) continue;
        best = i;
        least = s->subtree[i];
    }
    if (best == n) return;
    const struct assess_function *f = &s->profile->functions[best];
    hot->share = fmin(least / s->all, 1);
    hot->name = assess_say(s->pool, "%s (%s)", f->name ? f->name : "a function",
                           f->place ? f->place : "place not known");
}

/* Length of the file's part of "app.py:12". */
static size_t file_length(const char *place) {
    const char *colon = place ? strrchr(place, ':') : NULL;
    if (!place) return 0;
    return colon ? (size_t)(colon - place) : strlen(place);
}

static bool counts_for_module(const struct search *s, size_t i) {
    return s->profile->functions[i].python && s->below_stage[i] && own_time(s, i) > 0;
}

static void find_module(const struct search *s, struct assess_hot_spot *hot) {
    /* One of the few functions with most own time lies in any module that holds half of it. */
    for (size_t i = 0; i < s->profile->function_count; i++) {
        const struct assess_function *f = &s->profile->functions[i];
        size_t length = file_length(f->place);
        /* A module that holds half of the time in functions of less than 1/200 each is no place. */
        if (!counts_for_module(s, i) || length == 0 || own_time(s, i) < s->all / 200) continue;
        double sum = 0;
        for (size_t k = 0; k < s->profile->function_count; k++) {
            const char *place = s->profile->functions[k].place;
            if (!counts_for_module(s, k) || file_length(place) != length) continue;
            if (memcmp(place, f->place, length) == 0) sum += own_time(s, k);
        }
        if (sum / s->all > hot->best_share) hot->best_share = fmin(sum / s->all, 1);
        if (sum < enough * s->all) continue;
        hot->share = fmin(sum / s->all, 1);
        hot->name =
            assess_say(s->pool, "the module %.*s", (int)fmin((double)length, 200), f->place);
        return;
    }
}

void assess_decide_hot_spot(struct assess_case *c) {
    if (!c->profiled) return;
    struct search s = {.profile = c->evidence->profile, .pool = c->pool};
    if (!prepare(&s)) return;
    add_stacks(&s);
    if (!(s.all > 0) || !isfinite(s.all)) return;
    find_function(&s, &c->hot);
    if (!c->hot.name) find_module(&s, &c->hot);
}
