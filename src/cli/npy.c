#include "npy.h"

#include "cli_base.h"
#include "cli_element.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const unsigned char npy_magic[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
enum { NPY_HEADER_MAX = 1 << 16, NPY_ITEM_MAX = 1 << 28 };

/* Where the parser of the header's dictionary stands. */
struct npy_scan {
    const char *at, *end;
};

struct npy_header {
    char order, kind; /* '<' '>' '|' '=', then 'f' 'i' ... */
    size_t item;      /* bytes of an element in the file */
    size_t units;     /* the number in the description: characters for 'U' */
    bool fortran;
    int rank;
    int64_t shape[ASHORE_MAX_RANK];
    size_t count; /* elements */
    const unsigned char *data;
    size_t data_bytes;
};

/* kind, size in the file -> type, size of the parts whose bytes are swapped. */
static const struct npy_type {
    char kind;
    unsigned char item, part;
    unsigned char dtype;
} npy_types[] = {
    {'b', 1, 1, ASHORE_BOOL},      {'i', 1, 1, ASHORE_INT8},        {'i', 2, 2, ASHORE_INT16},
    {'i', 4, 4, ASHORE_INT32},     {'i', 8, 8, ASHORE_INT64},       {'u', 1, 1, ASHORE_UINT8},
    {'u', 2, 2, ASHORE_UINT16},    {'u', 4, 4, ASHORE_UINT32},      {'u', 8, 8, ASHORE_UINT64},
    {'f', 2, 2, ASHORE_FLOAT16},   {'f', 4, 4, ASHORE_FLOAT32},     {'f', 8, 8, ASHORE_FLOAT64},
    {'c', 8, 4, ASHORE_COMPLEX64}, {'c', 16, 8, ASHORE_COMPLEX128},
};
enum { NPY_TYPE_COUNT = sizeof npy_types / sizeof npy_types[0] };

static bool npy_host_is_little(void) {
    const uint16_t probe = 1;
    unsigned char first;
    memcpy(&first, &probe, 1);
    return first == 1;
}

int cli_npy_is(const void *bytes, size_t size) {
    return size >= sizeof npy_magic && memcmp(bytes, npy_magic, sizeof npy_magic) == 0;
}

/* ---- the header's dictionary ---------------------------------------------------------------- */

static void npy_skip_space(struct npy_scan *s) {
    while (s->at < s->end &&
           (*s->at == ' ' || *s->at == '\n' || *s->at == '\t' || *s->at == '\r')) {
        s->at++;
    }
}

static bool npy_accept(struct npy_scan *s, char c) {
    npy_skip_space(s);
    if (s->at >= s->end || *s->at != c) return false;
    s->at++;
    return true;
}

static bool npy_accept_word(struct npy_scan *s, const char *word) {
    npy_skip_space(s);
    size_t n = strlen(word);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n) != 0) return false;
    s->at += n;
    return true;
}

/* A quoted string without escapes, which NumPy never writes here. */
static int npy_read_text(struct npy_scan *s, char *out, size_t size, struct ashore_error *err) {
    npy_skip_space(s);
    char quote = s->at < s->end ? *s->at : '\0';
    if (quote != '\'' && quote != '"') {
        return cli_fail(err, ASHORE_ERR_FORMAT, "npy: header is not a dictionary of quoted names");
    }
    s->at++;
    size_t n = 0;
    while (s->at < s->end && *s->at != quote) {
        if (*s->at == '\\' || n + 1 >= size) {
            return cli_fail(err, ASHORE_ERR_FORMAT, "npy: header holds an odd or overlong name");
        }
        out[n++] = *s->at++;
    }
    if (s->at >= s->end)
        return cli_fail(err, ASHORE_ERR_FORMAT, "npy: unterminated name in header");
    s->at++;
    out[n] = '\0';
    return ASHORE_OK;
}

/* Decimal digits up to limit. */
static bool npy_read_number(struct npy_scan *s, int64_t limit, int64_t *value) {
    npy_skip_space(s);
    const char *start = s->at;
    int64_t v = 0;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9') {
        int digit = *s->at - '0';
        if (v > (limit - digit) / 10) return false;
        v = v * 10 + digit;
        s->at++;
    }
    *value = v;
    return s->at > start;
}

