/* The HTTP load generator: one thread, one epoll instance, connections that are kept.
 *
 * When a request is sent does not depend on the answers to others (an open loop): its time comes
 * from the schedule, it takes a connection if one is free or may be opened, and waits for one if
 * not.  That wait is the program's doing and part of the latency, which counts from the intended
 * time.  What is the generator's own fault is noticing a request after its time; that is measured
 * whether or not a connection is free, and a run with more than 1 % such requests is invalid.
 *
 * Pacing: ppoll() (see struct assess_pace for when a thread wakes) until 20 us before the next
 * request is due, then polling without waiting, so that a core is kept from the program for 20 us
 * per request at most.
 */
#include "load.h"
#include "load_parts.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static const double SPIN = 20e-6, POLL_PROGRAM = 0.05, PAUSE = 0.01;

enum { BUFFER = 64 * 1024, EVENTS = 256, STATUSES = 1000 };

struct slot {
    struct assess_client client;
    size_t request; /* under way */
    bool busy, retried;
    bool writes; /* epoll reports writability too */
};

struct generator {
    const struct assess_request *request;
    const struct assess_load_options *options;
    struct assess_pool *pool;
    struct assess_run *run;
    struct assess_request_head head;
    struct assess_endpoint endpoint;
    struct assess_pace pace;
    double timeout, allowance, next_poll, paused_until;
    int epoll;
    struct slot *slots;
    size_t slot_count;
    size_t *idle, idle_count, *closed, closed_count; /* stacks: the last one used comes first */
    /* Requests in order: noticed ones are due, started ones have had a connection, those before
     * `oldest` are all done.  planned: how many there will be, in an open loop. */
    struct assess_sent *sent;
    size_t room, planned, noticed, started, done, oldest;
    size_t starved;
    const char *status_words[STATUSES];
    char buffer[BUFFER];
};

/* ---- outcomes ------------------------------------------------------------------------------- */

static const char *words_of_status(struct generator *g, int status) {
    const char **words = &g->status_words[status % STATUSES];
    if (!*words) *words = assess_format(g->pool, "HTTP status %d", status);
    return *words ? *words : "HTTP status";
}

static void note_first_failure(struct generator *g, const struct slot *s, const char *why) {
    char shown[ASSESS_BODY_KEPT + 1];
    size_t size = s && s->client.answer.begun ? s->client.answer.kept_size : 0;
    for (size_t i = 0; i < size; i++) {
        char c = s->client.answer.kept[i];
        shown[i] = c >= ' ' && c < 0x7f ? c : c == '\n' || c == '\t' ? ' ' : '?';
    }
    shown[size] = '\0';
    double since = assess_seconds() - g->run->begin;
    bool vague = s && s->client.os_error && s->client.failure == why &&
                 strcmp(why, "the connection failed") == 0;
    g->run->first_failure =
        assess_format(g->pool, "%s%s%s, %.3f s after the beginning%s%s%s", why, vague ? ": " : "",
                      vague ? strerror(s->client.os_error) : "", since,
                      size ? "; the answer begins: \"" : "", shown, size ? "\"" : "");
    if (!g->run->first_failure) g->run->first_failure = why;
}

static void finish(struct generator *g, size_t request, const struct slot *s, const char *failure) {
    struct assess_sent *sent = &g->sent[request];
    sent->answered = assess_seconds();
    if (sent->sent == 0) sent->sent = sent->answered;
    sent->failure = failure;
    g->done++;
    if (!failure) return;
    g->run->failed++;
    if (!g->run->first_failure) note_first_failure(g, s, failure);
    if (g->run->mode != ASSESS_OPEN) g->paused_until = sent->answered + PAUSE;
}

static void release(struct generator *g, struct slot *s) {
    size_t index = (size_t)(s - g->slots);
    s->busy = false;
    if (s->client.state == ASSESS_CLIENT_IDLE)
        g->idle[g->idle_count++] = index;
    else
        g->closed[g->closed_count++] = index;
}

/* ---- one connection ------------------------------------------------------------------------- */

static bool watch(struct generator *g, struct slot *s, int operation) {
    bool writes = assess_client_wants_write(&s->client);
    if (operation == EPOLL_CTL_MOD && writes == s->writes) return true;
    s->writes = writes;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | (writes ? EPOLLOUT : 0U),
                                .data.u64 = (uint64_t)(s - g->slots)};
    return epoll_ctl(g->epoll, operation, s->client.fd, &event) == 0;
}

