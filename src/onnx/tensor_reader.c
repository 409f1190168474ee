/* TensorProto -> a view of its elements, in the file where that is possible. */
#include "onnx/onnx_reader.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw data is used as it lies");

struct tensor_proto {
    struct ash_many dims, floats, int32s, int64s, doubles, uint64s, strings, external;
    int64_t dtype, location;
    struct ash_view name, raw, segment;
};

static const struct ash_wire_rule tensor_rules[] = {
    ASH_WIRE_RULE(1, VARINTS, tensor_proto, dims),
    ASH_WIRE_RULE(2, INT, tensor_proto, dtype),
    ASH_WIRE_RULE(8, BYTES, tensor_proto, name),
    ASH_WIRE_RULE(9, BYTES, tensor_proto, raw),
    ASH_WIRE_RULE(3, BYTES, tensor_proto, segment),
    ASH_WIRE_RULE(4, FIXED32, tensor_proto, floats),
    ASH_WIRE_RULE(5, VARINTS, tensor_proto, int32s),
    ASH_WIRE_RULE(6, MANY, tensor_proto, strings),
    ASH_WIRE_RULE(7, VARINTS, tensor_proto, int64s),
    ASH_WIRE_RULE(10, FIXED64, tensor_proto, doubles),
    ASH_WIRE_RULE(11, VARINTS, tensor_proto, uint64s),
    ASH_WIRE_RULE(13, MANY, tensor_proto, external),
    ASH_WIRE_RULE(14, INT, tensor_proto, location),
    ASH_WIRE_END,
};

/* Bytes of n elements on the wire. */
static size_t wire_bytes(int dtype, size_t n) {
    size_t bits = ash_dtype(dtype)->bits, whole = n / 8 * bits;
    return whole + (n % 8 * bits + 7) / 8;
}

static bool is_signed_part(int dtype) { return dtype == ASHORE_INT4 || dtype == ASHORE_INT2; }

/* Elements of 2 or 4 bits, the first in the lowest ones, to a byte each. */
static void unpack(int dtype, const unsigned char *from, unsigned char *to, size_t n) {
    unsigned bits = ash_dtype(dtype)->bits, per = 8 / bits, mask = (1u << bits) - 1;
    unsigned sign = is_signed_part(dtype) ? 1u << (bits - 1) : 0;
    for (size_t i = 0; i < n; i++) {
        unsigned x = (unsigned)from[i / per] >> (i % per * bits) & mask;
        to[i] = (unsigned char)((x ^ sign) - sign);
    }
}

/* Of elements that are used where they lie.  WebAssembly reads at any address. */
static size_t alignment(int dtype) {
#if defined(__wasm__)
    return 1;
#endif
    size_t size = ash_dtype_size(dtype);
    if (dtype == ASHORE_COMPLEX64 || dtype == ASHORE_COMPLEX128) size /= 2;
    return size;
}

static bool holds_odd_bools(struct ash_view bytes) {
    unsigned char all = 0;
    for (size_t i = 0; i < bytes.size; i++) all |= bytes.data[i];
    return all > 1;
}

/* Elements from their bytes on the wire. */
static int from_bytes(struct ash_reader *r, struct ash_tensor *t, size_t n, struct ash_view bytes) {
    size_t want = wire_bytes(t->dtype, n);
    ASH_FAIL_IF(bytes.size != want, r->err, FORMAT, "%zu bytes of data, %zu expected", bytes.size,
                want);
    bool packed = ash_dtype(t->dtype)->bits < 8;
    bool fix = t->dtype == ASHORE_BOOL && holds_odd_bools(bytes);
    if (!packed && !fix && (uintptr_t)bytes.data % alignment(t->dtype) == 0) {
        t->data = (void *)(uintptr_t)bytes.data;
        r->out->in_place += bytes.size;
        return ASHORE_OK;
    }
    size_t room = ash_size_mul(n, ash_dtype_size(t->dtype));
    unsigned char *to = ash_arena_raw(r->arena, room);
    if (to == NULL) return ash_fail_nomem(r->err, room);
    t->data = to;
    if (packed) {
        unpack(t->dtype, bytes.data, to, n);
    } else if (bytes.size != 0) {
        memcpy(to, bytes.data, bytes.size);
    }
    for (size_t i = 0; fix && i < n; i++) to[i] = to[i] != 0;
    return ASHORE_OK;
}

static int from_strings(struct ash_reader *r, struct ash_tensor *t, size_t n,
                        struct ash_view message, struct ash_many strings) {
    ASH_FAIL_IF(strings.count != n, r->err, FORMAT, "%zu strings of data, %zu expected",
                strings.count, n);
    ASH_FAIL_IF(message.size > UINT32_MAX, r->err, LIMIT, "more than 4 GB of text");
    struct ash_str *to;
    ASH_TRY(ASH_READER_NEW(r, r->arena, n, to));
    t->data = to;
    t->chars = (const char *)message.data;
    struct ash_view item;
    for (size_t i = 0; i < n && ash_many_next(&strings, &item); i++) {
        to[i].offset = (uint32_t)(item.data - message.data);
        to[i].length = (uint32_t)item.size;
    }
    return ASHORE_OK;
}

