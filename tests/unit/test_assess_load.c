/* The load generator against servers inside the test.  What is asserted holds however slow the
 * machine is: lower bounds, counts, order, and who is to blame. */
#define _GNU_SOURCE
#include "assess/load.h"
#include "assess/load_parts.h"
#include "http_bed.h"
#include "queue_bound.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <cmocka.h>

/* ---- what the tests of the generator share -------------------------------------------------- */

struct trial {
    struct assess_request request;
    struct assess_load_options options;
    struct assess_pool pool;
    struct assess_run run;
    struct ashore_error err;
    int status;
};

static struct bed *start(bed_fn *serve) {
    struct bed *bed = bed_start(serve, AF_INET, 0);
    assert_non_null(bed);
    return bed;
}

static struct trial trial_of(struct bed *bed, double rate, double seconds) {
    struct trial t = {.request = {.url = bed ? bed->url : NULL, .timeout = 20}};
    t.options = (struct assess_load_options){.mode = rate > 0 ? ASSESS_OPEN : ASSESS_OFFLINE,
                                             .rate = rate,
                                             .seconds = seconds,
                                             .seed = 7};
    return t;
}

/* What holds of every run. */
static void go(struct trial *t) {
    t->status = assess_load_http(&t->request, &t->options, &t->pool, &t->run, &t->err);
    if (t->status < 0) return;
    const struct assess_run *run = &t->run;
    size_t failed = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct assess_sent *s = &run->sent[i];
        assert_true(s->sent >= s->intended && s->answered >= s->sent);
        assert_true(i == 0 || s->intended >= run->sent[i - 1].intended);
        assert_true(s->answered <= run->end && s->intended >= run->begin);
        assert_true((s->failure == NULL) == (s->status / 100 == 2));
        failed += s->failure != NULL;
    }
    assert_int_equal(failed, run->failed);
    assert_true((failed > 0) == (run->first_failure != NULL));
    assert_true(run->valid == (run->invalid_reason == NULL));
    double *sorted = malloc((run->count + 1) * sizeof *sorted);
    assert_non_null(sorted);
    assert_int_equal(assess_run_latencies(run, sorted), run->count);
    for (size_t i = 0; i < run->count; i++) {
        assert_true(isinf(sorted[i]) == (i >= run->count - failed));
        assert_true(i == 0 || sorted[i] >= sorted[i - 1]);
    }
    free(sorted);
}

static void done(struct trial *t, struct bed *bed) {
    assess_pool_deinit(&t->pool);
    if (bed) bed_stop(bed);
}

static void assert_all_failed(const struct trial *t, const char *words) {
    assert_int_equal(t->status, ASHORE_OK);
    assert_true(t->run.count > 0);
    assert_int_equal(t->run.failed, t->run.count);
    assert_false(t->run.valid);
    if (!strstr(t->run.first_failure, words)) fail_msg("%s", t->run.first_failure);
}

static void assert_all_answered(const struct trial *t) {
    if (t->status < 0) fail_msg("%s", t->err.text);
    if (t->run.failed) fail_msg("%s", t->run.first_failure);
    assert_false(t->run.interrupted);
}

static int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder)) count++;
    if (folder) closedir(folder);
    return count;
}

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void serve_plain(struct bed *bed, int fd) {
    char first;
    while (bed_read(bed, fd, &first)) {
        if (first >= '0' && first < '8')
            __atomic_fetch_add(&bed->tally[first - '0'], 1, __ATOMIC_SEQ_CST);
        atomic_fetch_sub(&bed->under_way, 1);
        if (!bed_say(fd, ANSWER)) return;
    }
}

/* ---- plain answers -------------------------------------------------------------------------- */

static size_t planned_count(const struct trial *t) {
    double offsets[4000];
    size_t count = 0;
    assess_schedule(t->options.seed, t->options.rate, 4000, offsets);
    while (offsets[count] < t->options.seconds) count++;
    return count;
}

