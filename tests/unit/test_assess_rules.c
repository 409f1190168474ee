/* Rules: what is built in, what a file adds, and what a file may not say. */
#define _GNU_SOURCE
#include "assess/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct assess_rules *built_in(void) {
    struct assess_rules *rules = NULL;
    assert_int_equal(assess_rules_create(NULL, &rules, NULL), ASHORE_OK);
    return rules;
}

static void objects_are_known_by_base_name(void **state) {
    (void)state;
    struct assess_rules *r = built_in();
    static const struct {
        const char *name;
        enum assess_bucket bucket;
    } cases[] = {
        {"libopenblas.so.0", ASSESS_COMPUTE},
        {"libscipy_openblas64_-32a4b2a6.so", ASSESS_COMPUTE},
        {"libmkl_avx2.so.1", ASSESS_COMPUTE},
        {"onnxruntime_pybind11_state.cpython-311-x86_64-linux-gnu.so", ASSESS_COMPUTE},
        {"libonnxruntime.so.1.17", ASSESS_COMPUTE},
        {"libtorch_cpu.so", ASSESS_COMPUTE},
        {"libc10.so", ASSESS_COMPUTE},
        {"_multiarray_umath.cpython-311-x86_64-linux-gnu.so", ASSESS_COMPUTE},
        {"libgomp.so.1", ASSESS_COMPUTE},
        {"_json.cpython-311-x86_64-linux-gnu.so", ASSESS_MARSHALLING},
        {"orjson.cpython-311-x86_64-linux-gnu.so", ASSESS_MARSHALLING},
        {"libcrypto.so.3", ASSESS_MARSHALLING},
        {"libz.so.1", ASSESS_MARSHALLING},
        {"_socket.cpython-312-x86_64-linux-gnu.so", ASSESS_IO},
        {"_asyncio.cpython-312-x86_64-linux-gnu.so", ASSESS_INTERPRETER},
        {"libcuda.so.1", ASSESS_DEVICE_WAIT},
        {"libamdhip64.so.5", ASSESS_DEVICE_WAIT},
        {"libOpenCL.so.1", ASSESS_DEVICE_WAIT},
        {"libze_loader.so.1", ASSESS_DEVICE_WAIT},
        {"libsomething.so", ASSESS_BUCKETS},
        {"", ASSESS_BUCKETS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (assess_rules_object(r, cases[i].name) != cases[i].bucket) {
            fail_msg("%s: %d", cases[i].name, assess_rules_object(r, cases[i].name));
        }
    }
    assess_rules_destroy(&r);
    assert_null(r);
}

static void functions_and_python(void **state) {
    (void)state;
    struct assess_rules *r = built_in();
    assert_int_equal(assess_rules_function(r, "memcpy"), ASSESS_MARSHALLING);
    assert_int_equal(assess_rules_function(r, "_pickle.dumps"), ASSESS_MARSHALLING);
    assert_int_equal(assess_rules_function(r, "libc:read"), ASSESS_IO);
    assert_int_equal(assess_rules_function(r, "read"), ASSESS_BUCKETS);
    assert_int_equal(assess_rules_function(r, "dgemm_kernel"), ASSESS_BUCKETS);
    assert_int_equal(assess_rules_python(r, "/usr/lib/python3.11/json/encoder.py", "x"),
                     ASSESS_MARSHALLING);
    assert_int_equal(assess_rules_python(r, "json/encoder.py", NULL), ASSESS_MARSHALLING);
    assert_int_equal(assess_rules_python(r, "/app/myjson/encoder.py", "x"), ASSESS_BUCKETS);
    assert_int_equal(assess_rules_python(r, "/x/json/encoder.pyc", "x"), ASSESS_BUCKETS);
    const char *pool = "/usr/lib/python3.11/concurrent/futures/thread.py";
    assert_int_equal(assess_rules_python(r, pool, "_worker"), ASSESS_IDLE);
    assert_int_equal(assess_rules_python(r, pool, "_WorkItem.run"), ASSESS_BUCKETS);
    assert_int_equal(assess_rules_python(r, pool, NULL), ASSESS_BUCKETS);
    assert_int_equal(assess_rules_python(r, "/l/socketserver.py", "BaseServer.serve_forever"),
                     ASSESS_IDLE);
    assess_rules_destroy(&r);
}

static void patterns(void **state) {
    (void)state;
    assert_true(assess_rule_fits_python("a*c.py", "/x/abbc.py", NULL));
    assert_true(assess_rule_fits_python("a?c.py", "abc.py", NULL));
    assert_false(assess_rule_fits_python("a?c.py", "ac.py", NULL));
    assert_true(assess_rule_fits_python("*", "", NULL));
    assert_true(assess_rule_fits_python("x.py:C.*", "/x.py", "C.method"));
    assert_false(assess_rule_fits_python("x.py:C.*", "/x.py", "D.method"));
    /* Many stars do not make it slow: this would take years by trying all ways. */
    char text[4096], pattern[256];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i + 2 < sizeof pattern; i += 2) memcpy(pattern + i, "a*", 2);
    memcpy(pattern + sizeof pattern - 2, "b", 2);
    assert_false(assess_rule_fits_python(pattern, text, NULL));
}