static int npy_read_shape(struct npy_scan *s, struct npy_header *h, struct ashore_error *err) {
    if (!npy_accept(s, '(')) return cli_fail(err, ASHORE_ERR_FORMAT, "npy: 'shape' is not a tuple");
    h->rank = 0;
    while (!npy_accept(s, ')')) {
        if (h->rank == ASHORE_MAX_RANK) {
            return cli_fail(err, ASHORE_ERR_LIMIT, "npy: more than %d dimensions", ASHORE_MAX_RANK);
        }
        int64_t extent;
        if (!npy_read_number(s, INT64_MAX, &extent)) {
            return cli_fail(err, ASHORE_ERR_FORMAT,
                            "npy: dimension %d of 'shape' is not a number from 0 to 2^63-1",
                            h->rank);
        }
        npy_accept(s, 'L'); /* Python 2 wrote long integers so */
        h->shape[h->rank++] = extent;
        if (!npy_accept(s, ',')) {
            if (h->rank > 1 && npy_accept(s, ')')) break;
            return cli_fail(err, ASHORE_ERR_FORMAT, "npy: 'shape' is not a tuple");
        }
    }
    return ASHORE_OK;
}

static int npy_read_descr(struct npy_scan *s, struct npy_header *h, struct ashore_error *err) {
    npy_skip_space(s);
    if (s->at < s->end && *s->at == '[') {
        return cli_fail(err, ASHORE_ERR_UNSUPPORTED, "npy: structured arrays are not supported");
    }
    char text[32];
    int rc = npy_read_text(s, text, sizeof text, err);
    if (rc) return rc;
    struct npy_scan d = {text, text + strlen(text)};
    h->order = '=';
    if (d.at < d.end && strchr("<>|=", *d.at)) h->order = *d.at++;
    h->kind = d.at < d.end ? *d.at++ : '\0';
    if (h->kind == '?') { /* bool's short name */
        h->kind = 'b';
        h->units = 1;
        return d.at == d.end ? ASHORE_OK : cli_fail(err, ASHORE_ERR_FORMAT, "npy: type '%s'", text);
    }
    if (h->kind == 'O') {
        return cli_fail(err, ASHORE_ERR_UNSUPPORTED,
                        "npy: holds pickled Python objects, which are never loaded");
    }
    if (h->kind == 'M' || h->kind == 'm') {
        return cli_fail(err, ASHORE_ERR_UNSUPPORTED, "npy: dates and times ('%s') are not tensors",
                        text);
    }
    int64_t units;
    if (!npy_read_number(&d, NPY_ITEM_MAX, &units) || d.at != d.end) {
        return cli_fail(err, ASHORE_ERR_FORMAT, "npy: '%s' is not an element type", text);
    }
    h->units = (size_t)units;
    return ASHORE_OK;
}

static int npy_read_entry(struct npy_scan *s, struct npy_header *h, unsigned *seen,
                          struct ashore_error *err) {
    static const char *const keys[3] = {"descr", "fortran_order", "shape"};
    char key[32];
    int rc = npy_read_text(s, key, sizeof key, err);
    if (rc) return rc;
    unsigned k = 0;
    while (k < 3 && strcmp(key, keys[k]) != 0) k++;
    if (k == 3 || (*seen >> k & 1)) {
        return cli_fail(err, ASHORE_ERR_FORMAT, "npy: header entry '%s' is %s", key,
                        k == 3 ? "not known" : "there twice");
    }
    *seen |= 1u << k;
    if (!npy_accept(s, ':')) return cli_fail(err, ASHORE_ERR_FORMAT, "npy: no ':' after '%s'", key);
    if (k == 0) return npy_read_descr(s, h, err);
    if (k == 2) return npy_read_shape(s, h, err);
    h->fortran = npy_accept_word(s, "True");
    if (!h->fortran && !npy_accept_word(s, "False")) {
        return cli_fail(err, ASHORE_ERR_FORMAT, "npy: 'fortran_order' is neither True nor False");
    }
    return ASHORE_OK;
}