static void test_open_loop(void **state) {
    (void)state;
    int before = open_descriptors();
    struct bed *bed = start(serve_plain);
    struct trial t = trial_of(bed, 300, 0.5);
    go(&t);
    assert_all_answered(&t);
    assert_int_equal(t.run.count, planned_count(&t));
    assert_int_equal(atomic_load(&bed->requests), t.run.count);
    /* The schedule is followed to the rounding of a sum. */
    double offsets[4000];
    assess_schedule(7, 300, 4000, offsets);
    for (size_t i = 0; i < t.run.count; i++)
        assert_true(fabs(t.run.sent[i].intended - t.run.begin - offsets[i]) < 1e-9);
    assert_true(t.run.planned_rate == 300 && t.run.achieved_rate <= 300);
    done(&t, bed);
    assert_int_equal(open_descriptors(), before);
}

static void test_most_requests(void **state) {
    (void)state;
    struct bed *bed = start(serve_plain);
    struct trial t = trial_of(bed, 500, 0);
    t.options.most = 25;
    go(&t);
    assert_all_answered(&t);
    assert_int_equal(t.run.count, 25);
    done(&t, bed);
}

static void test_bodies_in_turn(void **state) {
    (void)state;
    struct bed *bed = start(serve_plain);
    char *large = malloc(3000000); /* more than a socket takes at once */
    assert_non_null(large);
    memset(large, '2', 3000000);
    struct assess_body bodies[] = {{"0a", 2}, {"1", 1}, {large, 3000000}};
    struct trial t = trial_of(bed, 0, 10);
    t.request.bodies = bodies;
    t.request.body_count = 3;
    t.options.most = 20;
    t.options.connections = 3;
    go(&t);
    assert_all_answered(&t);
    bed_end(bed);
    assert_int_equal(bed->tally[0], 7);
    assert_int_equal(bed->tally[1], 7);
    assert_int_equal(bed->tally[2], 6);
    free(large);
    done(&t, bed);
}

static void serve_pieces(struct bed *bed, int fd) {
    static const char answer[] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    char first;
    setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &(int){1}, sizeof(int));
    while (bed_read(bed, fd, &first))
        for (size_t i = 0; i < sizeof answer - 1; i++)
            if (!bed_send(fd, answer + i, 1)) return;
}

static void test_answers_in_pieces(void **state) {
    (void)state;
    struct bed *bed = start(serve_pieces);
    struct trial t = trial_of(bed, 0, 10);
    t.options.most = 20;
    t.options.mode = ASSESS_SINGLE;
    go(&t);
    assert_all_answered(&t);
    assert_int_equal(t.run.count, 20);
    assert_int_equal(bed->connection_count, 1); /* kept */
    done(&t, bed);
}

static void test_other_addresses(void **state) {
    (void)state;
    static const int families[] = {AF_UNIX, AF_INET6};
    for (size_t i = 0; i < 2; i++) {
        struct bed *bed = bed_start(serve_plain, families[i], 0);
        if (!bed) {
            assert_int_equal(families[i], AF_INET6);
            print_message("this machine has no IPv6: not tried\n");
            continue;
        }
        struct trial t = trial_of(bed, 0, 10);
        t.options.most = 12;
        go(&t);
        assert_all_answered(&t);
        done(&t, bed);
    }
}

/* ---- modes ---------------------------------------------------------------------------------- */

static void serve_slowly(struct bed *bed, int fd) {
    char first;
    while (bed_read(bed, fd, &first)) {
        bed_sleep(bed->service);
        atomic_fetch_sub(&bed->under_way, 1);
        if (!bed_say(fd, ANSWER)) return;
    }
}

/* Answers when enough requests are under way at the same time, and never otherwise. */
static void serve_together(struct bed *bed, int fd) {
    char first;
    if (!bed_read(bed, fd, &first)) return;
    while (atomic_load(&bed->requests) < bed->together && !atomic_load(&bed->ending))
        bed_sleep(0.001);
    bed_say(fd, ANSWER);
}

