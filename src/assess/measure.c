#include "measure.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "load_parts.h"
#include "watch.h"

enum { REPEATS = 2, CALL_ARGUMENTS = 7 /* of call_driver.py */ };
static const double default_seconds = 10, most_seconds = 120, warm_up_seconds = 2,
                    single_seconds = 3, sweep_seconds = 2, grace = 5;

/* What is held between the steps. */
struct measuring {
    const struct assess_measure_options *options;
    struct assess_pool *pool;
    struct assess_evidence *evidence;
    struct assess_child child;
    struct assess_watch watch;
    struct assess_request request;
    double begin, end;       /* s; the window of the profile; end 0: all there is */
    bool serves;             /* it answers requests */
    struct assess_run *runs; /* the run at the rate, then its repeats */
    size_t run_count;
};

static void say(const struct measuring *m, const char *fmt, ...) ASSESS_PRINTF(2, 3);
static void say(const struct measuring *m, const char *fmt, ...) {
    if (!m->options->say) return;
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    m->options->say(m->options->say_with, line);
}

static bool stopped(const struct measuring *m) { return m->options->stop && *m->options->stop; }

static bool still_there(void *with) { return assess_process_alive(with); }

/* The first reason stands. */
static void mark_partial(struct measuring *m, const char *why) {
    if (!m->evidence->partial) m->evidence->partial = why;
}

static void mark_end(struct measuring *m, const char *during) {
    if (stopped(m)) {
        mark_partial(m, assess_format(m->pool, "interrupted %s", during));
    } else if (!assess_process_alive(&m->child)) {
        mark_partial(m, assess_format(m->pool, "the program ended %s: %s", during,
                                      assess_process_fate(m->pool, &m->child)));
    }
}

/* ---- the program ---------------------------------------------------------------------------- */

static int start(struct measuring *m, const char *const *argv, struct ashore_error *err) {
    const struct assess_measure_options *o = m->options;
    struct assess_process_options program = {
        .argv = argv, .sampler = o->sampler, .folder = o->folder, .hz = o->hz, .out = 2};
    ASSESS_TRY(assess_process_start(&program, &m->child, err));
    return assess_watch_start(&m->watch, err);
}

/* Waits until the program listens, ends, or is to be stopped.  Whether it listens. */
static bool await_port(struct measuring *m, int *port) {
    double limit = m->options->seconds;
    int64_t started = assess_now();
    *port = 0;
    while (!stopped(m) && !assess_process_wait(&m->child, 0.1, m->options->stop)) {
        *port = assess_tree_port();
        if (*port) return true;
        if (limit > 0 && (double)(assess_now() - started) > limit * 1e9) break;
    }
    return false;
}

static struct assess_load_options load_options(struct measuring *m) {
    return (struct assess_load_options){.seed = m->options->seed,
                                        .stop = m->options->stop,
                                        .alive = still_there,
                                        .alive_with = &m->child};
}

/* One look for an answer, at a port that may be given up again: a program that starts itself anew
 * listens elsewhere. */
static int look_for_answer(struct measuring *m, double seconds, double *first,
                           struct ashore_error *err) {
    struct assess_load_options load = load_options(m);
    return assess_await_http(&m->request, &load, seconds, first, err);
}

static int guess_address(struct measuring *m, double *first, struct ashore_error *err) {
    int64_t end = assess_now() + (int64_t)(m->options->startup * 1e9);
    int last = 0, port, rc;
    do {
        if (!await_port(m, &port)) return ASHORE_ERR_STATE;
        m->request.url = assess_format(m->pool, "http://127.0.0.1:%d/", port);
        if (!m->request.url) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
        if (port != last) {
            say(m, "the program listens on port %d; requests go to %s", port, m->request.url);
        }
        last = port;
        rc = look_for_answer(m, 2, first, err);
    } while (rc == ASHORE_ERR_IO && !stopped(m) && assess_now() < end);
    return rc;
}