static void launch(struct generator *g, struct slot *s);

static void end_exchange(struct generator *g, struct slot *s) {
    const char *failure = s->client.failure;
    /* Whoever is asked thousands of times may be asked twice, whatever the method. */
    if (assess_client_lost_race(&s->client) && !s->retried) {
        s->retried = true;
        launch(g, s);
        return;
    }
    int status = s->client.answer.status;
    g->sent[s->request].status = failure ? 0 : status;
    if (!failure && (status < 200 || status > 299)) failure = words_of_status(g, status);
    int os_error = s->client.failure ? s->client.os_error : 0;
    if (os_error == EMFILE || os_error == ENFILE || os_error == EADDRNOTAVAIL) g->starved++;
    finish(g, s->request, s, failure);
    release(g, s);
}

static void advance(struct generator *g, struct slot *s) {
    if (s->client.sent_size == 0) g->sent[s->request].sent = assess_seconds();
    if (!assess_client_go_on(&s->client, g->buffer, sizeof g->buffer))
        end_exchange(g, s);
    else if (!watch(g, s, EPOLL_CTL_MOD)) {
        assess_client_close(&s->client);
        s->client.failure = "the connection cannot be waited for";
        end_exchange(g, s);
    }
}

/* Sends the slot's request on its connection, or on a new one. */
static void launch(struct generator *g, struct slot *s) {
    size_t bodies = g->request->body_count;
    const struct assess_body *body = bodies ? &g->request->bodies[s->request % bodies] : NULL;
    bool opened = s->client.state == ASSESS_CLIENT_CLOSED;
    assess_answer_begin(&s->client.answer, false);
    if (opened && !assess_client_open(&s->client, &g->endpoint, g->endpoint.chosen)) {
        end_exchange(g, s);
        return;
    }
    assess_client_begin(&s->client, &g->head, body);
    if (opened && !watch(g, s, EPOLL_CTL_ADD)) {
        assess_client_close(&s->client);
        s->client.failure = "the connection cannot be waited for";
        end_exchange(g, s);
        return;
    }
    if (s->client.state == ASSESS_CLIENT_SENDING) advance(g, s);
}

static void forget_idle(struct generator *g, struct slot *s) {
    size_t index = (size_t)(s - g->slots);
    assess_client_close(&s->client);
    for (size_t i = 0; i < g->idle_count; i++) {
        if (g->idle[i] != index) continue;
        memmove(&g->idle[i], &g->idle[i + 1], (g->idle_count - i - 1) * sizeof *g->idle);
        g->idle_count--;
        g->closed[g->closed_count++] = index;
        return;
    }
}

/* ---- the schedule --------------------------------------------------------------------------- */

static bool is_open(const struct generator *g) { return g->run->mode == ASSESS_OPEN; }

static void notice_due(struct generator *g, double now) {
    for (; g->noticed < g->planned && g->sent[g->noticed].intended <= now; g->noticed++) {
        double lag = now - g->sent[g->noticed].intended;
        if (lag > g->run->late_most) g->run->late_most = lag;
        if (lag > g->allowance) g->run->late++;
    }
}

/* Closed modes: may another one be sent? */
static bool more_to_send(const struct generator *g, double now) {
    const struct assess_load_options *o = g->options;
    size_t most = o->most ? o->most : ASSESS_REQUESTS_MOST;
    return g->noticed < most && g->noticed < ASSESS_REQUESTS_MOST &&
           (o->seconds <= 0 || now < g->run->begin + o->seconds);
}

static bool notice_next(struct generator *g, double now) {
    while (g->noticed - g->done < g->slot_count && now >= g->paused_until && more_to_send(g, now)) {
        void *items = g->sent;
        if (!assess_grow(&items, g->noticed, &g->room, sizeof *g->sent)) return false;
        g->sent = items;
        g->sent[g->noticed++] = (struct assess_sent){.intended = now};
    }
    return true;
}

static void start_waiting(struct generator *g) {
    while (g->started < g->noticed && (g->idle_count || g->closed_count)) {
        size_t request = g->started++;
        if (g->sent[request].answered != 0) continue; /* timed out while it waited */
        size_t index = g->idle_count ? g->idle[--g->idle_count] : g->closed[--g->closed_count];
        struct slot *s = &g->slots[index];
        s->request = request;
        s->busy = true;
        s->retried = false;
        launch(g, s);
    }
}

