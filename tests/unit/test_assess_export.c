/* Speedscope files that come back as they were, and Perfetto traces, read by a small decoder of the
 * wire format that knows the field numbers that Perfetto's protos give. */
#define _GNU_SOURCE
#include "assess/profile.h"
#include "assess/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <unistd.h>

static struct assess_rules *rules;

static int make_rules(void **state) {
    (void)state;
    return assess_rules_create(NULL, &rules, NULL);
}

static int drop_rules(void **state) {
    (void)state;
    assess_rules_destroy(&rules);
    return 0;
}

/* A name in /tmp that is free; the caller unlinks it. */
static void temporary(char path[64]) {
    snprintf(path, 64, "/tmp/ashore-export-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
}

static void import_file(const char *path, struct assess_pool *pool,
                        struct assess_profile *profile) {
    struct ashore_error err = {0};
    if (assess_profile_import(path, rules, pool, profile, &err)) fail_msg("%s", err.text);
}

/* ---- a profile with everything that is awkward ---------------------------------------------- */

enum { DEEP = 60 };
static const uint32_t plain_frames[] = {0, 1, 2}, other_frames[] = {0, 1, 3};
static uint32_t deep_frames[DEEP];

static struct assess_function awkward_functions[] = {
    {.name = "<module>", .place = "app.py:40", .python = true},
    {.name = "say \"hi\"\\\n\x01", .place = "pkg/mod.py:7", .python = true},
    {.name = "bytes \xff\xc3\x28 \xe2\x82\xac", .place = "libfoo.so.1"},
    {.name = "[compute]", .place = "", .python = true},
};

static struct assess_stack awkward_stacks[] = {
    {plain_frames, 3, ASSESS_COMPUTE, 1.5},
    {other_frames, 3, ASSESS_INTERPRETER, 0.25},
    {deep_frames, DEEP, ASSESS_IO, 0.5},
    {NULL, 0, ASSESS_UNKNOWN, 0.125},
};

/* Thread 11 is no request thread; of thread 10 the last span begins after a pause. */
static struct assess_span awkward_spans[] = {
    {100.0, 101.0, 5, 10, 0},   {100.5, 100.75, 5, 11, 1}, {101.0, 101.25, 5, 10, 1},
    {101.25, 101.75, 5, 10, 2}, {103.0, 103.5, 5, 10, 0},  {103.5, 103.625, 5, 10, 3},
};

static struct assess_thread awkward_threads[] = {
    {5, 10, "Main \"T\"", true},
    {5, 11, "helper", false},
};

static struct assess_process awkward_process = {.pid = 5, .command = "python app.py"};

static struct assess_profile awkward_profile(void) {
    memset(deep_frames, 0, sizeof deep_frames);
    deep_frames[DEEP - 1] = 1;
    return (struct assess_profile){
        .source = "sampled",
        .begin = 100,
        .end = 104,
        .hz = 100,
        .seconds = {[ASSESS_COMPUTE] = 1.5,
                    [ASSESS_INTERPRETER] = 0.25,
                    [ASSESS_IO] = 0.5,
                    [ASSESS_UNKNOWN] = 0.125},
        .functions = awkward_functions,
        .function_count = 4,
        .stacks = awkward_stacks,
        .stack_count = 4,
        .spans = awkward_spans,
        .span_count = 6,
        .threads = awkward_threads,
        .thread_count = 2,
        .processes = &awkward_process,
        .process_count = 1,
    };
}

/* ---- speedscope ----------------------------------------------------------------------------- */

static const struct assess_function *find_function(const struct assess_profile *p,
                                                   const struct assess_function *like) {
    for (size_t i = 0; i < p->function_count; i++) {
        const struct assess_function *f = &p->functions[i];
        if (f->python == like->python && strcmp(f->name, like->name) == 0 &&
            strcmp(f->place, like->place) == 0) {
            return f;
        }
    }
    return NULL;
}

static void check_same(const struct assess_profile *a, const struct assess_profile *b) {
    for (int i = 0; i < ASSESS_BUCKETS; i++) {
        assert_true(fabs(a->seconds[i] - b->seconds[i]) < 1e-9);
    }
    for (size_t i = 0; i < a->function_count; i++) {
        const struct assess_function *f = &a->functions[i];
        if (!(f->total > 0)) continue;
        const struct assess_function *g = find_function(b, f);
        if (!g) fail_msg("%s (%s) is lost", f->name, f->place);
        assert_true(fabs(f->total - g->total) < 1e-9);
        for (int k = 0; k < ASSESS_BUCKETS; k++) {
            assert_true(fabs(f->self[k] - g->self[k]) < 1e-9);
        }
    }
}

static void test_round_trip(void **state) {
    (void)state;
    static const char *const files[] = {"pyspy_native.json", "pyspy_python.json",
                                        "evented.json",      "torch_gpu.json",
                                        "torch_stack.json",  "onnxruntime.json"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char from[512], path[64];
        struct assess_pool pool = {0};
        struct assess_profile first, second;
        struct ashore_error err = {0};
        snprintf(from, sizeof from, ASH_TESTS "/assess/traces/%s", files[i]);
        import_file(from, &pool, &first);
        temporary(path);
        if (assess_export_speedscope(&first, path, &err)) fail_msg("%s", err.text);
        import_file(path, &pool, &second);
        check_same(&first, &second);
        assert_string_equal(second.source, "sampled");
        unlink(path);
        assess_pool_deinit(&pool);
    }
}

static void test_awkward_speedscope(void **state) {
    (void)state;
    char path[64];
    struct assess_pool pool = {0};
    struct assess_profile profile = awkward_profile(), back;
    temporary(path);
    assert_int_equal(assess_export_speedscope(&profile, path, NULL), ASHORE_OK);
    import_file(path, &pool, &back);
    for (int i = 0; i < ASSESS_BUCKETS; i++) {
        assert_true(fabs(profile.seconds[i] - back.seconds[i]) < 1e-9);
    }
    assert_int_equal(back.thread_count, 1);
    assert_int_equal(back.threads[0].pid, 5);
    assert_int_equal(back.threads[0].tid, 10);
    assert_string_equal(back.threads[0].name, "Main \"T\"");
    /* Names are as they were, but for bytes that are no UTF-8. */
    assert_non_null(find_function(&back, &awkward_functions[1]));
    assert_non_null(find_function(&back, &awkward_functions[3]));
    struct assess_function cleaned = awkward_functions[2];
    cleaned.name = "bytes \xef\xbf\xbd\xef\xbf\xbd( \xe2\x82\xac";
    assert_non_null(find_function(&back, &cleaned));
    assess_pool_deinit(&pool);

    /* A timeline that ends early, or none: the stacks have the whole. */
    for (size_t spans = 0; spans < 3; spans++) {
        profile.span_count = spans;
        assert_int_equal(assess_export_speedscope(&profile, path, NULL), ASHORE_OK);
        import_file(path, &pool, &back);
        assert_true(fabs(assess_sum(back.seconds) - 2.375) < 1e-9);
        assess_pool_deinit(&pool);
    }
    unlink(path);
}

static void test_nothing(void **state) {
    (void)state;
    char path[64];
    struct assess_profile empty = {0};
    temporary(path);
    assert_int_equal(assess_export_speedscope(&empty, path, NULL), ASHORE_OK);
    assert_int_equal(assess_export_perfetto(&empty, path, NULL), ASHORE_OK);
    unlink(path);
}

static void test_full_disk(void **state) {
    (void)state;
    struct assess_profile profile = awkward_profile();
    struct ashore_error err = {0};
    assert_int_equal(assess_export_speedscope(&profile, "/dev/full", &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, "/dev/full"));
    assert_int_equal(assess_export_perfetto(&profile, "/dev/full", &err), ASHORE_ERR_IO);
    assert_int_equal(assess_export_perfetto(&profile, "/nowhere/a", &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, "/nowhere/a"));
}

/* ---- Perfetto ------------------------------------------------------------------------------- */

struct bytes {
    const unsigned char *at, *end;
};

struct field {
    uint32_t number;
    uint64_t value;      /* of a varint */
    struct bytes inside; /* of a message or text */
};

static uint64_t take_varint(struct bytes *b) {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        assert_true(b->at < b->end);
        v |= (uint64_t)(*b->at & 0x7f) << shift;
        if (!(*b->at++ & 0x80)) return v;
    }
    fail_msg("a number of more than ten bytes");
    return 0;
}