/* The program answers, or does not serve at all. */
static int await_answer(struct measuring *m, struct ashore_error *err) {
    m->request = m->options->request;
    bool guessed = !m->request.url;
    double first = 0;
    int rc = guessed ? guess_address(m, &first, err)
                     : look_for_answer(m, m->options->startup, &first, err);
    if (rc && stopped(m)) return ASHORE_OK;
    bool ended = !assess_process_alive(&m->child);
    if (rc && guessed && (ended || rc == ASHORE_ERR_STATE)) return ASHORE_OK; /* serves nobody */
    if (rc && ended) {
        return assess_fail(err, ASHORE_ERR_STATE, "the program ended before it answered at %s: %s",
                           m->request.url, assess_process_fate(m->pool, &m->child));
    }
    if (rc) return rc;
    m->serves = true;
    m->evidence->cold_start = first - (double)m->child.started * 1e-9;
    say(m, "first answer after %.2f s", m->evidence->cold_start);
    return ASHORE_OK;
}

/* ---- load ----------------------------------------------------------------------------------- */

/* Enough requests for the strictest percentile that is asked for, half as many again. */
static double run_seconds(const struct measuring *m) {
    const struct assess_evidence *e = m->evidence;
    double seconds = m->options->seconds;
    if (seconds > 0) return seconds;
    seconds = default_seconds;
    for (size_t i = 0; i < e->target_count; i++) {
        if (e->targets[i].kind != ASSESS_TARGET_LATENCY || e->rate <= 0) continue;
        double needed = 1.5 * (double)assess_fewest(e->targets[i].quantile, 0.99) / e->rate;
        if (needed > seconds) seconds = needed;
    }
    return seconds < most_seconds ? seconds : most_seconds;
}

static int one_run(struct measuring *m, enum assess_load_mode mode, double seconds, uint64_t seed,
                   struct assess_run *run, struct ashore_error *err) {
    struct assess_load_options load = load_options(m);
    load.mode = mode;
    load.rate = mode == ASSESS_OPEN ? m->evidence->rate : 0;
    load.connections = m->options->connections;
    load.seconds = seconds;
    load.seed += seed;
    return assess_load_http(&m->request, &load, m->pool, run, err);
}

static int load_program(struct measuring *m, struct ashore_error *err) {
    struct assess_evidence *e = m->evidence;
    const enum assess_load_mode mode = m->options->mode;
    struct assess_run warm = {0};
    ASSESS_TRY(one_run(m, mode, warm_up_seconds, 100, &warm, err));
    if (!stopped(m) && warm.failed > warm.count / 2) {
        if (!assess_process_alive(&m->child)) {
            mark_end(m, "while it was warmed up");
            return ASHORE_OK;
        }
        return assess_fail(err, ASHORE_ERR_IO, "%zu of %zu requests to %s failed: %s", warm.failed,
                           warm.count, m->request.url,
                           warm.first_failure ? warm.first_failure : "no answer");
    }
    struct assess_run *single = assess_alloc(m->pool, sizeof *single);
    m->runs = assess_alloc_array(m->pool, REPEATS + 1, sizeof *m->runs);
    if (!m->runs || !single) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    if (mode != ASSESS_SINGLE) {
        ASSESS_TRY(one_run(m, ASSESS_SINGLE, single_seconds, 200, single, err));
        e->single = single;
    }
    double seconds = run_seconds(m);
    for (int i = 0; i <= REPEATS && !stopped(m) && assess_process_alive(&m->child); i++) {
        double share = i == 0 ? seconds : seconds / 2;
        if (mode == ASSESS_OPEN) {
            say(m, "load: %g requests/s for %.0f s", e->rate, share);
        } else {
            say(m, "load: %s for %.0f s",
                mode == ASSESS_SINGLE ? "one request after another" : "as many as it answers",
                share);
        }
        struct assess_run *run = &m->runs[m->run_count];
        ASSESS_TRY(one_run(m, mode, share, (uint64_t)i, run, err));
        if (i == 0) m->begin = run->begin;
        m->end = run->end;
        m->run_count++;
    }
    mark_end(m, "under load");
    return ASHORE_OK;
}

static int sweep_program(struct measuring *m, struct ashore_error *err) {
    if (!m->options->sweep || m->evidence->partial || m->run_count == 0) return ASHORE_OK;
    const struct assess_run *run = &m->runs[0];
    double first = m->evidence->rate > 0 ? m->evidence->rate / 2 : run->achieved_rate / 2;
    if (!(first > 0)) return ASHORE_OK;
    say(m, "load: rising from %.3g requests/s until the program does not keep up", first);
    struct assess_load_options load = load_options(m);
    load.seed += 1000;
    struct assess_sweep *sweep = assess_alloc(m->pool, sizeof *sweep);
    if (!sweep) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    ASSESS_TRY(assess_load_sweep(&m->request, &load, first, first * 64, sweep_seconds, m->pool,
                                 sweep, err));
    m->evidence->sweep = sweep;
    mark_end(m, "while the rate was raised");
    return ASHORE_OK;
}