static void test_single_stream(void **state) {
    (void)state;
    struct bed *bed = start(serve_slowly);
    struct trial t = trial_of(bed, 0, 10);
    t.options.mode = ASSESS_SINGLE;
    t.options.most = 20;
    go(&t);
    assert_all_answered(&t);
    assert_int_equal(t.run.count, 20);
    assert_int_equal(atomic_load(&bed->most_under_way), 1);
    for (size_t i = 0; i < t.run.count; i++) {
        assert_true(t.run.sent[i].answered - t.run.sent[i].sent >= bed->service);
        assert_true(i == 0 || t.run.sent[i].intended >= t.run.sent[i - 1].answered);
    }
    assert_true(t.run.planned_rate == 0 && t.run.late == 0);
    assert_true(t.run.achieved_rate <= 1 / bed->service);
    done(&t, bed);
}

static void test_many_connections(void **state) {
    (void)state;
    struct bed *bed = start(serve_together);
    bed->together = 300;
    struct trial t = trial_of(bed, 0, 60);
    t.options.most = 300;
    t.options.connections = 300;
    go(&t);
    assert_all_answered(&t);
    assert_int_equal(t.run.count, 300);
    done(&t, bed);
}

static void test_connections_are_limited(void **state) {
    (void)state;
    struct bed *bed = start(serve_slowly);
    struct trial t = trial_of(bed, 2000, 0);
    t.options.most = 100;
    t.options.connections = 4;
    go(&t);
    assert_all_answered(&t);
    assert_int_equal(t.run.count, 100);
    assert_true(atomic_load(&bed->most_under_way) <= 4);
    /* 100 requests, 4 at a time, each 5 ms: the last one cannot be answered before 0.125 s, and its
     * wait for a connection is latency.  By our own fault it is not late. */
    double first = t.run.sent[0].intended, last = 0;
    for (size_t i = 0; i < 100; i++) last = fmax(last, t.run.sent[i].answered);
    assert_true(last - first >= 25 * bed->service);
    done(&t, bed);
}

static void test_too_few_descriptors(void **state) {
    (void)state;
    struct bed *bed = start(serve_plain);
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    struct trial t = trial_of(bed, 0, 10);
    t.options.connections = 1000;
    go(&t);
    assert_int_equal(t.status, ASHORE_ERR_LIMIT);
    assert_non_null(strstr(t.err.text, "ulimit -n"));
    t.options.connections = 0; /* the default is what there is room for */
    t.options.most = 20;
    go(&t);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_all_answered(&t);
    done(&t, bed);
}

/* ---- the truth about latency ---------------------------------------------------------------- */

/* One worker: whoever has the lock is served. */
static void serve_one_by_one(struct bed *bed, int fd) {
    char first;
    while (bed_read(bed, fd, &first)) {
        pthread_mutex_lock(&bed->worker);
        if (bed->stall_at && ++bed->tally[0] == bed->stall_at) {
            bed->stall_begin = bed_now();
            bed_sleep(bed->stall);
            bed->stall_end = bed_now();
        }
        bed_sleep(bed->service);
        bool sent = bed_say(fd, ANSWER);
        pthread_mutex_unlock(&bed->worker);
        if (!sent) return;
    }
}

/* With equal service times the k-th answer of any order of service comes when Lindley's k-th does,
 * and later only if the worker is slower: so that is a lower bound of the sorted answers, and its
 * mean one of mean latency.  A closed loop, or latency from the time of sending, would miss it. */