static bool take_field(struct bytes *b, struct field *f) {
    if (b->at == b->end) return false;
    uint64_t tag = take_varint(b);
    *f = (struct field){.number = (uint32_t)(tag >> 3)};
    if ((tag & 7) == 0) {
        f->value = take_varint(b);
    } else {
        assert_int_equal(tag & 7, 2);
        uint64_t size = take_varint(b);
        assert_true(size <= (uint64_t)(b->end - b->at));
        f->inside = (struct bytes){b->at, b->at + size};
        b->at += size;
    }
    return true;
}

/* The field of this number; false when it is not there. */
static bool find_field(struct bytes message, uint32_t number, struct field *f) {
    while (take_field(&message, f)) {
        if (f->number == number) return true;
    }
    return false;
}

static uint64_t number_in(struct bytes message, uint32_t number) {
    struct field f;
    return find_field(message, number, &f) ? f.value : 0;
}

static bool text_is(struct bytes message, uint32_t number, const char *text) {
    struct field f;
    if (!find_field(message, number, &f)) return false;
    size_t n = (size_t)(f.inside.end - f.inside.at);
    return n == strlen(text) && memcmp(f.inside.at, text, n) == 0;
}

enum { TRACKS = 16, NESTED = 64, NAMES = 64 };

struct decoded {
    struct track {
        uint64_t parent, last, depth, deepest, slices;
        uint64_t begins[NESTED], names[NESTED];
        bool is_thread, is_process, is_bucket;
        uint64_t tid;
        double by_name[NAMES]; /* s of slices, by iid */
    } tracks[TRACKS];
    struct bytes names[NAMES];
    bool clock, interned;
};