static int npy_read_dictionary(struct npy_scan *s, struct npy_header *h, struct ashore_error *err) {
    unsigned seen = 0;
    if (!npy_accept(s, '{')) {
        return cli_fail(err, ASHORE_ERR_FORMAT, "npy: header is not a dictionary");
    }
    while (!npy_accept(s, '}')) {
        int rc = npy_read_entry(s, h, &seen, err);
        if (rc) return rc;
        if (!npy_accept(s, ',')) {
            if (npy_accept(s, '}')) break;
            return cli_fail(err, ASHORE_ERR_FORMAT, "npy: header is not a dictionary");
        }
    }
    npy_skip_space(s);
    if (s->at != s->end) return cli_fail(err, ASHORE_ERR_FORMAT, "npy: text after the header");
    if (seen != 7) {
        return cli_fail(err, ASHORE_ERR_FORMAT,
                        "npy: header lacks one of 'descr', 'fortran_order', 'shape'");
    }
    return ASHORE_OK;
}

/* ---- the file ------------------------------------------------------------------------------- */

/* Sizes of elements and of all of them, held against what the file has. */
static int npy_check_sizes(struct npy_header *h, struct ashore_error *err) {
    h->item = h->kind == 'U' ? h->units * 4 : h->units;
    h->count = 1;
    bool empty = false, huge = false;
    for (int i = 0; i < h->rank; i++) empty = empty || h->shape[i] == 0;
    for (int i = 0; i < h->rank && !empty; i++) {
        huge = huge || (uint64_t)h->shape[i] > SIZE_MAX / h->count;
        if (!huge) h->count *= (size_t)h->shape[i];
    }
    if (empty) h->count = 0;
    if (h->count > 0 && h->item == 0) {
        return cli_fail(err, ASHORE_ERR_FORMAT, "npy: elements of no bytes ('%c0')", h->kind);
    }
    if (huge || (h->count > 0 && h->count > h->data_bytes / h->item)) {
        return cli_fail(err, ASHORE_ERR_FORMAT,
                        "npy: truncated: the shape needs more than the %zu bytes of data there are",
                        h->data_bytes);
    }
    if (h->count * h->item != h->data_bytes) {
        return cli_fail(err, ASHORE_ERR_FORMAT,
                        "npy: %zu bytes follow the %zu bytes of data that the shape asks for",
                        h->data_bytes - h->count * h->item, h->count * h->item);
    }
    return ASHORE_OK;
}

static int npy_read_header(const unsigned char *p, size_t size, struct npy_header *h,
                           struct ashore_error *err) {
    if (!cli_npy_is(p, size)) return cli_fail(err, ASHORE_ERR_FORMAT, "npy: not an .npy file");
    if (size < 10) return cli_fail(err, ASHORE_ERR_FORMAT, "npy: truncated header");
    if (p[6] < 1 || p[6] > 3 || p[7] != 0) {
        return cli_fail(err, ASHORE_ERR_UNSUPPORTED, "npy: version %d.%d (1.0 to 3.0 are known)",
                        p[6], p[7]);
    }
    size_t start = p[6] == 1 ? 10 : 12;
    size_t length = (size_t)p[8] | (size_t)p[9] << 8;
    if (p[6] > 1) {
        if (size < start) return cli_fail(err, ASHORE_ERR_FORMAT, "npy: truncated header");
        length |= (size_t)p[10] << 16 | (size_t)p[11] << 24;
    }
    if (length > NPY_HEADER_MAX) {
        return cli_fail(err, ASHORE_ERR_LIMIT, "npy: a header of %zu bytes (at most %d)", length,
                        NPY_HEADER_MAX);
    }
    if (length > size - start) return cli_fail(err, ASHORE_ERR_FORMAT, "npy: truncated header");
    struct npy_scan s = {(const char *)p + start, (const char *)p + start + length};
    int rc = npy_read_dictionary(&s, h, err);
    if (rc) return rc;
    h->data = p + start + length;
    h->data_bytes = size - start - length;
    return npy_check_sizes(h, err);
}

