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

static bool usable(double seconds) { return seconds >= 0 && seconds < INFINITY; }

/* More servers than requests are never used. */
static bool make_servers(struct servers *s, size_t count, size_t n) {
    s->count = count < n ? count : n;
    s->free_at = s->count && s->count <= SIZE_MAX / sizeof *s->free_at
                     ? assess_realloc(NULL, s->count * sizeof *s->free_at)
                     : NULL;
    return s->free_at;
}

/* Returns how many had to wait. */
static size_t replay(struct servers *s, const double *intended, const double *service, size_t n,
                     double *latency) {
    size_t waited = 0;
    make_free(s);
    for (size_t i = 0; i < n; i++) {
        latency[i] = INFINITY;
        if (!usable(service[i]) || !isfinite(intended[i])) continue;
        waited += s->free_at[0] > intended[i];
        latency[i] = serve(s, intended[i], service[i]) - intended[i];
    }
    return waited;
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

/* Requests that were answered, and room for the work on them. */
struct sample {
    double *intended, *service, *latency, *replayed;
    size_t n;
    struct servers servers;
};

/* service may be NULL: it is filled in later. */
static bool make_sample(struct sample *s, const double *intended, const double *service,
                        const double *latency, size_t n, size_t most) {
    if (n == 0 || n > SIZE_MAX / (4 * sizeof(double))) return false;
    s->intended = assess_realloc(NULL, 4 * n * sizeof(double));
    if (!s->intended) return false;
    s->service = s->intended + n;
    s->latency = s->service + n;
    s->replayed = s->latency + n;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(intended[i]) || !usable(latency[i])) continue;
        if (service && !usable(service[i])) continue;
        s->intended[s->n] = intended[i];
        s->service[s->n] = service ? service[i] : 0;
        s->latency[s->n++] = latency[i];
    }
    return s->n > 0 && make_servers(&s->servers, most, s->n);
}

static void free_sample(struct sample *s) {
    assess_realloc(s->servers.free_at, 0);
    assess_realloc(s->intended, 0);
}

/* |log(predicted / measured)|; two zeros agree. */
static double misfit(double predicted, double measured) {
    if (predicted == measured) return 0;
    double distance = fabs(log(predicted / measured));
    return isnan(distance) ? INFINITY : distance;
}

/* Takes over what fits better; more servers for a gain that is rounding are not better. */
static void keep_better(struct assess_queue *best, const struct assess_queue *other) {
    if (best->servers == 0 || other->misfit < best->misfit - 1e-6) *best = *other;
}

struct assess_queue assess_queue_fit(const double *intended, const double *service,
                                     const double *latency, size_t n, double q, size_t most) {
    struct assess_queue best = {.servers = 0, .misfit = INFINITY};
    struct sample s = {0};
    bool ready = make_sample(&s, intended, service, latency, n, most);
    size_t rank = assess_rank(s.n, q), middle = assess_rank(s.n, 0.5);
    most = ready ? s.servers.count : 0;
    for (size_t k = 1; k <= most; k++) {
        struct assess_queue fit = {.servers = k};
        s.servers.count = k;
        size_t waited = replay(&s.servers, s.intended, s.service, s.n, s.replayed);
        double predicted = assess_select(s.replayed, s.n, rank);
        replay(&s.servers, s.intended, s.service, s.n, s.replayed);
        for (size_t i = 0; i < s.n; i++) s.replayed[i] = s.latency[i] - s.replayed[i];
        fit.overhead = fmax(0, assess_select(s.replayed, s.n, middle));
        for (size_t i = 0; i < s.n; i++) s.replayed[i] = s.latency[i];
        fit.misfit = misfit(predicted + fit.overhead, assess_select(s.replayed, s.n, rank));
        keep_better(&best, &fit);
        if (waited == 0) break;
    }
    free_sample(&s);
    return best;
}

struct assess_queue assess_queue_fit_apart(const double *intended, const double *latency, size_t n,
                                           const double *service, size_t m, double q, size_t most,
                                           uint64_t seed) {
    enum { DRAWS = 9 };
    struct assess_queue best = {.servers = 0, .misfit = INFINITY};
    struct sample s = {0};
    bool ready = m > 0 && make_sample(&s, intended, NULL, latency, n, most);
    size_t rank = assess_rank(s.n, q), middle = assess_rank(s.n, 0.5);
    most = ready ? s.servers.count : 0;
    double measured = most ? assess_select(s.latency, s.n, rank) : 0;
    double measured_middle = most ? assess_select(s.latency, s.n, middle) : 0;
    for (size_t k = 1; k <= most; k++) {
        double high[DRAWS], mid[DRAWS];
        size_t waited = 0;
        s.servers.count = k;
        for (size_t d = 0; d < DRAWS; d++) {
            uint64_t state = seed + d; /* the same draws for every k */
            for (size_t i = 0; i < s.n; i++) s.service[i] = service[assess_random_below(&state, m)];
            waited += replay(&s.servers, s.intended, s.service, s.n, s.replayed);
            high[d] = assess_select(s.replayed, s.n, rank);
            mid[d] = assess_select(s.replayed, s.n, middle);
        }
        struct assess_queue fit = {.servers = k};
        fit.overhead = fmax(0, measured_middle - assess_select(mid, DRAWS, DRAWS / 2));
        fit.misfit = misfit(assess_select(high, DRAWS, DRAWS / 2) + fit.overhead, measured);
        keep_better(&best, &fit);
        if (waited == 0) break;
    }
    free_sample(&s);
    return best;
}