static void decode_names(struct decoded *d, struct bytes data) {
    struct field f;
    while (take_field(&data, &f)) {
        if (f.number != 2) continue; /* event_names */
        uint64_t iid = number_in(f.inside, 1);
        struct field name;
        assert_true(iid > 0 && iid < NAMES && find_field(f.inside, 2, &name));
        d->names[iid] = name.inside;
    }
}

static void decode_track(struct decoded *d, struct bytes descriptor) {
    uint64_t uuid = number_in(descriptor, 1);
    struct field f;
    assert_true(uuid > 0 && uuid < TRACKS);
    struct track *t = &d->tracks[uuid];
    t->parent = number_in(descriptor, 5);
    t->is_process = find_field(descriptor, 3, &f);
    if (t->is_process) assert_int_equal(number_in(f.inside, 1), 5);
    t->is_thread = find_field(descriptor, 4, &f);
    if (t->is_thread) t->tid = number_in(f.inside, 2);
    t->is_bucket = text_is(descriptor, 2, "bucket");
}

static void decode_event(struct decoded *d, struct bytes event, uint64_t time) {
    uint64_t type = number_in(event, 9), uuid = number_in(event, 11), name = number_in(event, 10);
    assert_true(uuid > 0 && uuid < TRACKS);
    struct track *t = &d->tracks[uuid];
    assert_true(time >= t->last);
    t->last = time;
    if (type == 1) {
        assert_true(name > 0 && name < NAMES && d->names[name].at != NULL && t->depth < NESTED);
        t->begins[t->depth] = time;
        t->names[t->depth++] = name;
        if (t->depth > t->deepest) t->deepest = t->depth;
        t->slices++;
    } else {
        assert_int_equal(type, 2);
        assert_true(t->depth > 0);
        t->depth--;
        t->by_name[t->names[t->depth]] += (double)(time - t->begins[t->depth]) * 1e-9;
    }
}

