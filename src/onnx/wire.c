#include "onnx/wire.h"

#include "base/error.h"

#include <string.h>

enum { TYPE_VARINT = 0, TYPE_FIXED64 = 1, TYPE_BYTES = 2, TYPE_FIXED32 = 5 };

struct field {
    uint32_t number, type;
    uint64_t value;        /* varint and fixed */
    struct ash_view bytes; /* length-delimited */
};

/* Wire type of each enum ash_wire_kind when it is not packed. */
static const uint8_t kind_type[] = {TYPE_VARINT, TYPE_FIXED32, TYPE_BYTES,  TYPE_BYTES,
                                    TYPE_VARINT, TYPE_FIXED32, TYPE_FIXED64};

static bool take_varint(struct ash_view *v, uint64_t *value) {
    if (v->size != 0 && v->data[0] < 0x80) { /* nearly all: tags, and what is short */
        *value = *v->data++;
        v->size--;
        return true;
    }
    uint64_t x = 0;
    for (unsigned i = 0; i < 10 && i < v->size; i++) {
        unsigned char byte = v->data[i];
        x |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte & 0x80) continue;
        v->data += i + 1;
        v->size -= i + 1;
        *value = x;
        return true;
    }
    return false;
}

static bool take_fixed(struct ash_view *v, size_t width, uint64_t *value) {
    if (v->size < width) return false;
    uint64_t x = 0;
    for (size_t i = width; i-- > 0;) x = x << 8 | v->data[i];
    v->data += width;
    v->size -= width;
    *value = x;
    return true;
}

static bool take_field(struct ash_view *v, struct field *f) {
    uint64_t tag;
    if (!take_varint(v, &tag) || tag >> 3 == 0 || tag >> 3 > 0x1fffffff) return false;
    f->number = (uint32_t)(tag >> 3);
    f->type = (uint32_t)(tag & 7);
    switch (f->type) {
    case TYPE_VARINT:
        return take_varint(v, &f->value);
    case TYPE_FIXED64:
        return take_fixed(v, 8, &f->value);
    case TYPE_FIXED32:
        return take_fixed(v, 4, &f->value);
    case TYPE_BYTES:
        if (!take_varint(v, &f->value) || f->value > v->size) return false;
        f->bytes = ash_view(v->data, (size_t)f->value);
        v->data += f->bytes.size;
        v->size -= f->bytes.size;
        return true;
    default:
        return false;
    }
}

/* Numbers in a packed run; false when it ends within one. */
static bool count_packed(struct ash_view v, uint32_t kind, size_t *count) {
    if (kind != ASH_WIRE_VARINTS) {
        size_t width = kind == ASH_WIRE_FIXED32 ? 4 : 8;
        *count += v.size / width;
        return v.size % width == 0;
    }
    for (size_t i = 0; i < v.size; i++) *count += v.data[i] < 0x80;
    return v.size == 0 || v.data[v.size - 1] < 0x80;
}

/* `from` is the rest of the message with this field in front. */
static bool keep_field(const struct ash_wire_rule *rule, const struct field *f,
                       struct ash_view from, void *to) {
    bool packed = rule->kind >= ASH_WIRE_VARINTS && f->type == TYPE_BYTES;
    if (f->type != kind_type[rule->kind] && !packed) return false;
    struct ash_many *many = to;
    switch (rule->kind) {
    case ASH_WIRE_INT:
        *(int64_t *)to = (int64_t)f->value;
        return true;
    case ASH_WIRE_FLOAT: {
        uint32_t bits = (uint32_t)f->value;
        memcpy(to, &bits, sizeof bits);
        return true;
    }
    case ASH_WIRE_BYTES:
        *(struct ash_view *)to = f->bytes;
        return true;
    default:
        if (many->rest.data == NULL) {
            *many = (struct ash_many){.rest = from, .number = rule->number, .kind = rule->kind};
        }
        if (packed) return count_packed(f->bytes, rule->kind, &many->count);
        many->count++;
        return true;
    }
}

int ash_wire_read(struct ash_view message, const struct ash_wire_rule *rules, void *out,
                  struct ashore_error *err) {
    while (message.size != 0) {
        struct ash_view from = message;
        struct field f;
        ASH_FAIL_IF(!take_field(&message, &f), err, FORMAT,
                    "malformed protobuf: a field does not end within its message");
        const struct ash_wire_rule *rule = rules;
        while (rule->number != 0 && rule->number != f.number) rule++;
        if (rule->number == 0) continue;
        ASH_FAIL_IF(!keep_field(rule, &f, from, (char *)out + rule->offset), err, FORMAT,
                    "malformed protobuf: field %u is not of its type", (unsigned)f.number);
    }
    return ASHORE_OK;
}

bool ash_many_next(struct ash_many *many, struct ash_view *item) {
    struct field f;
    while (many->rest.size != 0 && take_field(&many->rest, &f)) {
        if (f.number != many->number || f.type != TYPE_BYTES) continue;
        *item = f.bytes;
        return true;
    }
    return false;
}

bool ash_many_number(struct ash_many *many, uint64_t *number) {
    uint32_t type = kind_type[many->kind];
    for (;;) {
        if (many->packed.size != 0) {
            if (type == TYPE_VARINT) return take_varint(&many->packed, number);
            return take_fixed(&many->packed, type == TYPE_FIXED32 ? 4 : 8, number);
        }
        struct field f;
        if (many->rest.size == 0 || !take_field(&many->rest, &f)) return false;
        if (f.number != many->number) continue;
        if (f.type == TYPE_BYTES) {
            many->packed = f.bytes;
        } else if (f.type == type) {
            *number = f.value;
            return true;
        }
    }
}

struct ash_view ash_many_run(struct ash_many many) {
    struct ash_view run = {NULL, 0};
    size_t width = many.kind == ASH_WIRE_FIXED32 ? 4 : 8;
    if (many.kind < ASH_WIRE_FIXED32 || !ash_many_next(&many, &run)) return run;
    return run.size / width == many.count ? run : ash_view(NULL, 0);
}

bool ash_view_is(struct ash_view view, const char *text) {
    size_t n = strlen(text);
    return view.size == n && (n == 0 || memcmp(view.data, text, n) == 0);
}
