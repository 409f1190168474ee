/* Shares of work, and how far sampling leaves them open. */
#include "decide.h"

#include <math.h>
#include <stdlib.h>

/* At 100 to 200 Hz neighbouring samples of a thread are 5 to 10 ms apart, so that a request of some
 * 50 ms or a phase of one gives up to ten that say the same thing.  Ten count as one: right where
 * runs are that long, careful where they are shorter.  Longer phases show in blocks of time. */
static const double samples_per_fact = 10, fewest_blocks = 10, most_blocks = 4096;
static const double normal_95 = 1.96;

bool assess_is_given(double value) { return isfinite(value) && value > 0; }

static bool counts_wait(const struct assess_case *c, enum assess_bucket b) {
    return b == ASSESS_INTERPRETER && c->waits_for_interpreter &&
           c->share[ASSESS_GIL_WAIT] >= 0.005;
}

const char *assess_weight_words(const struct assess_case *c, enum assess_bucket b) {
    const char *share = assess_percent_text(c->pool, c->share[b]);
    if (!counts_wait(c, b)) return assess_say(c->pool, "%s (%s)", assess_bucket_titles[b], share);
    return assess_say(c->pool, "%s (%s, and %s waiting for it)", assess_bucket_titles[b], share,
                      assess_percent_text(c->pool, c->share[ASSESS_GIL_WAIT]));
}

const char *assess_share_words(const struct assess_case *c, enum assess_bucket b) {
    if (counts_wait(c, b)) {
        return assess_say(c->pool, "%s is %s of the work, and waiting for its lock %s",
                          assess_bucket_titles[b], assess_percent_text(c->pool, c->share[b]),
                          assess_percent_text(c->pool, c->share[ASSESS_GIL_WAIT]));
    }
    return assess_say(c->pool, "%s is %s of the work", assess_bucket_titles[b],
                      assess_percent_text(c->pool, c->share[b]));
}

/* ---- blocks of time ------------------------------------------------------------------------- */

struct block {
    double work, lead, interpreter; /* s */
};

struct cut {
    struct block *blocks;
    size_t count;
    double begin, length;
};

static int compare_threads(const void *a, const void *b) {
    const struct assess_thread *x = *(const struct assess_thread *const *)a;
    const struct assess_thread *y = *(const struct assess_thread *const *)b;
    if (x->pid != y->pid) return x->pid < y->pid ? -1 : 1;
    return (x->tid > y->tid) - (x->tid < y->tid);
}

/* Pointers to request threads, sorted; NULL when there are none or no memory. */
static const struct assess_thread **request_threads(struct assess_case *c, size_t *count) {
    const struct assess_profile *p = c->evidence->profile;
    *count = 0;
    const struct assess_thread **sorted =
        assess_alloc_array(c->pool, p->thread_count, sizeof *sorted);
    if (!sorted) return NULL;
    for (size_t i = 0; i < p->thread_count; i++) {
        if (p->threads[i].request) sorted[(*count)++] = &p->threads[i];
    }
    if (*count == 0) return NULL;
    qsort(sorted, *count, sizeof *sorted, compare_threads);
    return sorted;
}

static void add_span(const struct assess_case *c, struct cut *cut, const struct assess_span *span,
                     enum assess_bucket b) {
    double last = cut->begin + cut->length * (double)cut->count;
    double at = fmax(span->begin, cut->begin), end = fmin(span->end, last);
    if (!(at < end)) return;
    for (size_t i = (size_t)((at - cut->begin) / cut->length); i < cut->count && at < end; i++) {
        double next = fmin(end, cut->begin + cut->length * (double)(i + 1));
        double part = fmax(next - at, 0);
        struct block *block = &cut->blocks[i];
        block->work += part;
        if (b == ASSESS_GIL_WAIT && c->waits_for_interpreter) b = ASSESS_INTERPRETER;
        if (b == c->first) block->lead += part;
        if (b == c->second) block->lead -= part;
        if (b == ASSESS_INTERPRETER) block->interpreter += part;
        at = fmax(next, at);
    }
}

static bool fill_blocks(struct assess_case *c, struct cut *cut) {
    const struct assess_profile *p = c->evidence->profile;
    double wall = p->end - p->begin;
    if (p->span_count == 0 || !isfinite(p->begin) || !(wall >= fewest_blocks) || !isfinite(wall)) {
        return false;
    }
    cut->count = (size_t)fmin(wall, most_blocks);
    cut->begin = p->begin;
    cut->length = wall / (double)cut->count;
    cut->blocks = assess_alloc_array(c->pool, cut->count, sizeof *cut->blocks);
    size_t count;
    const struct assess_thread **threads = request_threads(c, &count);
    if (!cut->blocks || !threads) return false;
    for (size_t i = 0; i < p->span_count; i++) {
        const struct assess_span *span = &p->spans[i];
        if (span->stack >= p->stack_count) continue;
        enum assess_bucket b = p->stacks[span->stack].bucket;
        if (b == ASSESS_IDLE || (unsigned)b >= ASSESS_BUCKETS) continue;
        struct assess_thread key = {.pid = span->pid, .tid = span->tid};
        const struct assess_thread *wanted = &key;
        if (!bsearch(&wanted, threads, count, sizeof *threads, compare_threads)) continue;
        add_span(c, cut, span, b);
    }
    return true;
}