static void decode_packet(struct decoded *d, struct bytes packet) {
    struct field f;
    assert_int_equal(number_in(packet, 10), 1); /* trusted_packet_sequence_id */
    if (find_field(packet, 6, &f)) {            /* clock_snapshot */
        assert_int_equal(number_in(f.inside, 2), 3);
        d->clock = true;
    }
    if (find_field(packet, 12, &f)) { /* interned_data */
        assert_int_equal(number_in(packet, 13), 1);
        d->interned = true;
        decode_names(d, f.inside);
    }
    if (find_field(packet, 60, &f)) decode_track(d, f.inside);
    if (find_field(packet, 11, &f)) {
        assert_true(d->clock && d->interned);
        assert_int_equal(number_in(packet, 58), 3); /* timestamp_clock_id */
        assert_int_equal(number_in(packet, 13), 2);
        decode_event(d, f.inside, number_in(packet, 8));
    }
}

static void decode_file(const char *path, struct decoded *d, unsigned char **content) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    enum { MOST = 1 << 20 };
    *content = malloc(MOST);
    assert_non_null(*content);
    size_t size = fread(*content, 1, MOST, file);
    fclose(file);
    assert_true(size > 0 && size < MOST);
    struct bytes all = {*content, *content + size};
    struct field packet;
    memset(d, 0, sizeof *d);
    while (take_field(&all, &packet)) {
        assert_int_equal(packet.number, 1);
        decode_packet(d, packet.inside);
    }
}

static double bucket_seconds(const struct decoded *d, const struct track *t, const char *bucket) {
    for (size_t i = 0; i < NAMES; i++) {
        size_t n = d->names[i].at ? (size_t)(d->names[i].end - d->names[i].at) : 0;
        if (n == strlen(bucket) && memcmp(d->names[i].at, bucket, n) == 0 && t->by_name[i] > 0) {
            return t->by_name[i];
        }
    }
    return 0;
}

static void test_perfetto(void **state) {
    (void)state;
    char path[64];
    unsigned char *content;
    struct decoded d;
    struct assess_profile profile = awkward_profile();
    temporary(path);
    assert_int_equal(assess_export_perfetto(&profile, path, NULL), ASHORE_OK);
    decode_file(path, &d, &content);
    unlink(path);
    const struct track *main_thread = NULL, *bucket = NULL;
    for (size_t i = 0; i < TRACKS; i++) {
        const struct track *t = &d.tracks[i];
        assert_int_equal(t->depth, 0);
        if (t->is_thread) assert_true(d.tracks[t->parent].is_process);
        if (t->is_thread && t->tid == 10) main_thread = t;
        if (t->is_bucket && d.tracks[t->parent].tid == 10) bucket = t;
    }
    assert_non_null(main_thread);
    assert_non_null(bucket);
    assert_true(fabs(bucket_seconds(&d, bucket, "compute") - 1.5) < 1e-6);
    assert_true(fabs(bucket_seconds(&d, bucket, "interpreter") - 0.25) < 1e-6);
    assert_true(fabs(bucket_seconds(&d, bucket, "io") - 0.5) < 1e-6);
    assert_true(fabs(bucket_seconds(&d, bucket, "unknown") - 0.125) < 1e-6);
    assert_int_equal(bucket->slices, 5);
    assert_int_equal(main_thread->deepest, 48);
    /* The root of the first two spans is one slice of 1.25 s: it stays open between them; 47 more
     * of the deep stack, and one after the pause. */
    assert_true(fabs(main_thread->by_name[1] - (1.25 + 47 * 0.5 + 0.5)) < 1e-6);
    assert_true(fabs(main_thread->by_name[3] - 1.5) < 1e-6);
    assert_int_equal(main_thread->last, UINT64_C(103500000000));
    free(content);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_awkward_speedscope),
        cmocka_unit_test(test_nothing),    cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_perfetto),
    };
    return cmocka_run_group_tests(tests, make_rules, drop_rules);
}
