/* AttributeProto -> struct ash_attr, and the tensor of a Constant node. */
#include "onnx/onnx_reader.h"

#include <string.h>

struct attr_proto {
    struct ash_view name, ref, s, t, g, tp, sparse;
    int64_t type, i;
    struct ash_many floats, ints, strings, tensors;
    float f;
};

static const struct ash_wire_rule attr_rules[] = {
    ASH_WIRE_RULE(1, BYTES, attr_proto, name),
    ASH_WIRE_RULE(20, INT, attr_proto, type),
    ASH_WIRE_RULE(2, FLOAT, attr_proto, f),
    ASH_WIRE_RULE(3, INT, attr_proto, i),
    ASH_WIRE_RULE(4, BYTES, attr_proto, s),
    ASH_WIRE_RULE(5, BYTES, attr_proto, t),
    ASH_WIRE_RULE(6, BYTES, attr_proto, g),
    ASH_WIRE_RULE(7, FIXED32, attr_proto, floats),
    ASH_WIRE_RULE(8, VARINTS, attr_proto, ints),
    ASH_WIRE_RULE(9, MANY, attr_proto, strings),
    ASH_WIRE_RULE(10, MANY, attr_proto, tensors),
    ASH_WIRE_RULE(14, BYTES, attr_proto, tp),
    ASH_WIRE_RULE(21, BYTES, attr_proto, ref),
    ASH_WIRE_RULE(22, BYTES, attr_proto, sparse),
    ASH_WIRE_END,
};

static int read_floats(struct ash_reader *r, struct ash_many many, struct ash_attr *a) {
    float *to;
    ASH_TRY(ASH_READER_NEW(r, r->arena, many.count, to));
    a->count = many.count;
    a->v.floats = to;
    uint64_t x;
    for (size_t i = 0; i < a->count && ash_many_number(&many, &x); i++) {
        uint32_t bits = (uint32_t)x;
        memcpy(&to[i], &bits, sizeof bits);
    }
    return ASHORE_OK;
}

static int read_ints(struct ash_reader *r, struct ash_many many, struct ash_attr *a) {
    int64_t *to;
    ASH_TRY(ASH_READER_NEW(r, r->arena, many.count, to));
    a->count = many.count;
    a->v.ints = to;
    uint64_t x;
    for (size_t i = 0; i < a->count && ash_many_number(&many, &x); i++) to[i] = (int64_t)x;
    return ASHORE_OK;
}

static int read_strings(struct ash_reader *r, struct ash_many many, struct ash_attr *a) {
    struct ash_text *to;
    ASH_TRY(ASH_READER_NEW(r, r->arena, many.count, to));
    a->count = many.count;
    a->v.strings = to;
    for (size_t i = 0; i < a->count; i++) {
        struct ash_view item = {NULL, 0};
        (void)ash_many_next(&many, &item);
        ASH_TRY(ash_reader_bytes(r, item, &to[i]));
    }
    return ASHORE_OK;
}

static int read_tensors(struct ash_reader *r, struct ash_many many, struct ash_attr *a) {
    struct ash_tensor *to;
    ASH_TRY(ASH_READER_NEW(r, r->arena, many.count, to));
    a->count = many.count;
    a->v.tensor = to;
    for (size_t i = 0; i < a->count; i++) {
        struct ash_view item = {NULL, 0};
        (void)ash_many_next(&many, &item);
        ASH_TRY(ash_reader_tensor(r, item, &to[i], NULL));
    }
    return ASHORE_OK;
}

static int read_one_tensor(struct ash_reader *r, const struct attr_proto *p, struct ash_attr *a) {
    struct ash_tensor *to;
    bool sparse = a->type == ASH_ATTR_SPARSE_TENSOR;
    ASH_FAIL_IF((sparse ? p->sparse : p->t).data == NULL, r->err, FORMAT, "it has no tensor");
    ASH_TRY(ASH_READER_NEW(r, r->arena, 1, to));
    a->v.tensor = to;
    return sparse ? ash_reader_sparse(r, p->sparse, to, NULL)
                  : ash_reader_tensor(r, p->t, to, NULL);
}