/* Copies elements from the file's order to C order. */
static void npy_copy(const struct npy_header *h, unsigned char *to) {
    if (h->count == 0) return;
    if (!h->fortran || h->rank < 2) {
        memcpy(to, h->data, h->count * h->item);
        return;
    }
    size_t stride[ASHORE_MAX_RANK], index[ASHORE_MAX_RANK] = {0};
    size_t step = h->item;
    for (int i = 0; i < h->rank; i++) {
        stride[i] = step;
        step *= (size_t)h->shape[i];
    }
    const unsigned char *from = h->data;
    for (size_t n = 0; n < h->count; n++) {
        memcpy(to + n * h->item, from, h->item);
        int axis = h->rank - 1;
        for (; axis > 0 && index[axis] + 1 == (size_t)h->shape[axis]; axis--) {
            from -= index[axis] * stride[axis];
            index[axis] = 0;
        }
        index[axis]++;
        from += stride[axis];
    }
}

static void npy_swap(unsigned char *p, size_t bytes, size_t part) {
    for (size_t i = 0; i + part <= bytes; i += part) {
        for (size_t a = i, b = i + part - 1; a < b; a++, b--) {
            unsigned char t = p[a];
            p[a] = p[b];
            p[b] = t;
        }
    }
}

static bool npy_must_swap(char order) {
    return order == '<' ? !npy_host_is_little() : order == '>' && npy_host_is_little();
}

static int npy_read_numbers(const struct npy_header *h, int dtype, size_t part,
                            ashore_value **value, struct ashore_error *err) {
    ashore_value *v = NULL;
    int rc = ashore_tensor_create(dtype, h->rank, h->shape, &v, err);
    if (rc) return rc;
    unsigned char *data = ashore_value_data_mut(v);
    if (h->count > 0 && (!data || ashore_value_bytes(v) != h->count * h->item)) {
        ashore_value_release(&v);
        return cli_fail(err, ASHORE_ERR_INTERNAL, "npy: tensor of an unexpected size");
    }
    npy_copy(h, data);
    if (part > 1 && npy_must_swap(h->order)) npy_swap(data, h->count * h->item, part);
    for (size_t i = 0; dtype == ASHORE_BOOL && i < h->count; i++) data[i] = data[i] != 0;
    *value = v;
    return ASHORE_OK;
}

