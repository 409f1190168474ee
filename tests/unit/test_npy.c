/* .npy files: what NumPy writes, what comes back, and what is refused. */
#include "npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct file {
    unsigned char bytes[4096];
    size_t size;
};

/* A file with this header's text and data, padded as NumPy does. */
static void make_file(struct file *f, int version, const char *header, const void *data,
                      size_t data_size) {
    size_t start = version == 1 ? 10 : 12, n = strlen(header);
    size_t total = (start + n + 1 + 63) / 64 * 64, length = total - start;
    memset(f->bytes, ' ', total);
    memcpy(f->bytes, "\x93NUMPY", 6);
    f->bytes[6] = (unsigned char)version;
    f->bytes[7] = 0;
    for (size_t i = 8; i < start; i++) f->bytes[i] = (unsigned char)(length >> 8 * (i - 8) & 255);
    memcpy(f->bytes + start, header, n);
    f->bytes[total - 1] = '\n';
    if (data_size) memcpy(f->bytes + total, data, data_size);
    f->size = total + data_size;
}

/* From a block of exactly the file's size, so that a sanitizer sees reads past its end. */
static int parse(const struct file *f, int expected, ashore_value **value,
                 struct ashore_error *err) {
    unsigned char *exact = malloc(f->size ? f->size : 1);
    assert_non_null(exact);
    memcpy(exact, f->bytes, f->size);
    *value = NULL;
    memset(err, 0, sizeof *err);
    int rc = cli_npy_parse(exact, f->size, expected, value, err);
    free(exact);
    return rc;
}

static void write_back(const ashore_value *value, struct file *f) {
    struct ashore_error err = {0};
    FILE *out = tmpfile();
    assert_non_null(out);
    assert_int_equal(cli_npy_write(out, value, &err), ASHORE_OK);
    rewind(out);
    f->size = fread(f->bytes, 1, sizeof f->bytes, out);
    fclose(out);
}

static ashore_value *parse_well(int version, const char *header, const void *data, size_t size) {
    struct file f;
    struct ashore_error err;
    ashore_value *value;
    make_file(&f, version, header, data, size);
    if (parse(&f, ASHORE_UNDEFINED, &value, &err)) fail_msg("%s: %s", header, err.text);
    return value;
}

static void test_types(void **state) {
    (void)state;
    static const struct {
        const char *descr;
        int dtype;
        size_t size;
    } rows[] = {
        {"|b1", ASHORE_BOOL, 1},    {"?", ASHORE_BOOL, 1},        {"|i1", ASHORE_INT8, 1},
        {"<i2", ASHORE_INT16, 2},   {"<i4", ASHORE_INT32, 4},     {"<i8", ASHORE_INT64, 8},
        {"|u1", ASHORE_UINT8, 1},   {"<u2", ASHORE_UINT16, 2},    {"<u4", ASHORE_UINT32, 4},
        {"<u8", ASHORE_UINT64, 8},  {"<f2", ASHORE_FLOAT16, 2},   {"<f4", ASHORE_FLOAT32, 4},
        {"<f8", ASHORE_FLOAT64, 8}, {"<c8", ASHORE_COMPLEX64, 8}, {"<c16", ASHORE_COMPLEX128, 16},
        {"=i4", ASHORE_INT32, 4},
    };
    unsigned char data[3 * 16];
    for (size_t i = 0; i < sizeof data; i++) data[i] = i % 5 == 1;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char header[128];
        snprintf(header, sizeof header,
                 "{'descr': '%s', 'fortran_order': False, 'shape': (3, 1), }", rows[i].descr);
        ashore_value *value = parse_well(1 + (int)i % 3, header, data, 3 * rows[i].size);
        assert_int_equal(ashore_value_dtype(value), rows[i].dtype);
        assert_int_equal(ashore_value_rank(value), 2);
        assert_int_equal(ashore_value_shape(value)[0], 3);
        assert_memory_equal(ashore_value_data(value), data, 3 * rows[i].size);
        struct file f;
        struct ashore_error err;
        ashore_value *again;
        write_back(value, &f);
        assert_int_equal(f.size % 64, 3 * rows[i].size % 64);
        assert_int_equal(parse(&f, ASHORE_UNDEFINED, &again, &err), ASHORE_OK);
        assert_int_equal(ashore_value_dtype(again), rows[i].dtype);
        assert_memory_equal(ashore_value_data(again), data, 3 * rows[i].size);
        ashore_value_release(&again);
        ashore_value_release(&value);
    }
}