static int read_type_attr(struct ash_reader *r, const struct attr_proto *p, struct ash_attr *a) {
    struct ash_type *to;
    ASH_TRY(ASH_READER_NEW(r, r->arena, 1, to));
    a->v.type_proto = to;
    return ash_reader_type(r, p->tp, to);
}

static int read_value(struct ash_reader *r, const struct attr_proto *p, struct ash_attr *a) {
    switch (p->type) {
    case ASH_ATTR_FLOAT:
        a->v.f = p->f;
        return ASHORE_OK;
    case ASH_ATTR_INT:
        a->v.i = p->i;
        return ASHORE_OK;
    case ASH_ATTR_STRING:
        return ash_reader_bytes(r, p->s, &a->v.s);
    case ASH_ATTR_TENSOR:
    case ASH_ATTR_SPARSE_TENSOR:
        return read_one_tensor(r, p, a);
    case ASH_ATTR_FLOATS:
        return read_floats(r, p->floats, a);
    case ASH_ATTR_INTS:
        return read_ints(r, p->ints, a);
    case ASH_ATTR_STRINGS:
        return read_strings(r, p->strings, a);
    case ASH_ATTR_TENSORS:
        return read_tensors(r, p->tensors, a);
    case ASH_ATTR_TYPE:
        return read_type_attr(r, p, a);
    case 0:
        return ash_fail(r->err, ASHORE_ERR_FORMAT, "it has no type");
    default:
        return ash_fail(r->err, ASHORE_ERR_UNSUPPORTED, "attributes of type %lld",
                        (long long)p->type);
    }
}

/* A reference to an attribute that the call does not have, and that has no default, is left out. */
static int substitute(struct ash_reader *r, const struct attr_proto *p,
                      const struct ash_node_attrs *call, const char *name,
                      struct ash_node_attrs *attrs) {
    ASH_FAIL_IF(call == NULL, r->err, FORMAT, "it refers to '%.*s', but is in no function",
                ASH_SHOW(p->ref));
    for (uint32_t i = 0; i < call->n_raw; i++) {
        const struct ash_attr *a = &call->raw[i];
        if (!ash_view_is(p->ref, a->name)) continue;
        ASH_FAIL_IF(p->type != 0 && p->type != a->type, r->err, ATTR,
                    "it has type %lld, and '%s' of the call has type %d", (long long)p->type,
                    a->name, (int)a->type);
        attrs->raw[attrs->n_raw] = *a;
        attrs->raw[attrs->n_raw++].name = name;
        break;
    }
    return ASHORE_OK;
}

int ash_reader_attr(struct ash_reader *r, struct ash_view message,
                    const struct ash_node_attrs *call, struct ash_node_attrs *attrs) {
    struct attr_proto p = {0};
    const char *name;
    ASH_TRY(ash_wire_read(message, attr_rules, &p, r->err));
    ASH_FAIL_IF(p.name.size == 0, r->err, FORMAT, "attribute without a name");
    ASH_TRY(ash_reader_text(r, p.name, &name));
    int rc = ASHORE_OK;
    if (p.ref.size != 0) {
        rc = substitute(r, &p, call, name, attrs);
    } else if (p.type == ASH_ATTR_GRAPH) {
        attrs->graphs[attrs->n_graphs++] = (struct ash_attr_graph){name, p.g};
    } else {
        struct ash_attr *a = &attrs->raw[attrs->n_raw++];
        a->name = name;
        a->type = (int32_t)p.type;
        rc = read_value(r, &p, a);
    }
    if (rc != ASHORE_OK) ash_error_prefix(r->err, "attribute '%s': ", name);
    return rc;
}

