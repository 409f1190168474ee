#include "queue.h"

#include "assess_base.h"
#include "stats_parts.h"

/* ---- Kiefer and Wolfowitz ------------------------------------------------------------------- */

/* When each server is free again: a heap, the earliest first. */
struct servers {
    double *free_at;
    size_t count;
};

static void make_free(struct servers *s) {
    for (size_t i = 0; i < s->count; i++) s->free_at[i] = -INFINITY;
}

/* The first free server takes what arrives; returns when it has done with it. */
static double serve(struct servers *s, double arrival, double service) {
    double *heap = s->free_at;
    double end = (heap[0] > arrival ? heap[0] : arrival) + service;
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < s->count; i = child) {
        if (child + 1 < s->count && heap[child + 1] < heap[child]) child++;
        if (heap[child] >= end) break;
        heap[i] = heap[child];
    }
    heap[i] = end;
    return end;
}

static bool usable(double service) {
    return service >= 0 && service < INFINITY;
}

/* More servers than requests are never used. */
static bool make_servers(struct servers *s, size_t count, size_t n) {
    s->count = count < n ? count : n;
    s->free_at = s->count ? assess_realloc(NULL, s->count * sizeof *s->free_at) : NULL;
    if (s->free_at) make_free(s);
    return s->free_at;
}

static void replay(struct servers *s, const double *intended, const double *service, size_t n,
                   double *latency) {
    for (size_t i = 0; i < n; i++)
        latency[i] =
            usable(service[i]) ? serve(s, intended[i], service[i]) - intended[i] : INFINITY;
}

void assess_queue_replay(const double *intended, const double *service, size_t n, size_t servers,
                         double *latency) {
    struct servers s;
    if (make_servers(&s, servers, n))
        replay(&s, intended, service, n, latency);
    else
        for (size_t i = 0; i < n; i++) latency[i] = INFINITY;
    assess_realloc(s.free_at, 0);
}

/* ---- fit ------------------------------------------------------------------------------------ */

struct sample {
    double *intended, *service, *latency, *replayed;
    size_t n;
};

/* The requests that were answered. */
static bool take_answered(struct sample *s, const double *intended, const double *service,
                          const double *latency, size_t n) {
    if (n == 0 || n > SIZE_MAX / (4 * sizeof(double))) return false;
    s->intended = assess_realloc(NULL, 4 * n * sizeof(double));
    if (!s->intended) return false;
    s->service = s->intended + n;
    s->latency = s->service + n;
    s->replayed = s->latency + n;
    for (size_t i = 0; i < n; i++) {
        if (!usable(service[i]) || !usable(latency[i]) || !isfinite(intended[i])) continue;
        s->intended[s->n] = intended[i];
        s->service[s->n] = service[i];
        s->latency[s->n++] = latency[i];
    }
    return s->n > 0;
}

/* What is added to each request outside of queue and service (the network, accepting, parsing):
 * what a request takes beyond its service when it did not wait.  One in a hundred such is enough,
 * which a queue with up to 99 % load has. */
static double fixed_overhead(struct sample *s) {
    for (size_t i = 0; i < s->n; i++) s->replayed[i] = s->latency[i] - s->service[i];
    double overhead = assess_select(s->replayed, s->n, assess_rank(s->n, 0.01));
    return overhead > 0 ? overhead : 0;
}

/* |log(predicted / measured)|; two zeros agree. */
static double misfit(double predicted, double measured) {
    if (predicted == measured) return 0;
    double distance = fabs(log(predicted / measured));
    return isnan(distance) ? INFINITY : distance;
}

struct assess_queue assess_queue_fit(const double *intended, const double *service,
                                     const double *latency, size_t n, double q, size_t most) {
    struct assess_queue best = {.servers = 0, .misfit = INFINITY};
    struct sample s = {0};
    struct servers servers = {0};
    if (most > n) most = n;
    if (take_answered(&s, intended, service, latency, n) && make_servers(&servers, most, n)) {
        size_t rank = assess_rank(s.n, q);
        best.overhead = fixed_overhead(&s);
        for (size_t i = 0; i < s.n; i++) s.replayed[i] = s.latency[i];
        double measured = assess_select(s.replayed, s.n, rank);
        for (size_t k = 1; k <= most; k++) {
            servers.count = k;
            make_free(&servers);
            replay(&servers, s.intended, s.service, s.n, s.replayed);
            double predicted = assess_select(s.replayed, s.n, rank) + best.overhead;
            double off = misfit(predicted, measured);
            if (best.servers == 0 || off < best.misfit) {
                best.misfit = off;
                best.servers = k;
            }
            if (predicted < measured) break; /* more servers only predict less */
        }
    }
    assess_realloc(servers.free_at, 0);
    assess_realloc(s.intended, 0);
    return best;
}

/* ---- prediction ----------------------------------------------------------------------------- */

/* One draw of the measured times: starts of blocks, which go round from the end to the beginning
 * (Politis and Romano's circular bootstrap, 1992). */
struct draw {
    const double *service;
    size_t n, length, count;
    size_t *starts;
    double factor;
};

static double drawn_mean(const struct draw *d) {
    double sum = 0;
    size_t answered = 0;
    for (size_t i = 0; i < d->n; i++) {
        double x = d->service[(d->starts[i / d->length] + i % d->length) % d->n];
        if (!usable(x)) continue;
        sum += x;
        answered++;
    }
    return answered ? d->factor * sum / (double)answered : 0;
}

/* Poisson arrivals of `count` requests; latencies of those after the first `skip`, while the queue
 * fills.  The drawn blocks come in order first, then again as chance has it. */
static void run_queue(const struct draw *d, struct servers *s, double rate, size_t skip,
                      size_t count, double *latency, uint64_t *state) {
    double now = 0;
    size_t start = 0;
    make_free(s);
    for (size_t i = 0; i < skip + count; i++) {
        size_t place = i % d->length, block = i / d->length;
        if (place == 0)
            start = d->starts[block < d->count ? block : assess_random_below(state, d->count)];
        double x = d->service[(start + place) % d->n], end = INFINITY;
        now -= log1p(-assess_random_unit(state)) / rate;
        if (usable(x)) end = serve(s, now, d->factor * x) - now;
        if (i >= skip) latency[i - skip] = end;
    }
}

static bool unstable(double mean, double rate, size_t servers) {
    return !(mean * rate < (double)servers);
}

struct prediction {
    double *latency, *quantiles;
    struct servers servers;
    struct draw draw;
};

static bool make_prediction(struct prediction *p, size_t servers, size_t count, size_t replays) {
    if (count > SIZE_MAX / sizeof(double) || replays > SIZE_MAX / sizeof(double)) return false;
    p->latency = assess_realloc(NULL, count * sizeof *p->latency);
    p->quantiles = assess_realloc(NULL, replays * sizeof *p->quantiles);
    p->draw.starts = assess_realloc(NULL, p->draw.count * sizeof *p->draw.starts);
    return make_servers(&p->servers, servers, count) && p->latency && p->quantiles &&
           p->draw.starts;
}

static double predict_once(struct prediction *p, double rate, double q, size_t count,
                           uint64_t *state) {
    struct draw *d = &p->draw;
    for (size_t i = 0; i < d->count; i++) d->starts[i] = assess_random_below(state, d->n);
    if (unstable(drawn_mean(d), rate, p->servers.count)) return INFINITY;
    run_queue(d, &p->servers, rate, count / 10, count, p->latency, state);
    return assess_select(p->latency, count, assess_rank(count, q));
}