/* numpy.save of an array of that shape gives this header to the byte. */
static void test_written_header(void **state) {
    (void)state;
    static const struct {
        int rank;
        int64_t shape[3];
        const char *text;
    } rows[] = {
        {0, {0}, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }"},
        {1, {2}, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"},
        {3, {1, 0, 12}, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 0, 12), }"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ashore_value *value = NULL;
        assert_int_equal(
            ashore_tensor_create(ASHORE_FLOAT32, rows[i].rank, rows[i].shape, &value, NULL), 0);
        struct file f;
        write_back(value, &f);
        assert_memory_equal(f.bytes + 10, rows[i].text, strlen(rows[i].text));
        assert_int_equal(f.bytes[8] + 256 * f.bytes[9] + 10 + (int)ashore_value_bytes(value),
                         (int)f.size);
        ashore_value_release(&value);
    }
}

static void test_orders(void **state) {
    (void)state;
    static const unsigned char big[] = {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6};
    static const uint16_t rows_first[] = {1, 2, 3, 4, 5, 6}, columns_first[] = {1, 3, 5, 2, 4, 6};
    ashore_value *value =
        parse_well(1, "{'descr': '>u2', 'fortran_order': False, 'shape': (2, 3)}", big, sizeof big);
    assert_memory_equal(ashore_value_data(value), rows_first, sizeof rows_first);
    ashore_value_release(&value);
    value = parse_well(3, "{\"shape\": (2L, 3L,), 'fortran_order':True,'descr':'>u2'}", big,
                       sizeof big);
    assert_memory_equal(ashore_value_data(value), columns_first, sizeof columns_first);
    ashore_value_release(&value);
    /* Each half of a complex number has its bytes turned around. */
    static const unsigned char complex_big[] = {0x3f, 0x80, 0, 0, 0x40, 0, 0, 0};
    static const float parts[] = {1.0f, 2.0f};
    value = parse_well(2, "{'descr': '>c8', 'fortran_order': True, 'shape': ()}", complex_big,
                       sizeof complex_big);
    assert_memory_equal(ashore_value_data(value), parts, sizeof parts);
    ashore_value_release(&value);
}

static void test_fortran_rank_3(void **state) {
    (void)state;
    unsigned char data[24];
    for (int i = 0; i < 24; i++) data[i] = (unsigned char)i;
    ashore_value *value =
        parse_well(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4)}", data, 24);
    const unsigned char *p = ashore_value_data(value);
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 3; b++)
            for (int c = 0; c < 4; c++) assert_int_equal(*p++, a + 2 * (b + 3 * c));
    ashore_value_release(&value);
}

static void test_booleans(void **state) {
    (void)state;
    ashore_value *value =
        parse_well(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}", "\2\0\377", 3);
    assert_memory_equal(ashore_value_data(value), "\1\0\1", 3);
    ashore_value_release(&value);
}

static void check_string(const ashore_value *value, size_t i, const char *text, size_t length) {
    size_t n = 99;
    const char *s = ashore_value_string(value, i, &n);
    assert_int_equal(n, length);
    assert_memory_equal(s, text, length);
}

static void test_strings(void **state) {
    (void)state;
    static const uint32_t text[] = {'a', 0, 0, 0xe9, 0x20ac, 0x1f600, 0, 0, 0, 'x', 0, 'y'};
    unsigned char data[sizeof text];
    for (size_t i = 0; i < 12; i++) {
        for (size_t k = 0; k < 4; k++) data[i * 4 + k] = (unsigned char)(text[i] >> 8 * k & 255);
    }
    ashore_value *value = parse_well(1, "{'descr': '<U3', 'fortran_order': False, 'shape': (2, 2)}",
                                     data, sizeof data);
    assert_int_equal(ashore_value_dtype(value), ASHORE_STRING);
    check_string(value, 0, "a", 1);
    check_string(value, 1, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
    check_string(value, 2, "", 0);
    check_string(value, 3, "x\0y", 3);
    struct file f;
    write_back(value, &f);
    assert_memory_equal(f.bytes + f.size - sizeof data, data, sizeof data);
    ashore_value_release(&value);
    value =
        parse_well(1, "{'descr': '|S4', 'fortran_order': False, 'shape': (2,)}", "ab\0\0wxyz", 8);
    check_string(value, 0, "ab", 2);
    check_string(value, 1, "wxyz", 4);
    ashore_value_release(&value);
}

static void test_strings_not_written(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {{"\xff", 1}, {"a\xc3", 2}, {"\xed\xa0\x80", 3}, {"a\0", 2}};
    static const int64_t shape[] = {1};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ashore_value *value = NULL;
        struct ashore_error err = {0};
        assert_int_equal(
            ashore_tensor_create_strings(1, shape, &rows[i].text, &rows[i].length, &value, NULL),
            0);
        FILE *out = tmpfile();
        assert_non_null(out);
        assert_int_equal(cli_npy_write(out, value, &err), ASHORE_ERR_TYPE);
        assert_string_not_equal(err.text, "");
        fclose(out);
        ashore_value_release(&value);
    }
}

