/* Parts of the program: decoding and comparing elements, UTF-8, SHA-256. */
#include "cli_base.h"
#include "cli_element.h"
#include "sha256.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static ashore_value *wrap(int dtype, int64_t count, const void *data) {
    ashore_value *value = NULL;
    assert_int_equal(ashore_tensor_wrap(dtype, 1, &count, data, &value, NULL), ASHORE_OK);
    return value;
}

static double element(int dtype, const void *data) {
    double parts[2];
    ashore_value *value = wrap(dtype, 1, data);
    cli_element_get(value, 0, parts);
    ashore_value_release(&value);
    return parts[0];
}

static void test_small_formats(void **state) {
    (void)state;
    static const struct {
        int dtype;
        uint16_t bits;
        double want;
    } rows[] = {
        {ASHORE_FLOAT16, 0x3c00, 1.0},
        {ASHORE_FLOAT16, 0xc000, -2.0},
        {ASHORE_FLOAT16, 0x0001, 0x1p-24},
        {ASHORE_FLOAT16, 0x7bff, 65504.0},
        {ASHORE_FLOAT16, 0x7c00, INFINITY},
        {ASHORE_FLOAT16, 0x7e00, NAN},
        {ASHORE_BFLOAT16, 0x3f80, 1.0},
        {ASHORE_BFLOAT16, 0xff80, -INFINITY},
        {ASHORE_BFLOAT16, 0x0001, 0x1p-133},
        {ASHORE_FLOAT8E4M3FN, 0x38, 1.0},
        {ASHORE_FLOAT8E4M3FN, 0x7e, 448.0},
        {ASHORE_FLOAT8E4M3FN, 0x7f, NAN},
        {ASHORE_FLOAT8E4M3FN, 0x01, 0x1p-9},
        {ASHORE_FLOAT8E4M3FNUZ, 0x40, 1.0},
        {ASHORE_FLOAT8E4M3FNUZ, 0x7f, 240.0},
        {ASHORE_FLOAT8E4M3FNUZ, 0x80, NAN},
        {ASHORE_FLOAT8E5M2, 0x3c, 1.0},
        {ASHORE_FLOAT8E5M2, 0x7b, 57344.0},
        {ASHORE_FLOAT8E5M2, 0xfc, -INFINITY},
        {ASHORE_FLOAT8E5M2, 0x7d, NAN},
        {ASHORE_FLOAT8E5M2FNUZ, 0x40, 1.0},
        {ASHORE_FLOAT8E5M2FNUZ, 0x80, NAN},
        {ASHORE_FLOAT4E2M1, 0x1, 0.5},
        {ASHORE_FLOAT4E2M1, 0xf, -6.0},
        {ASHORE_FLOAT8E8M0, 127, 1.0},
        {ASHORE_FLOAT8E8M0, 0, 0x1p-127},
        {ASHORE_FLOAT8E8M0, 255, NAN},
        {ASHORE_INT4, 0xf8, -8.0},
        {ASHORE_UINT2, 3, 3.0},
        {ASHORE_BOOL, 1, 1.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double got = element(rows[i].dtype, &rows[i].bits), want = rows[i].want;
        if (!(got == want || (isnan(got) && isnan(want)))) {
            fail_msg("%s 0x%x: got %g", ashore_dtype_name(rows[i].dtype), rows[i].bits, got);
        }
    }
}

static void expect_text(int dtype, const void *data, const char *want) {
    char text[64];
    ashore_value *value = wrap(dtype, 1, data);
    cli_element_text(value, 0, text, sizeof text);
    assert_string_equal(text, want);
    ashore_value_release(&value);
}

static void test_text(void **state) {
    (void)state;
    static const int64_t least = INT64_MIN;
    static const uint64_t most = UINT64_MAX;
    static const int8_t minus = -1;
    static const float complex_one[] = {1.0f, -2.0f};
    expect_text(ASHORE_INT64, &least, "-9223372036854775808");
    expect_text(ASHORE_UINT64, &most, "18446744073709551615");
    expect_text(ASHORE_INT8, &minus, "-1");
    expect_text(ASHORE_UINT8, &minus, "255");
    expect_text(ASHORE_COMPLEX64, complex_one, "1-2i");
    static const int64_t shape[] = {2, 3, 4};
    char text[64];
    ashore_value *value = NULL;
    assert_int_equal(ashore_tensor_create(ASHORE_FLOAT16, 3, shape, &value, NULL), ASHORE_OK);
    cli_element_index(value, 23, text, sizeof text);
    assert_string_equal(text, "[1,2,3]");
    cli_value_text(value, text, sizeof text);
    assert_string_equal(text, "float16[2,3,4]");
    ashore_value_release(&value);

    const char *words[] = {"a\x1b[31m\xff\xc3\xa9", "0123456789012345678901234567890123456789"};
    static const size_t lengths[] = {9, 40};
    static const int64_t two = 2;
    char brief[24];
    assert_int_equal(ashore_tensor_create_strings(1, &two, words, lengths, &value, NULL),
                     ASHORE_OK);
    cli_element_text(value, 0, text, sizeof text);
    assert_string_equal(text, "\"a\\x1b[31m\\xff\xc3\xa9\"");
    cli_element_text(value, 1, brief, sizeof brief);
    assert_string_equal(brief, "\"01234567890123...\"");
    ashore_value_release(&value);
}

static bool agree(int dtype, int64_t count, const void *a, const void *b, double rtol, double atol,
                  bool integers) {
    struct cli_tolerance t = {rtol, atol, integers};
    struct cli_difference diff = {0};
    ashore_value *actual = wrap(dtype, count, a), *expected = wrap(dtype, count, b);
    bool same = cli_value_compare(actual, expected, &t, &diff);
    assert_int_equal(same, diff.text[0] == '\0');
    assert_int_equal(same, diff.wrong == 0);
    ashore_value_release(&actual);
    ashore_value_release(&expected);
    return same;
}

static void test_compare(void **state) {
    (void)state;
    static const float a[] = {1.0f, NAN, INFINITY, 0.0f, 100.0f};
    static const float b[] = {1.0f, NAN, INFINITY, -0.0f, 100.05f};
    static const float opposite[] = {1.0f, NAN, -INFINITY, 0.0f, 100.0f};
    static const float nothing[] = {1.0f, 0.0f, INFINITY, 0.0f, 100.0f};
    assert_true(agree(ASHORE_FLOAT32, 5, a, b, 1e-3, 0.0, false));
    assert_true(agree(ASHORE_FLOAT32, 5, a, b, 0.0, 0.06, false));
    assert_false(agree(ASHORE_FLOAT32, 5, a, b, 1e-4, 0.0, false));
    assert_false(agree(ASHORE_FLOAT32, 5, a, opposite, 1.0, 1e9, false));
    assert_false(agree(ASHORE_FLOAT32, 5, a, nothing, 1.0, 1e9, false));
    static const uint8_t bytes[] = {100, 7}, near[] = {101, 7};
    assert_false(agree(ASHORE_UINT8, 2, bytes, near, 1.0, 1.0, false));
    assert_true(agree(ASHORE_UINT8, 2, bytes, near, 0.0, 1.0, true));
    static const int64_t wide[] = {(int64_t)1 << 60}, next[] = {((int64_t)1 << 60) + 1};
    assert_false(agree(ASHORE_INT64, 1, wide, next, 1e-3, 1e-7, false));
    static const uint8_t yes = 1, no = 0;
    assert_false(agree(ASHORE_BOOL, 1, &yes, &no, 1.0, 1.0, true));
    static const float z[] = {1.0f, 2.0f}, w[] = {1.0f, 2.5f};
    assert_false(agree(ASHORE_COMPLEX64, 1, z, w, 1e-3, 1e-7, false));
}

static void test_compare_kinds(void **state) {
    (void)state;
    static const float one[] = {1.0f}, two[] = {2.0f};
    struct cli_tolerance t = {1e-3, 1e-7, false};
    struct cli_difference diff = {0};
    ashore_value *a = wrap(ASHORE_FLOAT32, 1, one), *b = wrap(ASHORE_FLOAT32, 1, two);
    ashore_value *items[] = {a, b}, *others[] = {a, a};
    ashore_value *pair = NULL, *other = NULL, *empty = NULL, *full = NULL;
    assert_int_equal(ashore_sequence_create(items, 2, &pair, NULL), ASHORE_OK);
    assert_int_equal(ashore_sequence_create(others, 2, &other, NULL), ASHORE_OK);
    assert_int_equal(ashore_optional_create(NULL, &empty, NULL), ASHORE_OK);
    assert_int_equal(ashore_optional_create(a, &full, NULL), ASHORE_OK);
    assert_true(cli_value_compare(pair, pair, &t, &diff));
    assert_true(cli_value_compare(empty, empty, &t, &diff));
    assert_false(cli_value_compare(pair, other, &t, &diff));
    assert_memory_equal(diff.text, "item 1: at [0]", 14);
    assert_false(cli_value_compare(full, empty, &t, &diff));
    assert_string_equal(diff.text, "got optional, set, expected optional, empty");
    assert_false(cli_value_compare(a, pair, &t, &diff));
    assert_string_equal(diff.text, "got float32[1], expected sequence of 2");
    ashore_value *all[] = {a, b, pair, other, empty, full};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) ashore_value_release(&all[i]);
}