static void expire_busy(struct generator *g, double before) {
    for (size_t i = 0; i < g->slot_count; i++) {
        struct slot *s = &g->slots[i];
        if (!s->busy || g->sent[s->request].intended > before) continue;
        assess_client_close(&s->client);
        finish(g, s->request, s, "timeout");
        release(g, s);
    }
}

/* Requests without an answer by their time fail, oldest first. */
static void expire(struct generator *g, double now) {
    double before = now - g->timeout;
    while (g->oldest < g->noticed && g->sent[g->oldest].answered != 0) g->oldest++;
    if (g->oldest == g->noticed || g->sent[g->oldest].intended > before) return;
    expire_busy(g, before);
    for (size_t i = g->started; i < g->noticed && g->sent[i].intended <= before; i++)
        if (g->sent[i].answered == 0) finish(g, i, NULL, "timeout");
}

static bool finished(const struct generator *g, double now) {
    if (g->done < g->noticed) return false;
    return is_open(g) ? g->noticed == g->planned : !more_to_send(g, now);
}

/* ---- waiting -------------------------------------------------------------------------------- */

static double next_wake(const struct generator *g, double now) {
    double wake = g->next_poll;
    if (is_open(g) && g->noticed < g->planned)
        wake = fmin(wake, g->sent[g->noticed].intended - SPIN);
    if (!is_open(g) && g->paused_until > now) wake = fmin(wake, g->paused_until);
    if (g->oldest < g->noticed) wake = fmin(wake, g->sent[g->oldest].intended + g->timeout);
    return wake;
}

static void handle_events(struct generator *g, double wake, double now) {
    if (wake > now) {
        double wait = wake - now;
        struct timespec t = {.tv_sec = (time_t)wait, .tv_nsec = (long)((wait - floor(wait)) * 1e9)};
        struct pollfd ready = {.fd = g->epoll, .events = POLLIN};
        if (ppoll(&ready, 1, &t, NULL) <= 0) return;
    }
    struct epoll_event events[EVENTS];
    int n = epoll_wait(g->epoll, events, EVENTS, 0);
    for (int i = 0; i < n; i++) {
        struct slot *s = &g->slots[events[i].data.u64];
        if (s->busy)
            advance(g, s);
        else if (s->client.state == ASSESS_CLIENT_IDLE)
            forget_idle(g, s);
    }
}

static int generate(struct generator *g) {
    for (;;) {
        double now = assess_seconds();
        if (assess_load_stopped(g->options) ||
            (now >= g->next_poll && assess_load_over(g->options))) {
            g->run->interrupted = true;
            return ASHORE_OK;
        }
        if (now >= g->next_poll) {
            g->next_poll = now + POLL_PROGRAM;
            if (is_open(g)) assess_pace_check(&g->pace, now);
        }
        if (is_open(g))
            notice_due(g, now);
        else if (!notice_next(g, now))
            return ASHORE_ERR_NOMEM;
        start_waiting(g);
        expire(g, now);
        if (finished(g, now)) return ASHORE_OK;
        handle_events(g, next_wake(g, now), now);
    }
}

/* ---- beginning and end ---------------------------------------------------------------------- */

/* The open loop's intended times, from 0. */
static int plan(struct generator *g, struct ashore_error *err) {
    const struct assess_load_options *o = g->options;
    double expected = o->seconds > 0 ? o->rate * o->seconds : INFINITY;
    if (o->most) expected = fmin(expected, (double)o->most);
    double seconds = o->seconds > 0 ? o->seconds : INFINITY;
    size_t most = o->most ? o->most : ASSESS_REQUESTS_MOST, count = 0;
    size_t room = (size_t)(expected + 8 * sqrt(expected)) + 32; /* enough but for 1 in 10^15 */
    double *offsets = assess_realloc(NULL, room * sizeof *offsets);
    if (offsets) {
        assess_schedule(o->seed, o->rate, room, offsets);
        while (count < room && count < most && offsets[count] < seconds) count++;
        g->sent = assess_alloc_array(g->pool, count ? count : 1, sizeof *g->sent);
        for (size_t i = 0; g->sent && i < count; i++) g->sent[i].intended = offsets[i];
        assess_realloc(offsets, 0);
    }
    g->planned = count;
    return g->sent ? ASHORE_OK : assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
}