/* ---- prediction ----------------------------------------------------------------------------- */

static double *make_array(size_t n) {
    return n > SIZE_MAX / sizeof(double) ? NULL : assess_realloc(NULL, n * sizeof(double));
}

/* Requests at the beginning of a replay that are not counted. */
static size_t filling(size_t count) { return count / 10; }

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

/* Poisson arrivals; latencies of the last `count` requests, after those during which the queue
 * fills.  The drawn blocks come in order first, then again as chance has it.  At rate 0 nobody
 * waits. */
static void run_queue(const struct draw *d, struct servers *s, double rate, size_t count,
                      double *latency, uint64_t *state) {
    double now = 0;
    size_t start = 0, skip = filling(count);
    make_free(s);
    for (size_t i = 0; i < skip + count; i++) {
        size_t place = i % d->length, block = i / d->length;
        if (place == 0)
            start = d->starts[block < d->count ? block : assess_random_below(state, d->count)];
        double x = d->service[(start + place) % d->n], taken = INFINITY;
        if (rate > 0) now -= log1p(-assess_random_unit(state)) / rate;
        if (usable(x)) taken = rate > 0 ? serve(s, now, d->factor * x) - now : d->factor * x;
        if (i >= skip) latency[i - skip] = taken;
    }
}

struct prediction {
    double *latency, *quantiles;
    size_t count, capacity;
    struct servers servers;
    struct draw draw;
};

static bool make_prediction(struct prediction *p, size_t replays) {
    p->latency = make_array(p->count);
    p->quantiles = make_array(replays);
    p->draw.starts = assess_realloc(NULL, p->draw.count * sizeof *p->draw.starts);
    return make_servers(&p->servers, p->capacity, p->count + filling(p->count)) && p->latency &&
           p->quantiles && p->draw.starts;
}

static double predict_once(struct prediction *p, double rate, double q, uint64_t *state) {
    struct draw *d = &p->draw;
    for (size_t i = 0; i < d->count; i++) d->starts[i] = assess_random_below(state, d->n);
    if (!(drawn_mean(d) * rate < (double)p->capacity)) return INFINITY;
    run_queue(d, &p->servers, rate, p->count, p->latency, state);
    return assess_select(p->latency, p->count, assess_rank(p->count, q));
}

/* As many requests as were measured, or as it takes to have some hundred beyond the quantile. */
static size_t replay_length(size_t n, double q) {
    const double beyond = 100, most = 200000;
    double wanted = beyond / (1 - q);
    if (!(wanted < most)) wanted = most;
    return (double)n < wanted ? (size_t)wanted : n;
}

static bool mean_is_stable(const struct draw *d, double rate, size_t servers) {
    double sum = 0;
    size_t answered = 0;
    for (size_t i = 0; i < d->n; i++) {
        if (!usable(d->service[i])) continue;
        sum += d->service[i];
        answered++;
    }
    return answered == 0 || sum / (double)answered * d->factor * rate < (double)servers;
}

struct assess_interval assess_queue_predict(const double *service, size_t n, size_t servers,
                                            double rate, double factor, double q, double c,
                                            size_t replays, uint64_t seed) {
    struct assess_interval interval = {0, NAN, INFINITY};
    struct prediction p = {
        .count = replay_length(n, q),
        .capacity = servers,
        .draw = {.service = service, .n = n, .factor = factor},
    };
    if (n == 0 || servers == 0 || !usable(factor) || !usable(rate)) return interval;
    if (!mean_is_stable(&p.draw, rate, servers))
        return (struct assess_interval){INFINITY, INFINITY, INFINITY};
    p.draw.length = (size_t)sqrt((double)n);
    p.draw.count = (n + p.draw.length - 1) / p.draw.length;
    if (replays == 0) replays = 1;
    if (make_prediction(&p, replays)) {
        for (size_t r = 0; r < replays; r++) p.quantiles[r] = predict_once(&p, rate, q, &seed);
        assess_sort(p.quantiles, replays);
        size_t tail = assess_rank(replays, (1 - c) / 2);
        interval = (struct assess_interval){
            .low = p.quantiles[tail],
            .value = assess_median(p.quantiles, replays),
            .high = p.quantiles[replays - 1 - tail],
        };
    }
    assess_realloc(p.latency, 0);
    assess_realloc(p.quantiles, 0);
    assess_realloc(p.draw.starts, 0);
    assess_realloc(p.servers.free_at, 0);
    return interval;
}
