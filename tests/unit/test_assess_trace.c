/* Trace files to profiles: what counts and what does not, and files that are damaged or hostile. */
#define _GNU_SOURCE
#include "trace_writer.h"

#include "assess/rules.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <cmocka.h>

enum {
    PYTHON = 0x10010,
    LIBC = 0x20010,
    BLAS = 0x30010,
    MAIN = WRITER_PID,
    SECOND = 101,
    NATIVE = 102,
    IS_PYTHON = ASSESS_SAMPLE_PYTHON,
    BLOCKED = SYS_recvfrom
};

/* Codes and stacks that most tests use. */
enum { C_MAIN, C_HANDLE, C_PARSE, C_MODEL, C_JOIN, CODES };
enum { S_PARSE, S_MODEL, S_MAIN, S_JOIN, S_BLAS, S_RECEIVE, S_DEEP, STACKS };

static struct trace_writer w;
static struct assess_pool pool;
static struct assess_rules *rules;
static struct assess_profile profile;
static struct ashore_error err;
static char folder[64];

static void begin(uint32_t pid) {
    memset(&w, 0, sizeof w);
    put_start(&w, pid);
    put_python(&w);
    put_object(&w, PYTHON - 16, "/usr/bin/python3.11", ASSESS_OBJECT_PYTHON);
    put_object(&w, LIBC - 16, "/nowhere/libc.so.6", 0);
    put_object(&w, BLAS - 16, "/nowhere/libopenblas.so.0", 0);
    put_code(&w, "/srv/app.py", "<module>");
    put_code(&w, "/srv/app.py", "handle");
    put_code(&w, "/srv/app.py", "parse");
    put_code(&w, "/usr/lib/python3/dist-packages/net/model.py", "Model.run");
    put_code(&w, "/usr/lib/python3.11/threading.py", "Thread.join");
    const uint64_t python = PYTHON, blas[2] = {BLAS, PYTHON}, libc[2] = {LIBC, PYTHON};
    put_stack(&w, (uint32_t[]){C_PARSE, C_HANDLE, C_MAIN}, 3, &python, 1, 0);
    put_stack(&w, (uint32_t[]){C_MODEL, C_HANDLE, C_MAIN}, 3, blas, 2, 0);
    put_stack(&w, (uint32_t[]){C_MAIN}, 1, &python, 1, 0);
    put_stack(&w, (uint32_t[]){C_JOIN, C_MAIN}, 2, libc, 2, 0);
    put_stack(&w, NULL, 0, blas, 1, 0);
    put_stack(&w, (uint32_t[]){C_HANDLE, C_MAIN}, 2, libc, 2, 0);
    put_stack(&w, (uint32_t[]){C_PARSE, C_PARSE, C_PARSE, C_HANDLE, C_MAIN}, 5, &python, 1,
              ASSESS_STACK_PY_CUT);
}

static int setup(void **state) {
    (void)state;
    make_folder(folder);
    return assess_rules_create(NULL, &rules, NULL);
}

static int teardown(void **state) {
    (void)state;
    assess_pool_deinit(&pool);
    assess_rules_destroy(&rules);
    drop_folder(folder, (unsigned[]){WRITER_PID, 200, 300}, 3);
    return 0;
}

static void save(uint32_t pid) { write_file(folder, pid, w.bytes, w.size); }

static int read_window(double from, double to, const double (*busy)[2], size_t busy_count) {
    assess_pool_deinit(&pool);
    memset(&err, 0, sizeof err);
    return assess_profile_trace(folder, rules, from, to, busy, busy_count, &pool, &profile, &err);
}

static void read_well(void) {
    int code = read_window(0, 0, NULL, 0);
    if (code != ASHORE_OK) fail_msg("%s", err.text);
}

static void assert_seconds(double value, double expected) {
    if (fabs(value - expected) > 1e-9) fail_msg("%.9f s, expected %.9f", value, expected);
}

static const struct assess_function *function(const char *name) {
    for (size_t i = 0; i < profile.function_count; i++) {
        if (strcmp(profile.functions[i].name, name) == 0) return &profile.functions[i];
    }
    fail_msg("no function %s", name);
    return NULL;
}