/* One element of a text array to UTF-8 at out (up to as many bytes as it has in the file). */
static int npy_read_string(const struct npy_header *h, const unsigned char *p, size_t index,
                           char *out, size_t *length, struct ashore_error *err) {
    size_t n = 0;
    *length = 0;
    if (h->kind == 'S') {
        for (size_t i = 0; i < h->units; i++) {
            out[i] = (char)p[i];
            if (p[i]) *length = i + 1;
        }
        return ASHORE_OK;
    }
    bool big = h->order == '>' || (h->order != '<' && !npy_host_is_little());
    for (size_t i = 0; i < h->units; i++) {
        const unsigned char *c = p + i * 4;
        uint32_t code =
            big ? (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8 | c[3]
                : (uint32_t)c[3] << 24 | (uint32_t)c[2] << 16 | (uint32_t)c[1] << 8 | c[0];
        size_t wrote = cli_utf8_encode(code, out + n);
        if (wrote == 0) {
            return cli_fail(err, ASHORE_ERR_FORMAT,
                            "npy: element %zu holds 0x%lx, which is not a character", index,
                            (unsigned long)code);
        }
        n += wrote;
        if (code != 0) *length = n; /* zeros at the end are padding */
    }
    return ASHORE_OK;
}

static int npy_read_strings(const struct npy_header *h, ashore_value **value,
                            struct ashore_error *err) {
    size_t bytes = h->count * h->item, rows = h->count ? h->count : 1;
    if (rows > SIZE_MAX / (sizeof(char *) + sizeof(size_t))) {
        return cli_fail(err, ASHORE_ERR_NOMEM, "npy: out of memory");
    }
    /* Sorted once to C order, decoded in place: UTF-8 is never longer than UTF-32. */
    unsigned char *raw = cli_realloc(NULL, bytes ? bytes : 1);
    const char **text = cli_realloc(NULL, rows * sizeof *text);
    size_t *length = cli_realloc(NULL, rows * sizeof *length);
    int rc = ASHORE_OK;
    if (!raw || !text || !length) {
        rc = cli_fail(err, ASHORE_ERR_NOMEM, "npy: out of memory for %zu strings", h->count);
        goto done;
    }
    npy_copy(h, raw);
    for (size_t i = 0; i < h->count; i++) {
        char *out = (char *)raw + i * h->item;
        rc = npy_read_string(h, raw + i * h->item, i, out, &length[i], err);
        if (rc) goto done;
        text[i] = out;
    }
    rc = ashore_tensor_create_strings(h->rank, h->shape, text, length, value, err);
done:
    cli_realloc(raw, 0);
    cli_realloc(text, 0);
    cli_realloc(length, 0);
    return rc;
}

int cli_npy_parse(const void *bytes, size_t size, int expected, ashore_value **value,
                  struct ashore_error *err) {
    struct npy_header h = {0};
    int rc = npy_read_header(bytes, size, &h, err);
    if (rc) return rc;
    if (h.kind == 'U' || h.kind == 'S') return npy_read_strings(&h, value, err);
    if (h.kind == 'V') {
        bool raw = expected == ASHORE_BFLOAT16 ||
                   (expected >= ASHORE_FLOAT8E4M3FN && expected <= ASHORE_FLOAT8E5M2FNUZ) ||
                   expected == ASHORE_FLOAT8E8M0;
        if (raw && ashore_dtype_size(expected) == h.item) {
            return npy_read_numbers(&h, expected, h.item, value, err);
        }
        return cli_fail(err, ASHORE_ERR_UNSUPPORTED, "npy: raw bytes ('V%zu') of no known type",
                        h.units);
    }
    for (size_t i = 0; i < NPY_TYPE_COUNT; i++) {
        if (npy_types[i].kind == h.kind && npy_types[i].item == h.item) {
            return npy_read_numbers(&h, npy_types[i].dtype, npy_types[i].part, value, err);
        }
    }
    return cli_fail(err, ASHORE_ERR_UNSUPPORTED, "npy: element type '%c%zu' is not supported",
                    h.kind >= ' ' && h.kind < 127 ? h.kind : '?', h.units);
}

/* ---- writing -------------------------------------------------------------------------------- */

int cli_npy_stored_dtype(int dtype) {
    if (dtype == ASHORE_UINT4 || dtype == ASHORE_UINT2) return ASHORE_UINT8;
    if (dtype == ASHORE_INT4 || dtype == ASHORE_INT2) return ASHORE_INT8;
    return dtype >= ASHORE_BFLOAT16 && dtype < ASHORE_DTYPE_COUNT ? ASHORE_FLOAT32 : dtype;
}

static int npy_failed_write(struct ashore_error *err) {
    return cli_fail(err, ASHORE_ERR_IO, "npy: writing failed (is the disk full?)");
}

static int npy_write_header(FILE *file, const ashore_value *value, const char *descr,
                            struct ashore_error *err) {
    char text[64 + 24 * ASHORE_MAX_RANK];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    int rank = ashore_value_rank(value);
    for (int i = 0; i < rank; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, "%lld,%s",
                              (long long)ashore_value_shape(value)[i], i + 1 < rank ? " " : "");
    }
    if (rank > 1) n--; /* only a single extent keeps its comma */
    n += (size_t)snprintf(text + n, sizeof text - n, "), }");
    /* The data starts on a multiple of 64; a version 1 header (16 bits) always suffices here. */
    size_t total = (10 + n + 1 + 63) / 64 * 64, length = total - 10;
    const unsigned char start[4] = {1, 0, (unsigned char)(length & 255),
                                    (unsigned char)(length >> 8)};
    fwrite(npy_magic, 1, sizeof npy_magic, file);
    fwrite(start, 1, sizeof start, file);
    fwrite(text, 1, n, file);
    fprintf(file, "%*s\n", (int)(length - n - 1), "");
    return ferror(file) ? npy_failed_write(err) : ASHORE_OK;
}