int ash_reader_attrs(struct ash_reader *r, struct ash_many many, const struct ash_node_attrs *call,
                     struct ash_node_attrs *attrs) {
    *attrs = (struct ash_node_attrs){0};
    ASH_FAIL_IF(many.count > ASH_READER_ATTRS, r->err, LIMIT, "%zu attributes", many.count);
    ASH_TRY(ASH_READER_NEW(r, r->arena, many.count, attrs->raw));
    ASH_TRY(ASH_READER_NEW(r, &r->scratch, many.count, attrs->graphs));
    struct ash_view item;
    for (size_t left = many.count; left != 0 && ash_many_next(&many, &item); left--) {
        ASH_TRY(ash_reader_attr(r, item, call, attrs));
    }
    struct ash_attr_graph *g = attrs->graphs;
    if (attrs->n_graphs == 2 && strcmp(g[0].name, g[1].name) < 0) {
        struct ash_attr_graph first = g[0];
        g[0] = g[1];
        g[1] = first;
    }
    return ASHORE_OK;
}

/* ---- Constant ---- */

static int strings_tensor(struct ash_reader *r, const struct ash_text *text, size_t n,
                          struct ash_tensor *t) {
    size_t total = 0;
    for (size_t i = 0; i < n; i++) total = ash_size_add(total, text[i].length);
    ASH_FAIL_IF(total > UINT32_MAX, r->err, LIMIT, "more than 4 GB of text");
    struct ash_str *to;
    char *chars;
    ASH_TRY(ASH_READER_NEW(r, r->arena, n, to));
    ASH_TRY(ASH_READER_NEW(r, r->arena, total, chars));
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        to[i] = (struct ash_str){at, (uint32_t)text[i].length};
        memcpy(chars + at, text[i].data, text[i].length);
        at += to[i].length;
    }
    t->data = to;
    t->chars = chars;
    return ASHORE_OK;
}

static int constant_tensor(struct ash_reader *r, const struct ash_attr *a, struct ash_tensor *t) {
    const void *from = &a->v;
    switch (a->type) {
    case ASH_ATTR_TENSOR:
    case ASH_ATTR_SPARSE_TENSOR:
        *t = *a->v.tensor;
        return ASHORE_OK;
    case ASH_ATTR_FLOAT:
        t->dtype = ASHORE_FLOAT32;
        break;
    case ASH_ATTR_INT:
        t->dtype = ASHORE_INT64;
        break;
    case ASH_ATTR_STRING:
        t->dtype = ASHORE_STRING;
        break;
    case ASH_ATTR_FLOATS:
        t->dtype = ASHORE_FLOAT32;
        from = a->v.floats;
        break;
    case ASH_ATTR_INTS:
        t->dtype = ASHORE_INT64;
        from = a->v.ints;
        break;
    case ASH_ATTR_STRINGS:
        t->dtype = ASHORE_STRING;
        from = a->v.strings;
        break;
    default:
        return ash_fail(r->err, ASHORE_ERR_ATTR, "attribute '%s' is no constant", a->name);
    }
    if (a->type >= ASH_ATTR_FLOATS) {
        t->rank = 1;
        t->dim[0] = (int64_t)a->count;
    }
    if (t->dtype == ASHORE_STRING) {
        return strings_tensor(r, from, t->rank != 0 ? a->count : 1, t);
    }
    t->data = (void *)(uintptr_t)from;
    return ASHORE_OK;
}

int ash_reader_constant(struct ash_reader *r, const struct ash_node_attrs *attrs,
                        struct ash_tensor **t) {
    ASH_FAIL_IF(attrs->n_raw != 1, r->err, ATTR, "a constant has one attribute, this one has %u",
                (unsigned)attrs->n_raw);
    ASH_TRY(ASH_READER_NEW(r, r->arena, 1, *t));
    return constant_tensor(r, &attrs->raw[0], *t);
}