static bool has_note(const char *words) {
    for (size_t i = 0; i < profile.note_count; i++) {
        if (strstr(profile.notes[i], words)) return true;
    }
    return false;
}

/* ---- what a profile says -------------------------------------------------------------------- */

static void put_work(int samples) {
    for (int i = 0; i < samples; i++) {
        tick(&w);
        put_sample(&w, MAIN, i % 4 ? S_PARSE : S_MODEL, -1, IS_PYTHON, 0);
    }
}

static void time_goes_to_buckets_functions_and_stages(void **state) {
    (void)state;
    begin(WRITER_PID);
    put_work(100);
    put_end(&w);
    save(WRITER_PID);
    read_well();
    assert_seconds(profile.seconds[ASSESS_INTERPRETER], 0.75);
    assert_seconds(profile.seconds[ASSESS_COMPUTE], 0.25);
    assert_seconds(assess_sum(profile.seconds), 1);
    assert_seconds(assess_share(profile.seconds, ASSESS_COMPUTE), 0.25);
    assert_string_equal(profile.source, "sampled");
    assert_int_equal(profile.samples, 100);
    assert_seconds(profile.hz, WRITER_HZ);
    assert_seconds(function("parse")->self[ASSESS_INTERPRETER], 0.75);
    assert_seconds(function("handle")->total, 1);
    assert_seconds(function("handle")->self[ASSESS_INTERPRETER], 0);
    assert_string_equal(function("handle")->place, "app.py:1");
    assert_string_equal(function("Model.run")->place, "net/model.py:1");
    assert_seconds(function("Model.run")->self[ASSESS_COMPUTE], 0.25);
    assert_false(function("0x10")->python);
    assert_int_equal(profile.stage_count, 2);
    assert_string_equal(profile.stages[0].name, "parse");
    assert_seconds(profile.stages[0].seconds[ASSESS_INTERPRETER], 0.75);
    assert_string_equal(profile.stages[1].name, "Model.run");
    assert_seconds(profile.stages[1].seconds[ASSESS_COMPUTE], 0.25);
    assert_int_equal(profile.process_count, 1);
    assert_string_equal(profile.processes[0].command, "python app.py");
    assert_string_equal(profile.processes[0].python, "3.11.2");
    assert_true(profile.processes[0].complete);
    assert_seconds(profile.processes[0].wall, 1);
    assert_seconds(profile.processes[0].sampler_cpu, 0.005);
    assert_int_equal(profile.note_count, 0);
}

static void spans_follow_threads(void **state) {
    (void)state;
    begin(WRITER_PID);
    put_work(100);
    save(WRITER_PID);
    read_well();
    assert_int_equal(profile.span_count, 50);
    double sum = 0;
    for (size_t i = 0; i < profile.span_count; i++) {
        const struct assess_span *s = &profile.spans[i];
        assert_true(s->stack < profile.stack_count);
        assert_int_equal(s->tid, MAIN);
        if (i) assert_true(s->begin >= profile.spans[i - 1].begin);
        sum += s->end - s->begin;
    }
    assert_seconds(sum, 1);
    assert_true(has_note("did not end in order"));
    assert_false(profile.processes[0].complete);
}

/* Threads of two kinds: what each kind's functions call is found from its own root. */
static void stages_are_found_from_every_root(void **state) {
    (void)state;
    begin(WRITER_PID);
    const uint64_t python = PYTHON;
    uint32_t small = put_code(&w, "/srv/app.py", "rare");
    uint32_t thread = put_code(&w, "/usr/lib/python3.11/threading.py", "Thread._bootstrap");
    uint32_t load = put_code(&w, "/srv/app.py", "load");
    uint32_t s_load = put_stack(&w, (uint32_t[]){C_PARSE, load, thread}, 3, &python, 1, 0);
    uint32_t s_own = put_stack(&w, (uint32_t[]){load, thread}, 2, &python, 1, 0);
    uint32_t s_rare = put_stack(&w, (uint32_t[]){small, C_HANDLE, C_MAIN}, 3, &python, 1, 0);
    for (int i = 0; i < 100; i++) {
        tick(&w);
        put_sample(&w, MAIN, i == 7 ? s_rare : i % 2 ? S_PARSE : S_MODEL, -1, IS_PYTHON, 0);
        put_sample(&w, SECOND, i % 2 ? s_load : s_own, -1, IS_PYTHON, 0);
    }
    save(WRITER_PID);
    read_well();
    static const struct {
        const char *name;
        double seconds;
    } expected[] = {{"parse", 0.99}, {"Model.run", 0.5}, {"load", 0.5}, {"other", 0.01}};
    assert_int_equal(profile.stage_count, 4);
    for (size_t i = 0; i < 4; i++) {
        double found = 0;
        for (size_t k = 0; k < 4; k++) {
            if (strcmp(profile.stages[k].name, expected[i].name) == 0) {
                found += assess_sum(profile.stages[k].seconds);
            }
        }
        assert_seconds(found, expected[i].seconds);
    }
    assert_string_equal(profile.stages[3].name, "other");
}