static int prepare(struct generator *g, struct ashore_error *err) {
    struct assess_url url;
    ASSESS_TRY(assess_url_parse(g->request->url, &url, err));
    ASSESS_TRY(assess_load_check(g->request, g->options, err));
    ASSESS_TRY(assess_request_head(g->request, &url, g->pool, &g->head, err));
    ASSESS_TRY(assess_load_connections(g->options, &g->slot_count, err));
    ASSESS_TRY(assess_endpoint_find(&url, &g->endpoint, err));
    if (is_open(g)) ASSESS_TRY(plan(g, err));
    g->slots = assess_realloc(NULL, g->slot_count * sizeof *g->slots);
    g->idle = assess_realloc(NULL, g->slot_count * sizeof *g->idle);
    g->closed = assess_realloc(NULL, g->slot_count * sizeof *g->closed);
    if (!g->slots || !g->idle || !g->closed)
        return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < g->slot_count; i++) {
        g->slots[i] = (struct slot){.client.fd = -1};
        if (i) g->closed[g->closed_count++] = g->slot_count - i;
    }
    g->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (g->epoll < 0) return assess_fail(err, ASHORE_ERR_IO, "epoll: %s", strerror(errno));
    /* Whether anybody is there is asked before the clock runs; the connection is then used. */
    struct slot *first = &g->slots[0];
    ASSESS_TRY(
        assess_client_reach(&first->client, &g->endpoint, g->options, fmin(g->timeout, 5), err));
    if (!watch(g, first, EPOLL_CTL_ADD))
        return assess_fail(err, ASHORE_ERR_IO, "epoll: %s", strerror(errno));
    first->client.head = &g->head; /* by the time it is used it may be gone, as any idle one */
    g->idle[g->idle_count++] = 0;
    return ASHORE_OK;
}

static int run_paced(struct generator *g) {
    if (is_open(g)) assess_pace_begin(&g->pace);
    g->run->begin = assess_seconds();
    g->next_poll = g->run->begin;
    /* A moment for adding up the intended times, so that the first ones are not missed. */
    if (is_open(g)) g->run->begin += 1e-3 + 1e-8 * (double)g->planned;
    for (size_t i = 0; i < g->planned; i++) g->sent[i].intended += g->run->begin;
    int status = generate(g);
    g->run->end = assess_seconds();
    if (is_open(g)) assess_pace_end(&g->pace);
    return status;
}

/* Requests that an interruption left without an outcome are not part of the run. */
static int keep_outcomes(struct generator *g, struct ashore_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < g->noticed; i++)
        if (g->sent[i].answered != 0) g->sent[kept++] = g->sent[i];
    g->run->count = kept;
    g->run->sent = g->sent;
    if (is_open(g)) return ASHORE_OK;
    g->run->sent = assess_alloc_array(g->pool, kept ? kept : 1, sizeof *g->sent);
    if (!g->run->sent) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    if (kept) memcpy(g->run->sent, g->sent, kept * sizeof *g->sent);
    return ASHORE_OK;
}

static void tear_down(struct generator *g) {
    for (size_t i = 0; g->slots && i < g->slot_count; i++) assess_client_close(&g->slots[i].client);
    if (g->epoll >= 0) close(g->epoll);
    assess_realloc(g->slots, 0);
    assess_realloc(g->idle, 0);
    assess_realloc(g->closed, 0);
    if (!is_open(g)) assess_realloc(g->sent, 0);
    assess_realloc(g, 0);
}

int assess_load_http(const struct assess_request *request,
                     const struct assess_load_options *options, struct assess_pool *pool,
                     struct assess_run *run, struct ashore_error *err) {
    *run = (struct assess_run){.mode = options->mode};
    if (options->mode == ASSESS_OPEN) run->planned_rate = options->rate;
    struct generator *g = assess_realloc(NULL, sizeof *g);
    if (!g) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    *g = (struct generator){.request = request, .options = options, .pool = pool, .run = run};
    g->epoll = -1;
    g->timeout = request->timeout > 0 ? request->timeout : 30;
    g->allowance = assess_late_allowance(run->planned_rate);
    int status = prepare(g, err);
    if (status == ASHORE_OK) {
        struct assess_run_facts facts = {.before = assess_clocks_read()};
        status = run_paced(g);
        if (status < 0)
            assess_fail(err, status, "out of memory");
        else
            status = keep_outcomes(g, err);
        facts.after = assess_clocks_read();
        facts.starved = g->starved;
        if (status == ASHORE_OK) assess_run_judge(run, &facts, pool);
    }
    tear_down(g);
    return status;
}