/* Types that NumPy does not have. */
static void test_widened(void **state) {
    (void)state;
    static const int64_t shape[] = {2};
    static const uint16_t brain[] = {0x3fc0, 0xff80};
    static const float wide[] = {1.5f, -1.0f / 0.0f};
    struct file f;
    struct ashore_error err;
    ashore_value *value = NULL, *again;
    assert_int_equal(ashore_tensor_wrap(ASHORE_BFLOAT16, 1, shape, brain, &value, NULL), 0);
    write_back(value, &f);
    assert_int_equal(parse(&f, ASHORE_BFLOAT16, &again, &err), ASHORE_OK);
    assert_int_equal(ashore_value_dtype(again), ASHORE_FLOAT32);
    assert_memory_equal(ashore_value_data(again), wide, sizeof wide);
    ashore_value_release(&again);
    ashore_value_release(&value);

    static const signed char nibbles[] = {-8, 7};
    assert_int_equal(ashore_tensor_wrap(ASHORE_INT4, 1, shape, nibbles, &value, NULL), 0);
    write_back(value, &f);
    assert_int_equal(parse(&f, ASHORE_UNDEFINED, &again, &err), ASHORE_OK);
    assert_int_equal(ashore_value_dtype(again), ASHORE_INT8);
    assert_memory_equal(ashore_value_data(again), nibbles, sizeof nibbles);
    ashore_value_release(&again);
    ashore_value_release(&value);

    make_file(&f, 1, "{'descr': '<V2', 'fortran_order': False, 'shape': (2,)}", brain,
              sizeof brain);
    assert_int_equal(parse(&f, ASHORE_BFLOAT16, &again, &err), ASHORE_OK);
    assert_int_equal(ashore_value_dtype(again), ASHORE_BFLOAT16);
    ashore_value_release(&again);
    assert_int_equal(parse(&f, ASHORE_FLOAT16, &again, &err), ASHORE_ERR_UNSUPPORTED);
}