static void test_compare_maps(void **state) {
    (void)state;
    static const int64_t keys[] = {3, -1}, others[] = {3, 1};
    static const float values[] = {0.5f, 2.0f}, off[] = {0.5f, 2.5f};
    struct cli_tolerance t = {1e-3, 1e-7, false};
    struct cli_difference diff = {0};
    ashore_value *k = wrap(ASHORE_INT64, 2, keys), *k2 = wrap(ASHORE_INT64, 2, others);
    ashore_value *v = wrap(ASHORE_FLOAT32, 2, values), *v2 = wrap(ASHORE_FLOAT32, 2, off);
    ashore_value *short_v = wrap(ASHORE_FLOAT32, 1, values), *map = NULL, *a = NULL, *b = NULL;
    assert_int_equal(ashore_map_create(k, v, &map, NULL), ASHORE_OK);
    assert_int_equal(ashore_map_create(k2, v, &a, NULL), ASHORE_OK);
    assert_int_equal(ashore_map_create(k, v2, &b, NULL), ASHORE_OK);
    assert_int_equal(ashore_value_kind(map), ASHORE_MAP);
    assert_int_equal(ashore_value_count(map), 2);
    assert_ptr_equal(ashore_value_item(map, 0), k);
    assert_ptr_equal(ashore_value_item(map, 1), v);
    assert_true(cli_value_compare(map, map, &t, &diff));
    assert_false(cli_value_compare(a, map, &t, &diff));
    assert_memory_equal(diff.text, "keys: at [1]: got 1, expected -1", 32);
    diff.text[0] = '\0';
    assert_false(cli_value_compare(b, map, &t, &diff));
    assert_memory_equal(diff.text, "values: at [1]: got 2.5", 23);
    ashore_value *none = NULL;
    struct ashore_error err = {0};
    assert_int_equal(ashore_map_create(k, short_v, &none, &err), ASHORE_ERR_SHAPE);
    assert_string_equal(err.text, "a map of 2 keys and 1 values");
    assert_int_equal(ashore_map_create(v, k, &none, &err), ASHORE_ERR_TYPE);
    assert_int_equal(ashore_map_create(k, map, &none, &err), ASHORE_ERR_TYPE);
    assert_null(none);
    char text[40];
    cli_value_text(map, text, sizeof text);
    assert_string_equal(text, "map of 2");
    ashore_value *all[] = {k, k2, v, v2, short_v, map, a, b};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) ashore_value_release(&all[i]);
}