static void test_queueing_is_seen(void **state) {
    (void)state;
    struct bed *bed = start(serve_one_by_one);
    struct trial t = trial_of(bed, 100, 1.2);
    go(&t);
    assert_all_answered(&t);
    size_t n = t.run.count;
    assert_true(n > 80 && n < 1000);
    double intended[1000], bound[1000], answered[1000], total = 0;
    for (size_t i = 0; i < n; i++) {
        intended[i] = t.run.sent[i].intended;
        answered[i] = t.run.sent[i].answered;
        total += answered[i] - intended[i];
    }
    double mean = lindley(intended, n, bed->service, bound);
    qsort(answered, n, sizeof *answered, assess_ascending);
    for (size_t i = 0; i < n; i++) assert_true(answered[i] >= bound[i]);
    assert_true(mean > 1.1 * bed->service); /* there is queueing to be seen */
    assert_true(total / (double)n >= mean);
    done(&t, bed);
}

/* Every request that was intended while the server stood still was answered after that: their
 * latencies fall from the whole stall to nothing, where a closed loop would see one slow answer. */
static void test_no_coordinated_omission(void **state) {
    (void)state;
    struct bed *bed = start(serve_one_by_one);
    bed->service = 0.001;
    bed->stall = 0.5;
    bed->stall_at = 20;
    struct trial t = trial_of(bed, 100, 1.0);
    go(&t);
    assert_all_answered(&t);
    bed_end(bed);
    size_t inside = 0, slow = 0;
    for (size_t i = 0; i < t.run.count; i++) {
        const struct assess_sent *s = &t.run.sent[i];
        if (s->intended < bed->stall_begin || s->intended > bed->stall_end) continue;
        inside++;
        assert_true(s->answered >= bed->stall_end);
        slow += s->answered - s->intended > 0.1;
    }
    /* The 20th request is stalled at once or, on a slow machine, later; the schedule of seed 7 has
     * 20 requests in 0.2 s and 100 in 1.1 s. */
    if (bed->stall_begin - t.run.begin < 0.4) {
        assert_true(inside >= 20);
        assert_true(slow >= 15);
    } else
        print_message("the stall came too late to count: the machine is very busy\n");
    done(&t, bed);
}

static bool sleep_once(void *with) {
    int *calls = with;
    if (++*calls == 4) bed_sleep(0.3);
    return true;
}

/* A generator that is kept from its work says so: what it measured is not the program's doing. */
static void test_lag_is_our_own(void **state) {
    (void)state;
    struct bed *bed = start(serve_plain);
    struct trial t = trial_of(bed, 200, 1.0);
    int calls = 0;
    t.options.alive = sleep_once;
    t.options.alive_with = &calls;
    go(&t);
    assert_all_answered(&t);
    assert_true(t.run.late >= 20);
    assert_true(t.run.late_most > 0.2);
    assert_false(t.run.valid);
    assert_non_null(strstr(t.run.invalid_reason, "lagged"));
    done(&t, bed);
}

/* ---- connections that go away --------------------------------------------------------------- */

static void serve_one_each(struct bed *bed, int fd) {
    char first;
    if (bed_read(bed, fd, &first)) bed_say(fd, ANSWER);
}

/* Closes when it is asked a second time: the race that a client loses now and then. */
static void serve_and_betray(struct bed *bed, int fd) {
    char first;
    if (bed_read(bed, fd, &first) && bed_say(fd, ANSWER)) bed_read(bed, fd, &first);
}

static void serve_until_close(struct bed *bed, int fd) {
    char first;
    if (bed_read(bed, fd, &first)) bed_say(fd, "HTTP/1.1 200 OK\r\n\r\neverything");
}

static void serve_nothing(struct bed *bed, int fd) {
    char first;
    bed_read(bed, fd, &first);
}

static void serve_half(struct bed *bed, int fd) {
    char first;
    if (bed_read(bed, fd, &first)) bed_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
}

static void serve_reset(struct bed *bed, int fd) {
    char first;
    bed_read(bed, fd, &first);
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    connect(fd, &none, sizeof none); /* resets; the descriptor stays the bed's */
}

/* Drops the first connection unheard: that by which an address is looked for. */
static void serve_second(struct bed *bed, int fd) {
    if (fd != bed->connections[0].fd) serve_plain(bed, fd);
}

