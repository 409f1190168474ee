#include "onnx/proto_writer.h"

#include "base/format.h"

#include <string.h>

size_t ash_onnx_tensor_wire_size(const struct ash_tensor *t) {
    size_t n = (size_t)ash_tensor_count(t), bits = ash_dtype(t->dtype)->bits;
    return n / 8 * bits + (n % 8 * bits + 7) / 8;
}

void ash_onnx_tensor_wire(const struct ash_tensor *t, unsigned char *to) {
    size_t n = (size_t)ash_tensor_count(t), size = ash_onnx_tensor_wire_size(t);
    unsigned bits = ash_dtype(t->dtype)->bits;
    if (bits >= 8) {
        if (size != 0) memcpy(to, t->data, size);
        return;
    }
    const unsigned char *from = t->data;
    unsigned per = 8 / bits, mask = (1u << bits) - 1;
    memset(to, 0, size);
    for (size_t i = 0; i < n; i++) {
        unsigned x = (from[i] & mask) << (i % per * bits);
        to[i / per] = (unsigned char)(to[i / per] | x);
    }
}

static void put_entry(struct ash_wire_out *out, const char *key, const char *value) {
    size_t entry = ash_put_open(out, 13);
    ash_put_text(out, 1, key);
    ash_put_text(out, 2, value);
    ash_put_close(out, entry);
}

static void put_place(struct ash_wire_out *out, const struct ash_tensor *t,
                      const struct ash_onnx_place *place) {
    char number[32];
    put_entry(out, "location", place->location);
    (void)ash_format(number, sizeof number, "%llu", (unsigned long long)place->offset);
    put_entry(out, "offset", number);
    (void)ash_format(number, sizeof number, "%zu", ash_onnx_tensor_wire_size(t));
    put_entry(out, "length", number);
    ash_put_int(out, 14, 1);
}

void ash_put_tensor(struct ash_wire_out *out, unsigned number, const struct ash_tensor *t,
                    const char *name, const struct ash_onnx_place *place) {
    size_t tensor = ash_put_open(out, number);
    for (int i = 0; i < t->rank; i++) ash_put_int(out, 1, t->dim[i]);
    ash_put_int(out, 2, t->dtype);
    if (name != NULL) ash_put_text(out, 8, name);
    if (place != NULL) {
        put_place(out, t, place);
    } else if (t->dtype == ASHORE_STRING) {
        const struct ash_str *s = t->data;
        int64_t n = ash_tensor_count(t);
        for (int64_t i = 0; i < n; i++) ash_put_bytes(out, 6, t->chars + s[i].offset, s[i].length);
    } else {
        size_t size = ash_onnx_tensor_wire_size(t);
        ash_put_tag(out, 9, 2);
        ash_put_raw_varint(out, size);
        unsigned char *to = ash_put_room(out, size);
        if (to != NULL) ash_onnx_tensor_wire(t, to);
    }
    ash_put_close(out, tensor);
}

static void put_dims(struct ash_wire_out *out, const struct ash_type *type,
                     const struct ash_symtab *syms) {
    size_t shape = ash_put_open(out, 2);
    for (int i = 0; i < type->rank; i++) {
        char text[128];
        size_t dim = ash_put_open(out, 1);
        if (type->dim[i].kind == ASH_DIM_EXACT) {
            ash_put_int(out, 1, type->dim[i].value);
        } else if (type->dim[i].kind == ASH_DIM_SYMBOLIC) {
            ash_dim_text(syms, type->dim[i], text, sizeof text);
            ash_put_text(out, 2, text);
        }
        ash_put_close(out, dim);
    }
    ash_put_close(out, shape);
}

/* Types nest as deep as the reader lets them. */
static void put_type(struct ash_wire_out *out, unsigned number, const struct ash_type *type,
                     const struct ash_symtab *syms) {
    static const uint8_t field[] = {1, 4, 9, 5}; /* of TypeProto, by kind */
    size_t outer = ash_put_open(out, number);
    size_t inner = ash_put_open(out, field[type->kind & 3]);
    if (type->kind == ASHORE_TENSOR || type->kind == ASHORE_MAP) ash_put_int(out, 1, type->dtype);
    if (type->kind == ASHORE_TENSOR) {
        if (type->rank >= 0) put_dims(out, type, syms);
    } else if (type->elem != NULL) {
        put_type(out, type->kind == ASHORE_MAP ? 2 : 1, type->elem, syms);
    }
    ash_put_close(out, inner);
    ash_put_close(out, outer);
}

bool ash_type_is_known(const struct ash_type *type) {
    return type->kind != ASHORE_TENSOR || type->dtype != ASHORE_UNDEFINED;
}

void ash_put_value_info(struct ash_wire_out *out, unsigned number, const char *name,
                        const struct ash_type *type, const struct ash_symtab *syms) {
    size_t info = ash_put_open(out, number);
    ash_put_text(out, 1, name);
    if (ash_type_is_known(type)) put_type(out, 2, type, syms);
    ash_put_close(out, info);
}

void ash_put_attr(struct ash_wire_out *out, const struct ash_attr *a,
                  const struct ash_symtab *syms) {
    size_t attr = ash_put_open(out, 5);
    int type = a->type;
    ash_put_text(out, 1, a->name);
    switch (type) {
    case ASH_ATTR_FLOAT:
        ash_put_float(out, 2, a->v.f);
        break;
    case ASH_ATTR_INT:
        ash_put_int(out, 3, a->v.i);
        break;
    case ASH_ATTR_STRING:
        ash_put_bytes(out, 4, a->v.s.data, a->v.s.length);
        break;
    case ASH_ATTR_SPARSE_TENSOR: /* it was made dense */
    case ASH_ATTR_TENSOR:
        ash_put_tensor(out, 5, a->v.tensor, NULL, NULL);
        type = ASH_ATTR_TENSOR;
        break;
    case ASH_ATTR_TYPE:
        put_type(out, 14, a->v.type_proto, syms);
        break;
    default:
        break;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (type == ASH_ATTR_FLOATS) ash_put_float(out, 7, a->v.floats[i]);
        if (type == ASH_ATTR_INTS) ash_put_int(out, 8, a->v.ints[i]);
        if (type == ASH_ATTR_STRINGS) {
            ash_put_bytes(out, 9, a->v.strings[i].data, a->v.strings[i].length);
        }
        if (type == ASH_ATTR_TENSORS) ash_put_tensor(out, 10, &a->v.tensor[i], NULL, NULL);
    }
    ash_put_int(out, 20, type);
    ash_put_close(out, attr);
}

void ash_put_opset(struct ash_wire_out *out, unsigned number, const struct ash_onnx_opset *set) {
    size_t message = ash_put_open(out, number);
    ash_put_text(out, 1, set->domain);
    ash_put_int(out, 2, set->version);
    ash_put_close(out, message);
}