/* ---- files ---------------------------------------------------------------------------------- */

static int create(const char *bytes, size_t size, struct assess_rules **rules,
                  struct ashore_error *err) {
    char path[] = "/tmp/assess_rules_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    *rules = NULL;
    int code = assess_rules_create(path, rules, err);
    unlink(path);
    return code;
}

static void a_file_comes_first(void **state) {
    (void)state;
    static const char text[] = "# mine\n"
                               "\n"
                               "compute object libmine*\n"
                               "  io\tobject\tlibmine_io.so  \r\n"
                               "unknown object libopenblas*\n"
                               "compute function my_kernel_?\n"
                               "device_wait python /srv/my app.py:wait";
    struct assess_rules *r = NULL;
    assert_int_equal(create(text, sizeof text - 1, &r, NULL), ASHORE_OK);
    assert_int_equal(assess_rules_object(r, "libmine.so"), ASSESS_COMPUTE);
    assert_int_equal(assess_rules_object(r, "libmine_io.so"), ASSESS_IO); /* the later line */
    assert_int_equal(assess_rules_object(r, "libopenblas.so"), ASSESS_UNKNOWN);
    assert_int_equal(assess_rules_object(r, "libcuda.so.1"), ASSESS_DEVICE_WAIT);
    assert_int_equal(assess_rules_function(r, "my_kernel_1"), ASSESS_COMPUTE);
    assert_int_equal(assess_rules_python(r, "/srv/my app.py", "wait"), ASSESS_DEVICE_WAIT);
    assess_rules_destroy(&r);
}

static void what_is_wrong_is_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"compute object a\nnonsense object b\n", ":2: \"nonsense\" is no bucket"},
        {"compute objects a\n", ":1: \"objects\" where object, function or python"},
        {"compute\n", ":1: \"\" where object"},
        {"\n\nio python \n", ":3: no pattern"},
        {"COMPUTE object a\n", "is no bucket"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ashore_error err = {0};
        struct assess_rules *r = NULL;
        assert_int_equal(create(cases[i].text, strlen(cases[i].text), &r, &err), ASHORE_ERR_FORMAT);
        assert_null(r);
        if (!strstr(err.text, cases[i].words)) fail_msg("%s", err.text);
    }
    struct ashore_error err = {0};
    struct assess_rules *r = NULL;
    assert_int_equal(create("io object \0x", 12, &r, &err), ASHORE_ERR_FORMAT);
    assert_int_equal(assess_rules_create("/nowhere/rules", &r, &err), ASHORE_ERR_IO);
    assert_non_null(strstr(err.text, "/nowhere/rules"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_are_known_by_base_name),
        cmocka_unit_test(functions_and_python),
        cmocka_unit_test(patterns),
        cmocka_unit_test(a_file_comes_first),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