/* Elements from the list of numbers that their type is kept in. */
static int from_numbers(struct ash_reader *r, struct ash_tensor *t, size_t n,
                        struct ash_many numbers) {
    struct ash_view run = ash_many_run(numbers);
    bool packed = ash_dtype(t->dtype)->bits < 8;
    size_t want = packed ? wire_bytes(t->dtype, n) : n;
    size_t width = ash_dtype_size(t->dtype);
    if (t->dtype == ASHORE_COMPLEX64 || t->dtype == ASHORE_COMPLEX128) {
        want *= 2;
        width /= 2;
    }
    ASH_FAIL_IF(numbers.count != want, r->err, FORMAT, "%zu numbers of data, %zu expected",
                numbers.count, want);
    if (run.data != NULL) return from_bytes(r, t, n, run);
    unsigned char *to;
    ASH_TRY(ASH_READER_NEW(r, packed ? &r->scratch : r->arena, ash_size_mul(want, width), to));
    uint64_t x;
    for (size_t i = 0; i < want && ash_many_number(&numbers, &x); i++) {
        memcpy(to + i * width, &x, width);
    }
    if (packed || t->dtype == ASHORE_BOOL) { return from_bytes(r, t, n, ash_view(to, want)); }
    t->data = to;
    return ASHORE_OK;
}

static const struct ash_many *numbers_of(const struct tensor_proto *p, int dtype) {
    switch (dtype) {
    case ASHORE_FLOAT32:
    case ASHORE_COMPLEX64:
        return &p->floats;
    case ASHORE_FLOAT64:
    case ASHORE_COMPLEX128:
        return &p->doubles;
    case ASHORE_INT64:
        return &p->int64s;
    case ASHORE_UINT32:
    case ASHORE_UINT64:
        return &p->uint64s;
    default:
        return &p->int32s;
    }
}

static int read_shape(struct ash_reader *r, const struct tensor_proto *p, struct ash_tensor *t,
                      size_t *n) {
    ASH_FAIL_IF(p->dtype <= 0 || p->dtype >= ASHORE_DTYPE_COUNT, r->err, UNSUPPORTED,
                "element type %lld is not known", (long long)p->dtype);
    ASH_FAIL_IF(p->dims.count > ASH_MAX_RANK, r->err, LIMIT,
                "rank %zu: tensors have at most %d dimensions", p->dims.count, ASH_MAX_RANK);
    *t = (struct ash_tensor){.dtype = (int32_t)p->dtype};
    struct ash_many dims = p->dims;
    uint64_t x;
    while (t->rank < ASH_MAX_RANK && ash_many_number(&dims, &x)) t->dim[t->rank++] = (int64_t)x;
    int64_t count;
    ASH_TRY(ash_shape_check(t->dtype, t->rank, t->dim, &count, NULL, r->err));
    *n = (size_t)count;
    return ASHORE_OK;
}

static int read_data(struct ash_reader *r, struct ash_view message, const struct tensor_proto *p,
                     struct ash_tensor *t, size_t n) {
    ASH_FAIL_IF(p->segment.data != NULL, r->err, UNSUPPORTED, "tensors in segments");
    if (p->location == 1) {
        ASH_FAIL_IF(t->dtype == ASHORE_STRING, r->err, FORMAT, "strings as external data");
        struct ash_view bytes;
        ASH_TRY(ash_reader_external(r, p->external, wire_bytes(t->dtype, n), &bytes));
        return from_bytes(r, t, n, bytes);
    }
    if (t->dtype == ASHORE_STRING) return from_strings(r, t, n, message, p->strings);
    if (p->raw.data != NULL) return from_bytes(r, t, n, p->raw);
    return from_numbers(r, t, n, *numbers_of(p, t->dtype));
}

static int note_span(struct ash_reader *r, struct ash_view message, const struct ash_tensor *t) {
    enum { LARGE = 1024 };
    struct ash_onnx_model *m = r->out;
    const unsigned char *data = t->data;
    bool inside = (uintptr_t)data - (uintptr_t)message.data < message.size;
    bool next = m->n_spans == 0 || m->spans[m->n_spans - 1].data < data;
    if (!inside || !next || ash_tensor_bytes(t) < LARGE) return ASHORE_OK;
    if (m->n_spans == m->cap_spans) {
        size_t cap = m->cap_spans ? 2 * m->cap_spans : 16;
        struct ash_onnx_span *grown;
        ASH_TRY(ASH_READER_NEW(r, r->arena, ash_size_mul(cap, sizeof *grown), grown));
        if (m->n_spans) memcpy(grown, m->spans, m->n_spans * sizeof *grown);
        m->spans = grown;
        m->cap_spans = cap;
    }
    m->spans[m->n_spans++] = (struct ash_onnx_span){data, message.data};
    return ASHORE_OK;
}

int ash_reader_tensor(struct ash_reader *r, struct ash_view message, struct ash_tensor *t,
                      struct ash_view *name) {
    struct tensor_proto p = {0};
    size_t n = 0;
    ASH_TRY(ash_wire_read(message, tensor_rules, &p, r->err));
    if (name != NULL) *name = p.name;
    int rc = read_shape(r, &p, t, &n);
    if (rc == ASHORE_OK) {
        rc = read_data(r, message, &p, t, n);
        char text[160];
        ash_shape_text(text, sizeof text, t->dtype, t->rank, t->dim);
        if (rc != ASHORE_OK) ash_error_prefix(r->err, "%s: ", text);
        if (rc == ASHORE_OK && t->dtype != ASHORE_STRING) rc = note_span(r, message, t);
    }
    if (rc != ASHORE_OK) ash_error_prefix(r->err, "tensor '%.*s' ", ASH_SHOW(p.name));
    return rc;
}

void ash_reader_count_weight(struct ash_reader *r, const struct ash_tensor *t) {
    struct ash_onnx_weights *w = &r->out->weights[t->dtype];
    w->count++;
    w->elements += (uint64_t)ash_tensor_count(t);
    w->bytes += (uint64_t)ash_tensor_bytes(t);
}