static void test_utf8(void **state) {
    (void)state;
    for (uint32_t code = 0; code < 0x110100; code++) {
        char bytes[4];
        uint32_t back = ~code;
        size_t n = cli_utf8_encode(code, bytes);
        bool valid = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
        assert_int_equal(n != 0, valid);
        if (!n) continue;
        assert_int_equal(cli_utf8_decode(bytes, n, &back), n);
        assert_int_equal(back, code);
        assert_int_equal(cli_utf8_decode(bytes, n - 1, &back), 0);
    }
    static const char *const bad[] = {"\x80",         "\xc0\x80",         "\xe0\x80\x80",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
                                      "\xc3("};
    uint32_t code;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(cli_utf8_decode(bad[i], strlen(bad[i]), &code), 0);
    }
}

/* FIPS 180-4's examples and the lengths around a block's end. */
static void test_sha256(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *hex;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"0123456789012345678901234567890123456789012345678901234567890123",
         "9674d9e078535b7cec43284387a6ee39956188e735a85452b0050b55341cda56"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char hex[65];
        cli_sha256(rows[i].text, strlen(rows[i].text), hex);
        assert_string_equal(hex, rows[i].hex);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_formats), cmocka_unit_test(test_text),
        cmocka_unit_test(test_compare),       cmocka_unit_test(test_compare_kinds),
        cmocka_unit_test(test_compare_maps),  cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