/* Standard errors of the ratio estimator sum(lead) / sum(work) over blocks as drawn units
 * (Cochran, Sampling Techniques, 6.4). */
static void errors_of_blocks(const struct cut *cut, double *lead, double *interpreter) {
    double work = 0, sum_lead = 0, sum_interpreter = 0, n = 0;
    for (size_t i = 0; i < cut->count; i++) {
        const struct block *b = &cut->blocks[i];
        work += b->work;
        sum_lead += b->lead;
        sum_interpreter += b->interpreter;
        n += b->work > 0;
    }
    if (n < fewest_blocks || !(work > 0)) return;
    double lead_squares = 0, interpreter_squares = 0;
    for (size_t i = 0; i < cut->count; i++) {
        const struct block *b = &cut->blocks[i];
        double l = b->lead - sum_lead / work * b->work;
        double k = b->interpreter - sum_interpreter / work * b->work;
        lead_squares += l * l;
        interpreter_squares += k * k;
    }
    *lead = sqrt(n / (n - 1) * lead_squares) / work;
    *interpreter = sqrt(n / (n - 1) * interpreter_squares) / work;
}

/* ---- all ------------------------------------------------------------------------------------ */

static void find_errors(struct assess_case *c) {
    if (isinf(c->samples)) return; /* a trace has every event */
    double n = c->samples / samples_per_fact;
    double p = c->weight[c->first], q = c->weight[c->second], i = c->weight[ASSESS_INTERPRETER];
    struct cut cut = {0};
    double lead = 0, interpreter = 0;
    if (fill_blocks(c, &cut)) {
        /* Blocks carry the dependence themselves; the error of independent samples stays below. */
        errors_of_blocks(&cut, &lead, &interpreter);
        if (lead > 0 || interpreter > 0) n = c->samples;
    }
    if (!(n > 0)) n = 1;
    double by_count = sqrt(fmax(p + q - (p - q) * (p - q), 0) / n);
    c->lead_error = normal_95 * fmax(lead, by_count);
    c->interpreter_error = normal_95 * fmax(interpreter, sqrt(i * (1 - i) / n));
}

/* Native code of models and of number crunching lets go of the lock while it works, other native
 * code and the interpreter hold it.  Threads that share one lock wait three times as long as they
 * work when it is held three quarters of the time (a queue that is shared equally); much longer
 * waits have another cause, such as taking the lock anew for each byte. */
static void weigh(struct assess_case *c) {
    double python = c->share[ASSESS_INTERPRETER] + c->share[ASSESS_GC];
    double others = c->share[ASSESS_MARSHALLING] + c->share[ASSESS_COMPUTE];
    c->waits_for_interpreter = python > others && python * 4 >= c->share[ASSESS_GIL_WAIT];
    for (int b = 0; b < ASSESS_BUCKETS; b++) c->weight[b] = c->share[b];
    if (c->waits_for_interpreter) {
        c->weight[ASSESS_INTERPRETER] += c->weight[ASSESS_GIL_WAIT];
        c->weight[ASSESS_GIL_WAIT] = 0;
    }
    c->first = ASSESS_INTERPRETER;
    for (enum assess_bucket b = 0; b < ASSESS_UNKNOWN; b++) {
        if (b != ASSESS_IDLE && c->weight[b] > c->weight[c->first]) c->first = b;
    }
    c->second = c->first == ASSESS_INTERPRETER ? ASSESS_COMPUTE : ASSESS_INTERPRETER;
    for (enum assess_bucket b = 0; b < ASSESS_UNKNOWN; b++) {
        if (b != ASSESS_IDLE && b != c->first && c->weight[b] > c->weight[c->second]) c->second = b;
    }
}

void assess_decide_shares(struct assess_case *c) {
    const struct assess_profile *p = c->evidence->profile;
    if (!p) return;
    for (int b = 0; b < ASSESS_BUCKETS; b++) {
        c->seconds[b] = assess_is_given(p->seconds[b]) ? p->seconds[b] : 0;
    }
    double all = assess_sum(c->seconds), work = all - c->seconds[ASSESS_IDLE];
    if (!isfinite(all) || !(work > 1e-9 * all)) return;
    c->profiled = true;
    c->idle = assess_share(c->seconds, ASSESS_IDLE);
    for (enum assess_bucket b = 0; b < ASSESS_BUCKETS; b++) {
        c->share[b] = b == ASSESS_IDLE ? 0 : assess_share_of_work(c->seconds, b);
    }
    weigh(c);
    bool trace = p->samples == 0 && !(p->hz > 0);
    c->samples = trace ? INFINITY : (double)p->samples * (work / all);
    find_errors(c);
}