#define D(descr, shape) "{'descr': " descr ", 'fortran_order': False, 'shape': " shape "}"
static const struct refused {
    const char *header;
    size_t data;
    int rc;
    const char *text; /* a part of the message */
} refused[] = {
    {D("'<f4'", "(2,)"), 7, ASHORE_ERR_FORMAT, "truncated"},
    {D("'<f4'", "(2,)"), 9, ASHORE_ERR_FORMAT, "1 bytes follow"},
    {D("'<f4'", "(0, 3)"), 4, ASHORE_ERR_FORMAT, "4 bytes follow"},
    {D("'<f4'", "(4294967296, 4294967296, 4294967296)"), 8, ASHORE_ERR_FORMAT, "truncated"},
    {D("'<f4'", "(9223372036854775807, 4)"), 8, ASHORE_ERR_FORMAT, "truncated"},
    {D("'<f4'", "(9223372036854775808,)"), 8, ASHORE_ERR_FORMAT, "2^63-1"},
    {D("'<f4'", "(-1,)"), 8, ASHORE_ERR_FORMAT, "dimension 0"},
    {D("'<f4'", "(2, x)"), 8, ASHORE_ERR_FORMAT, "dimension 1"},
    {D("'<f4'", "(2)"), 8, ASHORE_ERR_FORMAT, "tuple"},
    {D("'<f4'", "2"), 8, ASHORE_ERR_FORMAT, "tuple"},
    {D("'<f4'", "(1,1,1,1,1,1,1,1,1)"), 4, ASHORE_ERR_LIMIT, "dimensions"},
    {D("'|O'", "(1,)"), 8, ASHORE_ERR_UNSUPPORTED, "Python objects"},
    {D("[('a', '<f4')]", "(1,)"), 8, ASHORE_ERR_UNSUPPORTED, "structured"},
    {D("'<M8[ns]'", "(1,)"), 8, ASHORE_ERR_UNSUPPORTED, "dates"},
    {D("'<f16'", "(1,)"), 16, ASHORE_ERR_UNSUPPORTED, "'f16'"},
    {D("'<i3'", "(1,)"), 3, ASHORE_ERR_UNSUPPORTED, "'i3'"},
    {D("'|V8'", "(1,)"), 8, ASHORE_ERR_UNSUPPORTED, "raw bytes"},
    {D("'<f'", "(1,)"), 4, ASHORE_ERR_FORMAT, "not an element type"},
    {D("'<f4x'", "(1,)"), 4, ASHORE_ERR_FORMAT, "not an element type"},
    {D("''", "(1,)"), 4, ASHORE_ERR_FORMAT, "not an element type"},
    {D("'<U0'", "(1000000000000,)"), 0, ASHORE_ERR_FORMAT, "no bytes"},
    {D("'<f0'", "(5,)"), 0, ASHORE_ERR_FORMAT, "no bytes"},
    {D("'<U99999999999'", "(1,)"), 0, ASHORE_ERR_FORMAT, "not an element type"},
    {D("'<U1'", "(1,)"), 4, ASHORE_ERR_FORMAT, "not a character"},
    {D("'a\\x27'", "(1,)"), 4, ASHORE_ERR_FORMAT, "odd"},
    {D("'<f4", "(1,)"), 4, ASHORE_ERR_FORMAT, ""},
    {"", 0, ASHORE_ERR_FORMAT, "dictionary"},
    {"{}", 0, ASHORE_ERR_FORMAT, "lacks"},
    {"{'descr': '<f4', 'shape': (1,)}", 4, ASHORE_ERR_FORMAT, "lacks"},
    {"{'descr': '<f4', 'descr': '<f4'}", 4, ASHORE_ERR_FORMAT, "twice"},
    {"{'descr': '<f4', 'more': 1}", 4, ASHORE_ERR_FORMAT, "not known"},
    {"{'descr' '<f4'}", 4, ASHORE_ERR_FORMAT, "':'"},
    {"{'descr': '<f4' 'shape': ()}", 4, ASHORE_ERR_FORMAT, "dictionary"},
    {"{'fortran_order': Maybe}", 4, ASHORE_ERR_FORMAT, "neither"},
    {D("'<f4'", "(1,)") " exit()", 4, ASHORE_ERR_FORMAT, "after the header"},
    {"{'descr': '<f4", 0, ASHORE_ERR_FORMAT, "overlong"},
};

static void test_refused(void **state) {
    (void)state;
    unsigned char data[16];
    memset(data, 0xff, sizeof data);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        const struct refused *r = &refused[i];
        struct file f;
        struct ashore_error err;
        ashore_value *value;
        make_file(&f, 1, r->header, data, r->data);
        int rc = parse(&f, ASHORE_UNDEFINED, &value, &err);
        if (rc != r->rc || !strstr(err.text, r->text) || value) {
            fail_msg("%s: %d, %s", r->header, rc, err.text);
        }
        assert_int_equal(err.code, rc);
    }
}

/* Every shorter file, and every file with one byte changed, is refused or read: nothing else. */
static void test_damaged(void **state) {
    (void)state;
    static const float data[6] = {1, 2, 3, 4, 5, 6};
    struct file whole;
    make_file(&whole, 2, D("'<f4'", "(2, 3)"), data, sizeof data);
    for (size_t size = 0; size < whole.size; size++) {
        struct file f = whole;
        struct ashore_error err;
        ashore_value *value;
        f.size = size;
        int rc = parse(&f, ASHORE_UNDEFINED, &value, &err);
        assert_int_not_equal(rc, ASHORE_OK);
        assert_string_not_equal(err.text, "");
    }
    for (size_t i = 0; i < whole.size * 8; i++) {
        struct file f = whole;
        struct ashore_error err;
        ashore_value *value;
        f.bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        int rc = parse(&f, ASHORE_UNDEFINED, &value, &err);
        assert_true(rc == ASHORE_OK || err.text[0]);
        ashore_value_release(&value);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_written_header),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_fortran_rank_3),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_strings_not_written),
        cmocka_unit_test(test_widened),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