static void check_closing_server(bed_fn *serve) {
    struct bed *bed = start(serve);
    struct trial t = trial_of(bed, 300, 0.3);
    go(&t);
    assert_all_answered(&t);
    assert_int_equal(t.run.count, planned_count(&t));
    done(&t, bed);
    bed = start(serve);
    t = trial_of(bed, 0, 10);
    t.options.mode = ASSESS_SINGLE;
    t.options.most = 30;
    go(&t);
    assert_all_answered(&t);
    assert_int_equal(t.run.count, 30);
    done(&t, bed);
}

static void test_servers_that_close(void **state) {
    (void)state;
    check_closing_server(serve_one_each);
    check_closing_server(serve_and_betray);
    check_closing_server(serve_until_close);
    check_closing_server(serve_second);
}

static void check_failing_server(bed_fn *serve, const char *words) {
    int before = open_descriptors();
    struct bed *bed = start(serve);
    struct trial t = trial_of(bed, 300, 0.1);
    t.request.timeout = 0.3;
    go(&t);
    assert_all_failed(&t, words);
    assert_int_equal(t.run.count, planned_count(&t));
    assert_true(t.run.achieved_rate == 0);
    done(&t, bed);
    /* Closed modes neither hang nor spin: a pause of 10 ms follows each failure. */
    bed = start(serve);
    t = trial_of(bed, 0, 0.1);
    t.request.timeout = 0.3;
    t.options.connections = 2;
    go(&t);
    assert_all_failed(&t, words);
    assert_true(t.run.count <= 22);
    done(&t, bed);
    assert_int_equal(open_descriptors(), before);
}

static void serve_garbage(struct bed *bed, int fd) {
    char first;
    if (bed_read(bed, fd, &first)) bed_say(fd, "\x16\x03\x01 what is this\r\n\r\n");
}

static void serve_endless_head(struct bed *bed, int fd) {
    char first;
    if (!bed_read(bed, fd, &first) || !bed_say(fd, "HTTP/1.1 200 OK\r\n")) return;
    while (bed_say(fd, "Another: header that says nothing\r\n")) continue;
}

static void serve_endless_body(struct bed *bed, int fd) {
    static char zeros[65536];
    char first;
    if (!bed_read(bed, fd, &first) || !bed_say(fd, "HTTP/1.1 200 OK\r\n\r\n")) return;
    while (bed_send(fd, zeros, sizeof zeros)) continue;
}

static void serve_never(struct bed *bed, int fd) {
    char first;
    while (bed_read(bed, fd, &first)) continue;
}

static void serve_errors(struct bed *bed, int fd) {
    char first;
    while (bed_read(bed, fd, &first))
        if (!bed_say(fd, "HTTP/1.1 500 Oh\r\nContent-Length: 14\r\n\r\nno model: \x01\nxy")) return;
}

static void test_servers_that_fail(void **state) {
    (void)state;
    check_failing_server(serve_nothing, "closed without an answer");
    check_failing_server(serve_half, "in the middle of an answer");
    check_failing_server(serve_reset, "connection reset");
    check_failing_server(serve_garbage, "no HTTP/1.x status line");
    check_failing_server(serve_endless_head, "larger than 64 KiB");
    check_failing_server(serve_endless_body, "timeout");
    check_failing_server(serve_never, "timeout");
    check_failing_server(serve_errors, "HTTP status 500");
}

static void test_failure_is_told_whole(void **state) {
    (void)state;
    struct bed *bed = start(serve_errors);
    struct trial t = trial_of(bed, 0, 10);
    t.options.most = 12;
    t.options.mode = ASSESS_SINGLE;
    go(&t);
    assert_all_failed(&t, "\"no model: ? xy\"");
    assert_int_equal(t.run.sent[5].status, 500);
    assert_string_equal(t.run.sent[5].failure, "HTTP status 500");
    assert_int_equal(bed->connection_count, 1); /* an error is an answer: the connection is kept */
    assert_non_null(strstr(t.run.invalid_reason, "0 good answers to 12 requests"));
    done(&t, bed);
}