/* ---- callables ------------------------------------------------------------------------------ */

/* Calls of the first seconds are no part of any number, as with requests; unless there are no
 * others. */
static void leave_out(struct assess_run *run, double seconds) {
    size_t cut = 0, failed = 0;
    while (cut < run->count && run->sent[cut].intended < run->begin + seconds) {
        failed += run->sent[cut++].failure != NULL;
    }
    if (cut == run->count) return;
    run->sent += cut;
    run->count -= cut;
    run->failed -= failed;
    run->begin += seconds;
}

static int run_calls(struct measuring *m, struct ashore_error *err) {
    const struct assess_measure_options *o = m->options;
    size_t count = 0;
    while (o->argv[count]) count++;
    const char **argv = assess_alloc_array(m->pool, count + CALL_ARGUMENTS + 1, sizeof *argv);
    const char *log = assess_format(m->pool, "%s/calls", o->folder);
    if (!argv || !log) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    memcpy(argv, o->argv, count * sizeof *argv);
    double seconds = run_seconds(m), rate = m->evidence->rate;
    argv[count++] = o->call_driver;
    argv[count++] = o->call;
    argv[count++] = log;
    static const char *const modes[] = {"open", "single", "offline"};
    argv[count++] = modes[o->mode];
    argv[count++] = assess_format(m->pool, "%.17g", rate);
    argv[count++] = assess_format(m->pool, "%.17g", seconds + warm_up_seconds);
    argv[count++] = assess_format(m->pool, "%llu", (unsigned long long)o->seed);
    if (m->pool->failed) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    say(m, "calling %s for %.0f s", o->call, seconds);
    ASSESS_TRY(start(m, argv, err));
    assess_process_wait(&m->child, 0, o->stop);
    m->runs = assess_alloc_array(m->pool, 1, sizeof *m->runs);
    if (!m->runs) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    int rc = assess_load_read_calls(log, m->pool, &m->runs[0], err);
    if (rc) {
        if (!m->child.ended || m->child.status == 0) return rc;
        char why[sizeof err->text];
        snprintf(why, sizeof why, "%s", err->text);
        return assess_fail(err, ASHORE_ERR_STATE, "calling %s failed: %s (%s)", o->call,
                           assess_process_fate(m->pool, &m->child), why);
    }
    m->run_count = 1;
    leave_out(&m->runs[0], warm_up_seconds);
    m->begin = m->runs[0].begin;
    m->end = m->runs[0].end;
    if (m->child.ended && m->child.status != 0) mark_end(m, "while it was called");
    if (stopped(m)) mark_end(m, "while it was called");
    return ASHORE_OK;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int run_program(struct measuring *m, struct ashore_error *err) {
    const struct assess_measure_options *o = m->options;
    if (o->call) return run_calls(m, err);
    ASSESS_TRY(start(m, o->argv, err));
    ASSESS_TRY(await_answer(m, err));
    if (m->serves && !stopped(m)) {
        ASSESS_TRY(load_program(m, err));
        ASSESS_TRY(sweep_program(m, err));
    } else {
        assess_process_wait(&m->child, o->seconds, o->stop);
        if (m->child.ended && m->child.status != 0) {
            mark_partial(m, assess_format(m->pool, "the program failed: %s",
                                          assess_process_fate(m->pool, &m->child)));
        }
        if (stopped(m)) mark_partial(m, "interrupted while the program ran");
    }
    return ASHORE_OK;
}

/* Memory while it is still there, then the end of all its processes. */
static void stop_program(struct measuring *m) {
    struct assess_usage now = assess_tree_usage(true);
    assess_watch_stop(&m->watch);
    assess_process_stop(&m->child, grace);
    double shared = now.proportional > 0 && now.resident > 0 ? now.proportional / now.resident : 1;
    m->evidence->peak_bytes = m->watch.peak_resident * shared;
    if (m->run_count) {
        const struct assess_run *run = &m->runs[0];
        m->evidence->cores_used = assess_watch_cores(&m->watch, run->begin, run->end);
    }
    assess_watch_deinit(&m->watch);
}

static int read_profile(struct measuring *m, const struct assess_rules *rules,
                        struct ashore_error *err) {
    struct assess_profile *profile = assess_alloc(m->pool, sizeof *profile);
    size_t room = 0, count = 0;
    for (size_t i = 0; i < m->run_count; i++) room += m->runs[i].count;
    double(*busy)[2] = assess_alloc_array(m->pool, room + 1, sizeof *busy);
    if (!profile || !busy) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < m->run_count; i++) {
        for (size_t j = 0; j < m->runs[i].count; j++) {
            const struct assess_sent *sent = &m->runs[i].sent[j];
            if (!(sent->answered > sent->sent)) continue;
            busy[count][0] = sent->sent;
            busy[count++][1] = sent->answered;
        }
    }
    qsort(busy, count, sizeof *busy, assess_ascending); /* by their begin, which comes first */
    ASSESS_TRY(assess_profile_trace(m->options->folder, rules, m->begin, m->end,
                                    m->run_count ? (const double(*)[2])busy : NULL, count, m->pool,
                                    profile, err));
    m->evidence->profile = profile;
    return ASHORE_OK;
}