/* Characters of a string; fails on bytes that are not UTF-8 and on a zero at the end. */
static int npy_count_characters(const ashore_value *value, size_t i, size_t *count,
                                struct ashore_error *err) {
    size_t length;
    const char *s = ashore_value_string(value, i, &length);
    uint32_t code = 1;
    *count = 0;
    for (size_t at = 0; at < length; (*count)++) {
        size_t n = cli_utf8_decode(s + at, length - at, &code);
        if (n == 0) {
            return cli_fail(err, ASHORE_ERR_TYPE, "npy: string %zu is not UTF-8 at byte %zu", i,
                            at);
        }
        at += n;
    }
    if (length > 0 && code == 0) {
        return cli_fail(err, ASHORE_ERR_TYPE,
                        "npy: string %zu ends in a zero character, which .npy cannot hold", i);
    }
    return ASHORE_OK;
}

static int npy_write_strings(FILE *file, const ashore_value *value, struct ashore_error *err) {
    size_t count = ashore_value_elements(value), widest = 1;
    for (size_t i = 0; i < count; i++) {
        size_t n = 0;
        int rc = npy_count_characters(value, i, &n, err);
        if (rc) return rc;
        if (n > widest) widest = n;
    }
    if (widest > NPY_ITEM_MAX) {
        return cli_fail(err, ASHORE_ERR_LIMIT, "npy: a string of %zu characters", widest);
    }
    char descr[32];
    snprintf(descr, sizeof descr, "<U%zu", widest);
    int rc = npy_write_header(file, value, descr, err);
    if (rc) return rc;
    for (size_t i = 0; i < count; i++) {
        size_t length, at = 0;
        const char *s = ashore_value_string(value, i, &length);
        for (size_t k = 0; k < widest; k++) {
            uint32_t code = 0;
            if (at < length) at += cli_utf8_decode(s + at, length - at, &code);
            const unsigned char le[4] = {(unsigned char)(code & 255),
                                         (unsigned char)(code >> 8 & 255),
                                         (unsigned char)(code >> 16 & 255), 0};
            fwrite(le, 1, sizeof le, file);
        }
        if (ferror(file)) return npy_failed_write(err);
    }
    return ASHORE_OK;
}

/* Widens to float32; the 2 and 4 bit integers already lie in bytes as they are wanted. */
static int npy_write_widened(FILE *file, const ashore_value *value, struct ashore_error *err) {
    size_t count = ashore_value_elements(value);
    for (size_t i = 0; i < count; i++) {
        double parts[2];
        cli_element_get(value, i, parts);
        float f = (float)parts[0];
        if (fwrite(&f, sizeof f, 1, file) != 1) return npy_failed_write(err);
    }
    return ASHORE_OK;
}

int cli_npy_write(FILE *file, const ashore_value *value, struct ashore_error *err) {
    if (ashore_value_kind(value) != ASHORE_TENSOR) {
        return cli_fail(err, ASHORE_ERR_TYPE, "npy: only tensors can be written");
    }
    int dtype = ashore_value_dtype(value), stored = cli_npy_stored_dtype(dtype);
    if (dtype == ASHORE_STRING) return npy_write_strings(file, value, err);
    const struct npy_type *type = NULL;
    for (size_t i = 0; i < NPY_TYPE_COUNT; i++) {
        if (npy_types[i].dtype == stored) type = &npy_types[i];
    }
    if (!type)
        return cli_fail(err, ASHORE_ERR_TYPE, "npy: %s cannot be written",
                        ashore_dtype_name(dtype));
    char descr[8];
    char order = type->item == 1 ? '|' : npy_host_is_little() ? '<' : '>';
    snprintf(descr, sizeof descr, "%c%c%d", order, type->kind, type->item);
    int rc = npy_write_header(file, value, descr, err);
    if (rc) return rc;
    if (stored != dtype && stored == ASHORE_FLOAT32) return npy_write_widened(file, value, err);
    size_t bytes = ashore_value_bytes(value);
    if (bytes > 0 && fwrite(ashore_value_data(value), 1, bytes, file) != bytes) {
        return npy_failed_write(err);
    }
    return ASHORE_OK;
}