/* The limit on functions: the rest is one, and stacks still refer to what there is. */
static void functions_are_limited(void **state) {
    (void)state;
    enum { MANY = 2100 };
    static unsigned char whole[sizeof w.bytes * 12];
    size_t size = 0;
    begin(WRITER_PID);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%d", i);
        uint32_t code = put_code(&w, "/srv/app.py", name);
        uint32_t stack = put_stack(&w, &code, 1, &(uint64_t){PYTHON}, 1, 0);
        tick(&w);
        put_sample(&w, MAIN, stack, -1, IS_PYTHON, 0);
        if (i < 10) put_sample(&w, MAIN, stack, -1, IS_PYTHON, 0);
        if (w.size > sizeof w.bytes / 2) {
            memcpy(whole + size, w.bytes, w.size);
            size += w.size;
            w.size = 0;
        }
    }
    memcpy(whole + size, w.bytes, w.size);
    write_file(folder, WRITER_PID, whole, size + w.size);
    read_well();
    assert_int_equal(profile.function_count, 2001);
    assert_string_equal(profile.functions[2000].name, "other");
    assert_seconds(profile.functions[2000].self[ASSESS_INTERPRETER], 1.01);
    assert_seconds(profile.functions[0].total, 21.1); /* the interpreter's own function */
    assert_seconds(profile.functions[1].total, 0.02);
    assert_seconds(assess_sum(profile.seconds), 21.1);
    for (size_t i = 0; i < profile.stack_count; i++) {
        for (size_t k = 0; k < profile.stacks[i].depth; k++) {
            assert_true(profile.stacks[i].frames[k] < profile.function_count);
        }
    }
}