/* Answers without reading a body larger than any buffer, and waits for the client to go. */
static void serve_too_large(struct bed *bed, int fd) {
    (void)bed;
    bed_say(fd, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    struct pollfd gone = {.fd = fd, .events = POLLRDHUP};
    poll(&gone, 1, 20000);
}

static void test_early_answer(void **state) {
    (void)state;
    struct bed *bed = start(serve_too_large);
    struct assess_body body = {calloc(1, 32 << 20), 32 << 20};
    assert_non_null(body.bytes);
    struct trial t = trial_of(bed, 0, 10);
    t.options.most = 3;
    t.options.mode = ASSESS_SINGLE;
    t.request.bodies = &body;
    t.request.body_count = 1;
    go(&t);
    assert_all_failed(&t, "HTTP status 413");
    free((void *)(uintptr_t)body.bytes);
    done(&t, bed);
}

/* ---- nobody there, and the end -------------------------------------------------------------- */

/* A port where nobody listens: one that was just given back. */
static void dead_url(char *url, size_t size) {
    struct bed *bed = start(serve_plain);
    snprintf(url, size, "%s", bed->url);
    bed_stop(bed);
}

static void test_nobody_there(void **state) {
    (void)state;
    char url[160];
    dead_url(url, sizeof url);
    struct trial t = trial_of(NULL, 100, 1);
    t.request.url = url;
    go(&t);
    assert_int_equal(t.status, ASHORE_ERR_IO);
    assert_non_null(strstr(t.err.text, "connection refused"));
    t.request.url = "http+unix://%2Fnowhere%2Fsocket/";
    go(&t);
    assert_int_equal(t.status, ASHORE_ERR_IO);
    assess_pool_deinit(&t.pool);
}

static void test_bad_options(void **state) {
    (void)state;
    static const struct assess_load_options rows[] = {
        {.mode = ASSESS_OPEN, .rate = 0, .seconds = 1},
        {.mode = ASSESS_OPEN, .rate = -1, .seconds = 1},
        {.mode = ASSESS_OPEN, .rate = NAN, .seconds = 1},
        {.mode = ASSESS_OPEN, .rate = INFINITY, .seconds = 1},
        {.mode = ASSESS_OPEN, .rate = 1, .seconds = NAN},
        {.mode = ASSESS_OPEN, .rate = 1, .seconds = -1},
        {.mode = ASSESS_SINGLE},
        {.mode = ASSESS_OPEN, .rate = 1e6, .seconds = 1e6},
        {.mode = ASSESS_OFFLINE, .seconds = 1, .most = SIZE_MAX},
        {.mode = ASSESS_OFFLINE, .seconds = 1, .connections = SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct trial t = trial_of(NULL, 1, 1);
        t.request.url = "http://127.0.0.1:1/";
        t.options = rows[i];
        go(&t);
        assert_true(t.status == ASHORE_ERR_ARGUMENT || t.status == ASHORE_ERR_LIMIT);
        assess_pool_deinit(&t.pool);
    }
}

static volatile sig_atomic_t stopping;

static void note_stop(int number) {
    (void)number;
    stopping = 1;
}

/* An alive() that, once the run is well under way, asks for a SIGALRM that sets `stopping`. */
static bool stop_soon(void *with) {
    int *calls = with;
    struct itimerval soon = {.it_value.tv_usec = 250000};
    if (++*calls == 5) assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    return true;
}

static void test_stop(void **state) {
    (void)state;
    static const enum assess_load_mode modes[] = {ASSESS_OPEN, ASSESS_SINGLE, ASSESS_OFFLINE};
    struct sigaction action = {.sa_handler = note_stop, .sa_flags = SA_RESTART};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        struct bed *bed = start(i == 2 ? serve_never : serve_slowly);
        struct trial t = trial_of(bed, 100, 1000);
        t.options.mode = modes[i];
        t.options.stop = &stopping;
        stopping = 0;
        int calls = 0;
        t.options.alive = stop_soon;
        t.options.alive_with = &calls;
        go(&t);
        assert_int_equal(t.status, ASHORE_OK);
        assert_true(t.run.interrupted);
        assert_int_equal(t.run.failed, 0); /* what was under way has no outcome */
        assert_true(i == 2 ? t.run.count == 0 : t.run.count > 0);
        done(&t, bed);
    }
}

static bool alive_for_a_while(void *with) {
    int *left = with;
    return --*left > 0;
}

static void test_program_ends(void **state) {
    (void)state;
    struct bed *bed = start(serve_slowly);
    struct trial t = trial_of(bed, 100, 1000);
    int left = 8;
    t.options.alive = alive_for_a_while;
    t.options.alive_with = &left;
    go(&t);
    assert_int_equal(t.status, ASHORE_OK);
    assert_true(t.run.interrupted);
    assert_true(t.run.count > 0);
    done(&t, bed);
}

static struct bed *late_bed;

static void *start_later(void *with) {
    bed_sleep(0.2);
    late_bed = bed_start(serve_errors, AF_INET, *(unsigned *)with);
    return NULL;
}

static void test_await(void **state) {
    (void)state;
    char url[160];
    dead_url(url, sizeof url);
    unsigned port = (unsigned)strtoul(strrchr(url, ':') + 1, NULL, 10);
    struct trial t = trial_of(NULL, 1, 1);
    t.request.url = url;
    double begin = bed_now(), first = 0;
    assert_int_equal(assess_await_http(&t.request, &t.options, 0.1, &first, &t.err), ASHORE_ERR_IO);
    assert_true(bed_now() - begin < 20);
    int left = 3;
    t.options.alive = alive_for_a_while;
    t.options.alive_with = &left;
    assert_int_equal(assess_await_http(&t.request, &t.options, 1e5, &first, &t.err), ASHORE_ERR_IO);
    assert_non_null(strstr(t.err.text, "the program ended"));
    t.options.alive = NULL;
    stopping = 1;
    t.options.stop = &stopping;
    assert_int_equal(assess_await_http(&t.request, &t.options, 1e5, &first, &t.err),
                     ASHORE_ERR_CANCELLED);
    t.options.stop = NULL;
    pthread_t thread;
    begin = bed_now();
    pthread_create(&thread, NULL, start_later, &port);
    assert_int_equal(assess_await_http(&t.request, &t.options, 30, &first, &t.err), ASHORE_OK);
    pthread_join(thread, NULL);
    assert_true(first >= begin + 0.2 && first <= bed_now());
    assert_non_null(late_bed);
    bed_stop(late_bed);
}

/* ---- the sweep ------------------------------------------------------------------------------ */

/* m answers of one worker are at least m - 1 services apart, and a rate that was borne has intended
 * times at most 5 % closer than its answers: so much follows for the middle 90 %, but for 50 ms by
 * which the first of these answers may have been noticed late. */
static void assert_can_be_borne(const struct assess_run *run, double service) {
    size_t cut = run->count / 20, last = run->count - 1 - cut;
    double span = run->sent[last].intended - run->sent[cut].intended;
    assert_int_equal(run->failed, 0);
    assert_true(span >= 0.95 * service * (double)(last - cut) - 0.05);
}

/* One worker that needs 4 ms bears 250 requests/s at most.  How much less depends on the machine,
 * so the lower bound is generous, and nothing is said of a sweep that the generator's lag ended. */
static void test_sweep(void **state) {
    (void)state;
    struct bed *bed = start(serve_one_by_one);
    bed->service = 0.004;
    struct trial t = trial_of(bed, 1, 1);
    struct assess_sweep sweep;
    int status = assess_load_sweep(&t.request, &t.options, 125, 4000, 0.5, &t.pool, &sweep, &t.err);
    if (status < 0) fail_msg("%s", t.err.text);
    assert_non_null(sweep.why);
    assert_true(sweep.count >= 2);
    bool is_knee = sweep.knee == 0, spoilt = false;
    for (size_t i = 0; i < sweep.count; i++) {
        const struct assess_run *run = &sweep.runs[i];
        assert_true(i == 0 || run->planned_rate > sweep.runs[i - 1].planned_rate);
        assert_true(run->count > 0 && run->planned_rate <= 4000);
        is_knee = is_knee || run->planned_rate == sweep.knee;
        if (run->planned_rate == sweep.knee) assert_can_be_borne(run, bed->service);
        spoilt = spoilt || run->late * 100 > run->count;
    }
    assert_true(is_knee);
    assert_true(sweep.runs[sweep.count - 1].planned_rate > sweep.knee);
    if (spoilt)
        print_message("the generator lagged: no lower bound (%s)\n", sweep.why);
    else
        assert_true(sweep.knee >= 30);
    done(&t, bed);
}

static void test_sweep_ends_at_the_top(void **state) {
    (void)state;
    struct bed *bed = start(serve_plain);
    struct trial t = trial_of(bed, 1, 1);
    struct assess_sweep sweep;
    int left = 1000000;
    t.options.alive = alive_for_a_while;
    t.options.alive_with = &left;
    assert_int_equal(
        assess_load_sweep(&t.request, &t.options, 100, 150, 0.3, &t.pool, &sweep, &t.err),
        ASHORE_OK);
    if (sweep.knee == 150) {
        assert_int_equal(sweep.count, 2);
        assert_non_null(strstr(sweep.why, "the highest rate"));
    } else
        print_message("not all was borne: %s\n", sweep.why);
    left = 4; /* the program ends in the first run */
    assert_int_equal(
        assess_load_sweep(&t.request, &t.options, 100, 150, 100, &t.pool, &sweep, &t.err),
        ASHORE_OK);
    assert_int_equal(sweep.count, 1);
    assert_true(sweep.runs[0].interrupted && sweep.knee == 0);
    assert_non_null(strstr(sweep.why, "interrupted"));
    assert_int_equal(assess_load_sweep(&t.request, &t.options, 100, 50, 1, &t.pool, &sweep, &t.err),
                     ASHORE_ERR_ARGUMENT);
    assert_int_equal(assess_load_sweep(&t.request, &t.options, 1, 50, NAN, &t.pool, &sweep, &t.err),
                     ASHORE_ERR_ARGUMENT);
    done(&t, bed);
}

static void test_sweep_of_errors(void **state) {
    (void)state;
    struct bed *bed = start(serve_errors);
    struct trial t = trial_of(bed, 1, 1);
    struct assess_sweep sweep;
    assert_int_equal(
        assess_load_sweep(&t.request, &t.options, 200, 400, 0.2, &t.pool, &sweep, &t.err),
        ASHORE_OK);
    assert_true(sweep.knee == 0);
    assert_int_equal(sweep.count, 1); /* lower rates would not help */
    if (!strstr(sweep.why, "one request at a time fails: HTTP status 500"))
        fail_msg("%s", sweep.why);
    done(&t, bed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_loop),
        cmocka_unit_test(test_most_requests),
        cmocka_unit_test(test_bodies_in_turn),
        cmocka_unit_test(test_answers_in_pieces),
        cmocka_unit_test(test_other_addresses),
        cmocka_unit_test(test_single_stream),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_connections_are_limited),
        cmocka_unit_test(test_too_few_descriptors),
        cmocka_unit_test(test_queueing_is_seen),
        cmocka_unit_test(test_no_coordinated_omission),
        cmocka_unit_test(test_lag_is_our_own),
        cmocka_unit_test(test_servers_that_close),
        cmocka_unit_test(test_servers_that_fail),
        cmocka_unit_test(test_failure_is_told_whole),
        cmocka_unit_test(test_early_answer),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_bad_options),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_program_ends),
        cmocka_unit_test(test_await),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_sweep_ends_at_the_top),
        cmocka_unit_test(test_sweep_of_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