/* How much of the time until the first answer went into imports. */
static void read_start(struct measuring *m, const struct assess_rules *rules) {
    if (!(m->evidence->cold_start > 0)) return;
    struct assess_profile start_profile = {0};
    double begin = (double)m->child.started * 1e-9;
    if (assess_profile_trace(m->options->folder, rules, begin, begin + m->evidence->cold_start,
                             NULL, 0, m->pool, &start_profile, NULL)) {
        return;
    }
    for (size_t i = 0; i < start_profile.function_count; i++) {
        const struct assess_function *f = &start_profile.functions[i];
        if (!f->python || strcmp(f->name, "_find_and_load") != 0) continue;
        if (f->total > m->evidence->first_import) m->evidence->first_import = f->total;
    }
}

static bool wants_download(const struct assess_evidence *e) {
    for (size_t i = 0; i < e->target_count; i++) {
        if (e->targets[i].kind == ASSESS_TARGET_DOWNLOAD) return true;
    }
    return e->must_run_on_client;
}

static int measure(struct measuring *m, const struct assess_rules *rules,
                   struct ashore_error *err) {
    const struct assess_measure_options *o = m->options;
    if (o->model) {
        struct assess_model_timing *timing = assess_alloc(m->pool, sizeof *timing);
        if (!timing) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
        say(m, "the model alone: %s", o->model);
        ASSESS_TRY(assess_measure_model(o, m->pool, timing, err));
        m->evidence->model = timing;
    }
    if (o->package && wants_download(m->evidence)) {
        m->evidence->download_bytes =
            assess_measure_download(o->package, o->model, m->pool, o->stop);
    }
    if (o->import) {
        struct assess_profile *profile = assess_alloc(m->pool, sizeof *profile);
        if (!profile) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
        ASSESS_TRY(assess_profile_import(o->import, rules, m->pool, profile, err));
        m->evidence->profile = profile;
    }
    if (!o->argv || stopped(m)) return ASHORE_OK;
    int rc = run_program(m, err);
    stop_program(m);
    if (m->run_count) m->evidence->run = &m->runs[0];
    if (m->run_count > 1) {
        m->evidence->repeats = &m->runs[1];
        m->evidence->repeat_count = m->run_count - 1;
    }
    if (rc) return rc;
    if (!o->import) rc = read_profile(m, rules, err);
    struct statvfs disk;
    if (rc == ASHORE_ERR_STATE && statvfs(o->folder, &disk) == 0 && disk.f_bavail == 0) {
        assess_fail(err, rc, "no space is left for traces in %s; TMPDIR names another folder",
                    o->folder);
    }
    if (rc == ASHORE_OK) read_start(m, rules);
    return rc;
}

int assess_measure(const struct assess_measure_options *options, struct assess_pool *pool,
                   struct assess_evidence *evidence, struct ashore_error *err) {
    struct measuring m = {.options = options, .pool = pool, .evidence = evidence};
    m.child.pid = -1;
    m.request.timeout = options->request.timeout;
    struct assess_rules *rules = NULL;
    ASSESS_TRY(assess_rules_create(options->rules, &rules, err));
    int rc = assess_process_prepare(err);
    if (rc == ASHORE_OK) rc = measure(&m, rules, err);
    assess_rules_destroy(&rules);
    if (rc == ASHORE_OK && pool->failed) return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory");
    return rc;
}