/* A thread that is kept from the processor cannot say where it is: it goes on with what it did. */
static void silence_is_what_was_done_before(void **state) {
    (void)state;
    begin(WRITER_PID);
    uint32_t silent = put_stack(&w, (uint32_t[]){C_MODEL, C_HANDLE, C_MAIN}, 3, NULL, 0, 0);
    uint32_t other = put_stack(&w, (uint32_t[]){C_PARSE, C_HANDLE, C_MAIN}, 3, NULL, 0, 0);
    for (int i = 0; i < 40; i++) {
        tick(&w);
        put_sample(&w, MAIN, i % 4 ? silent : S_MODEL, -1, IS_PYTHON, 0);
        tick(&w);
        put_sample(&w, MAIN, other, -1, IS_PYTHON, 0);
        tick(&w);
        put_sample(&w, MAIN, other, -1, IS_PYTHON | ASSESS_SAMPLE_HOLDS_GIL, 0);
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(profile.seconds[ASSESS_COMPUTE], 0.4);
    assert_seconds(profile.seconds[ASSESS_UNKNOWN], 0.4);
    assert_seconds(profile.seconds[ASSESS_INTERPRETER], 0.4);
}

static void recursion_counts_once(void **state) {
    (void)state;
    begin(WRITER_PID);
    tick(&w);
    put_sample(&w, MAIN, S_DEEP, -1, IS_PYTHON, 0);
    save(WRITER_PID);
    read_well();
    assert_seconds(function("parse")->total, 0.01);
    assert_seconds(function("parse")->self[ASSESS_INTERPRETER], 0.01);
    assert_true(has_note("too deep"));
}

static void windows_leave_samples_out(void **state) {
    (void)state;
    begin(WRITER_PID);
    put_work(100); /* from 1.01 s to 2 s */
    save(WRITER_PID);
    assert_int_equal(read_window(1.5049, 1.7051, NULL, 0), ASHORE_OK);
    assert_int_equal(profile.samples, 20);
    assert_seconds(assess_sum(profile.seconds), 0.2);
    assert_seconds(profile.begin, 1.5049);
    assert_seconds(profile.end, 1.7051);
    assert_int_equal(read_window(5, 6, NULL, 0), ASHORE_ERR_STATE);
    assert_non_null(strstr(err.text, "no samples"));
}

/* ---- threads -------------------------------------------------------------------------------- */

static void workers_are_apart(void **state) {
    (void)state;
    begin(WRITER_PID);
    struct assess_rec_thread thread = {NATIVE, 4};
    put_record(&w, ASSESS_REC_THREAD, &thread, sizeof thread, "pool", 4);
    for (int i = 0; i < 100; i++) {
        tick(&w);
        put_sample(&w, MAIN, S_PARSE, -1, IS_PYTHON, 0);
        put_sample(&w, SECOND, S_JOIN, SYS_futex, IS_PYTHON, 0);
        put_sample(&w, NATIVE, S_BLAS, i < 40 ? -1 : i < 50 ? SYS_sched_yield : SYS_futex, 0, 0);
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(assess_sum(profile.seconds), 1);
    assert_seconds(profile.seconds[ASSESS_INTERPRETER], 1);
    assert_int_equal(profile.worker_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct assess_worker *worker = &profile.workers[i];
        if (strcmp(worker->owner, "libopenblas.so.0") == 0) {
            assert_seconds(worker->busy, 0.4);
            assert_seconds(worker->spinning, 0.1);
            assert_seconds(worker->waiting, 0.5);
        } else {
            assert_string_equal(worker->owner, "Python, waiting in Thread.join");
            assert_seconds(worker->waiting, 1);
        }
    }
    assert_int_equal(profile.thread_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(profile.threads[i].request, profile.threads[i].tid == MAIN);
        if (profile.threads[i].tid == NATIVE) {
            assert_string_equal(profile.threads[i].name, "pool");
        }
    }
}

/* A main thread that starts others and waits for their end counts until then. */
static void joining_does_not_count(void **state) {
    (void)state;
    begin(WRITER_PID);
    put_work(20);
    for (int i = 0; i < 100; i++) {
        tick(&w);
        unsigned gil = i % 30 == 29 ? ASSESS_SAMPLE_GIL_WAIT : 0;
        put_sample(&w, MAIN, S_JOIN, SYS_futex, IS_PYTHON | gil, 0);
        put_sample(&w, SECOND, S_PARSE, -1, IS_PYTHON, 0);
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(assess_sum(profile.seconds), 1.2);
    assert_seconds(profile.seconds[ASSESS_LOCK_WAIT], 0);
}

/* Waiting for short times with work between is what a request does, in one thread per request too.
 */
static void short_lived_threads_count(void **state) {
    (void)state;
    begin(WRITER_PID);
    for (uint32_t tid = 500; tid < 520; tid++) {
        for (int i = 0; i < 5; i++) {
            tick(&w);
            put_sample(&w, MAIN, S_JOIN, SYS_ppoll, IS_PYTHON | ASSESS_SAMPLE_FOR_REQUEST, 1);
            put_sample(&w, tid, S_RECEIVE, BLOCKED, IS_PYTHON, 1);
        }
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(profile.seconds[ASSESS_IO], 1);
    assert_seconds(assess_sum(profile.seconds), 1);
}

/* One long call of a model is work, though its thread only waits for the library's own. */
static void waiting_for_workers_of_a_model_counts(void **state) {
    (void)state;
    begin(WRITER_PID);
    for (int i = 0; i < 100; i++) {
        tick(&w);
        put_sample(&w, MAIN, S_MODEL, SYS_futex, IS_PYTHON, 0);
        put_sample(&w, SECOND, S_PARSE, -1, IS_PYTHON, 0);
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(profile.seconds[ASSESS_COMPUTE], 1);
    assert_seconds(profile.seconds[ASSESS_INTERPRETER], 1);
}

static void the_main_thread_counts_when_all_wait(void **state) {
    (void)state;
    begin(WRITER_PID);
    for (int i = 0; i < 100; i++) {
        tick(&w);
        put_sample(&w, MAIN, S_RECEIVE, BLOCKED, IS_PYTHON, 0);
        put_sample(&w, SECOND, S_JOIN, SYS_futex, IS_PYTHON, 0);
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(profile.seconds[ASSESS_IO], 1);
    assert_seconds(assess_sum(profile.seconds), 1);
}

/* ---- processes and requests ------------------------------------------------------------------ */

static void forked_workers_are_summed(void **state) {
    (void)state;
    begin(WRITER_PID); /* the one that starts the others */
    for (int i = 0; i < 100; i++) {
        tick(&w);
        put_sample(&w, MAIN, S_JOIN, SYS_wait4, IS_PYTHON, 0);
    }
    put_end(&w);
    save(WRITER_PID);
    for (uint32_t pid = 200; pid <= 300; pid += 100) {
        begin(pid);
        for (int i = 0; i < 100; i++) {
            tick(&w);
            put_sample(&w, pid, i % 2 ? S_PARSE : S_RECEIVE, i % 2 ? -1 : BLOCKED, IS_PYTHON, 0);
        }
        put_end(&w);
        save(pid);
    }
    read_well();
    assert_int_equal(profile.process_count, 3);
    assert_seconds(profile.seconds[ASSESS_IO], 1);
    assert_seconds(profile.seconds[ASSESS_INTERPRETER], 1);
    assert_seconds(assess_sum(profile.seconds), 2);
    for (size_t i = 0; i < 3; i++) {
        const struct assess_process *p = &profile.processes[i];
        assert_seconds(assess_sum(p->seconds), p->pid == WRITER_PID ? 0 : 1);
    }
}

static void without_a_request_waiting_is_idle(void **state) {
    (void)state;
    begin(WRITER_PID);
    unsigned accepted = IS_PYTHON | ASSESS_SAMPLE_ACCEPTED;
    for (int i = 0; i < 100; i++) {
        tick(&w);
        put_sample(&w, MAIN, i % 2 ? S_PARSE : S_RECEIVE, i % 2 ? -1 : BLOCKED, accepted, i < 50);
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(profile.seconds[ASSESS_IO], 0.25);
    assert_seconds(profile.seconds[ASSESS_IDLE], 0.25);
    assert_seconds(assess_share_of_work(profile.seconds, ASSESS_IO), 0.25 / 0.75);
    assert_seconds(assess_share_of_work(profile.seconds, ASSESS_IDLE), 0);
    /* The process knows better than the load. */
    const double busy[][2] = {{0, 9}};
    assert_int_equal(read_window(0, 0, busy, 1), ASHORE_OK);
    assert_seconds(profile.seconds[ASSESS_IDLE], 0.25);
}

/* A loop that waits while a thread has its request is idle; with a second request it serves that.
 */
/* A thread that is woken as its request is answered waited for that request. */
static void a_late_answer_is_of_the_wait_before(void **state) {
    (void)state;
    begin(WRITER_PID);
    put_entry(&w, LIBC, "clock_nanosleep");
    unsigned flags = IS_PYTHON | ASSESS_SAMPLE_ACCEPTED;
    for (int i = 0; i < 40; i++) {
        tick(&w);
        put_sample(&w, MAIN, S_RECEIVE, SYS_clock_nanosleep, flags, 1);
        tick(&w);
        put_sample(&w, MAIN, S_JOIN, SYS_futex, flags, 0);
        tick(&w);
        put_sample(&w, MAIN, S_RECEIVE, -1, flags, 0);
        tick(&w);
        put_sample(&w, MAIN, S_PARSE, -1, flags, 1);
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(profile.seconds[ASSESS_IO], 0.8);
    assert_seconds(profile.seconds[ASSESS_IDLE], 0.4);
    assert_seconds(profile.seconds[ASSESS_INTERPRETER], 0.4);
}

static void a_loop_waits_for_its_threads_or_for_peers(void **state) {
    (void)state;
    begin(WRITER_PID);
    unsigned flags = IS_PYTHON | ASSESS_SAMPLE_ACCEPTED;
    put_work(20);
    for (int i = 0; i < 200; i++) {
        tick(&w);
        put_sample(&w, MAIN, S_RECEIVE, SYS_epoll_pwait, flags, i < 100 ? 1 : 2);
        tick(&w);
        put_sample(&w, MAIN, S_RECEIVE, SYS_epoll_pwait, flags, i < 100 ? 1 : 2);
        /* A running thread's answer may come later than its tick's other samples. */
        w.now -= 10000000;
        put_sample(&w, SECOND, S_PARSE, -1, flags, 9);
        w.now += 10000000;
        put_sample(&w, SECOND, S_PARSE, -1, flags, 9);
    }
    save(WRITER_PID);
    read_well();
    assert_seconds(profile.seconds[ASSESS_IDLE], 2);
    assert_seconds(profile.seconds[ASSESS_IO], 2);
    assert_int_equal(profile.samples, 820);
}

static void the_load_says_when_requests_are_there(void **state) {
    (void)state;
    begin(WRITER_PID);
    for (int i = 0; i < 100; i++) {
        tick(&w);
        put_sample(&w, MAIN, i % 2 ? S_PARSE : S_RECEIVE, i % 2 ? -1 : BLOCKED, IS_PYTHON, 0);
    }
    save(WRITER_PID);
    const double busy[][2] = {{1, 1.105}, {1.1, 1.205}, {1.15, 1.16}, {1.4049, 1.5049}};
    assert_int_equal(read_window(0, 0, busy, 4), ASHORE_OK);
    assert_seconds(profile.seconds[ASSESS_IO], 0.15);
    assert_seconds(profile.seconds[ASSESS_IDLE], 0.35);
    read_well();
    assert_seconds(profile.seconds[ASSESS_IO], 0.5);
}

/* ---- nothing to read ------------------------------------------------------------------------- */

static void reasons_are_given(void **state) {
    (void)state;
    assert_int_equal(read_window(0, 0, NULL, 0), ASHORE_ERR_STATE);
    assert_non_null(strstr(err.text, "no CPython was seen: the program holds none"));
    memset(&w, 0, sizeof w);
    put_start(&w, WRITER_PID);
    save(WRITER_PID);
    assert_int_equal(read_window(0, 0, NULL, 0), ASHORE_ERR_STATE);
    assert_non_null(strstr(err.text, "no CPython was seen"));
    assert_non_null(strstr(err.text, "python app.py"));
    struct assess_rec_python refused = {.version = 0x030a0000, .refused = 1};
    put_record(&w, ASSESS_REC_PYTHON, &refused, sizeof refused, NULL, 0);
    static const char why[] = "CPython 3.10 cannot be read";
    put_record(&w, ASSESS_REC_NOTE, NULL, 0, why, strlen(why));
    save(WRITER_PID);
    assert_int_equal(read_window(0, 0, NULL, 0), ASHORE_ERR_STATE);
    assert_non_null(strstr(err.text, why));
    assert_int_equal(assess_profile_trace("/nowhere", rules, 0, 0, NULL, 0, &pool, &profile, &err),
                     ASHORE_ERR_IO);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void put_some_of_everything(void) {
    begin(WRITER_PID);
    struct assess_rec_thread thread = {NATIVE, 4};
    put_entry(&w, LIBC + 64, "memcpy");
    put_record(&w, ASSESS_REC_THREAD, &thread, sizeof thread, "pool", 4);
    put_record(&w, ASSESS_REC_NOTE, NULL, 0, "note", 4);
    for (int i = 0; i < 12; i++) {
        tick(&w);
        put_sample(&w, MAIN, (uint32_t)i % STACKS, i % 3 ? -1 : BLOCKED, IS_PYTHON, 0);
        put_sample(&w, NATIVE, i % 2 ? S_BLAS : UINT32_MAX, SYS_futex, 0, 0);
    }
    put_end(&w);
}

static void any_cut_is_read_up_to_there(void **state) {
    (void)state;
    put_some_of_everything();
    uint64_t last = 0;
    for (size_t size = 0; size <= w.size; size++) {
        write_file(folder, WRITER_PID, w.bytes, size);
        int code = read_window(0, 0, NULL, 0);
        if (code != ASHORE_OK) assert_int_equal(code, ASHORE_ERR_STATE);
        if (code == ASHORE_OK) assert_true(profile.samples >= last);
        if (code == ASHORE_OK) last = profile.samples;
    }
    assert_int_equal(last, 24);
}

static void any_change_is_survived(void **state) {
    (void)state;
    put_some_of_everything();
    static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    size_t refused = 0, rounds = 0;
    for (size_t at = 0; at < w.size; at++) {
        unsigned char before = w.bytes[at];
        /* Each byte once by one of the values, and its lowest bit. */
        for (int k = 0; k < 2; k++) {
            w.bytes[at] = k ? before ^ 1 : values[at % sizeof values];
            write_file(folder, WRITER_PID, w.bytes, w.size);
            int code = read_window(0, 0, NULL, 0);
            bool known = code == ASHORE_OK || code == ASHORE_ERR_STATE || code == ASHORE_ERR_FORMAT;
            if (!known) fail_msg("byte %zu: %d %s", at, code, err.text);
            if (code < 0) assert_true(err.text[0] != '\0');
            refused += code == ASHORE_ERR_FORMAT;
            rounds++;
        }
        w.bytes[at] = before;
    }
    assert_true(refused > rounds / 20);
}

struct damage {
    const char *words;
    void (*make)(void);
};

static void bad_magic(void) { w.bytes[8] ^= 1; }

static void second_start(void) { put_start(&w, 7); }

static void unknown_kind(void) { put_record(&w, 99, NULL, 0, "x", 1); }

static void huge_record(void) {
    struct assess_record record = {ASSESS_REC_NOTE, UINT32_MAX};
    put(&w, &record, sizeof record);
}

static void object_skipped(void) {
    w.objects++;
    put_object(&w, 0x1000, "/x", 0);
}

static void code_again(void) {
    w.codes = 0;
    put_code(&w, "/x", "y");
}

static void code_sizes(void) {
    struct assess_rec_code code = {CODES, 1, UINT32_MAX, 3};
    put_record(&w, ASSESS_REC_CODE, &code, sizeof code, "ab", 2);
}

static void frame_of_no_code(void) { put_stack(&w, &(uint32_t){CODES}, 1, NULL, 0, 0); }

static void stack_counts(void) {
    struct assess_rec_stack stack = {STACKS, UINT16_MAX, UINT16_MAX, 0};
    put_record(&w, ASSESS_REC_STACK, &stack, sizeof stack, "12345678", 8);
}

static void sample_of_no_stack(void) { put_sample(&w, MAIN, STACKS, -1, IS_PYTHON, 0); }

static void sample_before_time(void) {
    w.now = -5;
    put_sample(&w, MAIN, 0, -1, IS_PYTHON, 0);
}

static void text_longer(void) {
    struct assess_rec_thread thread = {NATIVE, 5};
    put_record(&w, ASSESS_REC_THREAD, &thread, sizeof thread, "pool", 4);
}

static void damage_is_named(void **state) {
    (void)state;
    static const struct damage cases[] = {
        {"not a trace of this version", bad_magic},
        {"a second start", second_start},
        {"no known kind", unknown_kind},
        {"larger than any can be", huge_record},
        {"an object out of order", object_skipped},
        {"a code out of order", code_again},
        {"a code of the wrong size", code_sizes},
        {"a frame of no code", frame_of_no_code},
        {"a stack of the wrong size", stack_counts},
        {"a sample of no stack", sample_of_no_stack},
        {"no possible time", sample_before_time},
        {"a thread of the wrong size", text_longer},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        begin(WRITER_PID);
        put_work(4);
        cases[i].make();
        save(WRITER_PID);
        assert_int_equal(read_window(0, 0, NULL, 0), ASHORE_ERR_FORMAT);
        if (!strstr(err.text, cases[i].words)) fail_msg("%s: %s", cases[i].words, err.text);
        assert_non_null(strstr(err.text, "trace.100.1000000000: damaged at byte"));
    }
}

static void folders_may_hold_anything(void **state) {
    (void)state;
    char path[128];
    trace_path(path, folder, WRITER_PID);
    assert_int_equal(mkfifo(path, 0600), 0); /* would block whoever opens it */
    assert_int_equal(read_window(0, 0, NULL, 0), ASHORE_ERR_FORMAT);
    unlink(path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(read_window(0, 0, NULL, 0), ASHORE_ERR_IO);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_window(0, 0, NULL, 0), ASHORE_ERR_FORMAT);
    rmdir(path);
}

/* A trace may say anything as often as it likes; what is made of it is limited. */
static void notes_and_owners_are_limited(void **state) {
    (void)state;
    begin(WRITER_PID);
    for (int i = 0; i < 300; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "note %d", i);
        put_record(&w, ASSESS_REC_NOTE, NULL, 0, text, (size_t)n);
        snprintf(text, sizeof text, "wait%d", i);
        uint32_t code = put_code(&w, "/x.py", text);
        uint32_t stack = put_stack(&w, &code, 1, NULL, 0, 0);
        put_sample(&w, 1000 + (uint32_t)i, stack, SYS_futex, IS_PYTHON, 0);
    }
    put_sample(&w, MAIN, S_PARSE, -1, IS_PYTHON, 0);
    save(WRITER_PID);
    read_well();
    assert_int_equal(profile.note_count, 100);
    assert_true(has_note("more notes"));
    assert_int_equal(profile.worker_count, 257);
    assert_string_equal(profile.workers[256].owner, "other");
    assert_int_equal(profile.workers[256].threads, 44);
}

/* Times and weights at their limits are summed, not overflowed. */
static void extreme_numbers(void **state) {
    (void)state;
    begin(WRITER_PID);
    struct assess_rec_sample sample = {.weight = UINT32_MAX, .tid = 0, .syscall = INT16_MAX};
    for (int i = 0; i < 3; i++) {
        sample.time = i == 1 ? INT64_MAX / 4 : 0;
        sample.flags = UINT16_MAX & ~(unsigned)(ASSESS_SAMPLE_GC | ASSESS_SAMPLE_GIL_WAIT);
        sample.tid = i ? UINT32_MAX : 0;
        put_record(&w, ASSESS_REC_SAMPLE, &sample, sizeof sample, NULL, 0);
    }
    struct assess_rec_end end = {INT64_MIN, INT64_MIN, INT64_MAX, UINT64_MAX, UINT64_MAX, 1};
    put_record(&w, ASSESS_REC_END, &end, sizeof end, NULL, 0);
    save(WRITER_PID);
    read_well();
    assert_true(isfinite(assess_sum(profile.seconds)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(time_goes_to_buckets_functions_and_stages, setup, teardown),
        cmocka_unit_test_setup_teardown(spans_follow_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(stages_are_found_from_every_root, setup, teardown),
        cmocka_unit_test_setup_teardown(functions_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(silence_is_what_was_done_before, setup, teardown),
        cmocka_unit_test_setup_teardown(recursion_counts_once, setup, teardown),
        cmocka_unit_test_setup_teardown(windows_leave_samples_out, setup, teardown),
        cmocka_unit_test_setup_teardown(workers_are_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(joining_does_not_count, setup, teardown),
        cmocka_unit_test_setup_teardown(short_lived_threads_count, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting_for_workers_of_a_model_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(the_main_thread_counts_when_all_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(forked_workers_are_summed, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_request_waiting_is_idle, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_answer_is_of_the_wait_before, setup, teardown),
        cmocka_unit_test_setup_teardown(a_loop_waits_for_its_threads_or_for_peers, setup, teardown),
        cmocka_unit_test_setup_teardown(the_load_says_when_requests_are_there, setup, teardown),
        cmocka_unit_test_setup_teardown(reasons_are_given, setup, teardown),
        cmocka_unit_test_setup_teardown(any_cut_is_read_up_to_there, setup, teardown),
        cmocka_unit_test_setup_teardown(any_change_is_survived, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_may_hold_anything, setup, teardown),
        cmocka_unit_test_setup_teardown(notes_and_owners_are_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(extreme_numbers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
