/* TypeProto -> struct ash_type. */
#include "onnx/onnx_reader.h"

struct type_proto {
    struct ash_view tensor, sequence, map, opaque, sparse, optional;
};
static const struct ash_wire_rule type_rules[] = {
    ASH_WIRE_RULE(1, BYTES, type_proto, tensor),
    ASH_WIRE_RULE(4, BYTES, type_proto, sequence),
    ASH_WIRE_RULE(5, BYTES, type_proto, map),
    ASH_WIRE_RULE(7, BYTES, type_proto, opaque),
    ASH_WIRE_RULE(8, BYTES, type_proto, sparse),
    ASH_WIRE_RULE(9, BYTES, type_proto, optional),
    ASH_WIRE_END,
};

/* Tensor, and the containers: an element type as a number or as a type. */
struct elem_proto {
    int64_t dtype;
    struct ash_view second; /* a tensor's shape, a map's value type */
};
static const struct ash_wire_rule elem_rules[] = {
    ASH_WIRE_RULE(1, INT, elem_proto, dtype),
    ASH_WIRE_RULE(2, BYTES, elem_proto, second),
    ASH_WIRE_END,
};

struct list_proto {
    struct ash_view elem;
};
static const struct ash_wire_rule list_rules[] = {
    ASH_WIRE_RULE(1, BYTES, list_proto, elem),
    ASH_WIRE_END,
};

struct shape_proto {
    struct ash_many dim;
};
static const struct ash_wire_rule shape_rules[] = {
    ASH_WIRE_RULE(1, MANY, shape_proto, dim),
    ASH_WIRE_END,
};

struct dim_proto {
    int64_t value;
    struct ash_view param;
};
static const struct ash_wire_rule dim_rules[] = {
    ASH_WIRE_RULE(1, INT, dim_proto, value),
    ASH_WIRE_RULE(2, BYTES, dim_proto, param),
    ASH_WIRE_END,
};

struct info_proto {
    struct ash_view name, type;
};
static const struct ash_wire_rule info_rules[] = {
    ASH_WIRE_RULE(1, BYTES, info_proto, name),
    ASH_WIRE_RULE(2, BYTES, info_proto, type),
    ASH_WIRE_END,
};

/* The symbol table looks through all names, so names that were seen are not asked for again, and
 * past a number of names extents are unknown. */
static int named_dim(struct ash_reader *r, struct ash_view param, struct ash_dim *dim) {
    struct ash_name *name;
    bool fresh;
    *dim = ash_dim_unknown();
    if (param.size == 0) return ASHORE_OK;
    if (r->dim_names.count >= ASH_READER_DIM_NAMES &&
        ash_name_find(&r->dim_names, param, ash_view(NULL, 0)) == NULL) {
        return ASHORE_OK;
    }
    ASH_TRY(ash_name_add(&r->dim_names, param, ash_view(NULL, 0), &name, &fresh, r->err));
    if (fresh) {
        struct ash_dim made = ash_dim_named(r->syms, (const char *)param.data, param.size);
        if (made.kind == ASH_DIM_SYMBOLIC) name->id = (uint32_t)made.value;
    }
    if (name->id != ASH_NONE) *dim = (struct ash_dim){name->id, ASH_DIM_SYMBOLIC};
    return ASHORE_OK;
}

/* Exporters write -1 for an extent that they do not know. */
static int read_dims(struct ash_reader *r, struct ash_view message, struct ash_type *type) {
    struct shape_proto p = {0};
    ASH_TRY(ash_wire_read(message, shape_rules, &p, r->err));
    if (p.dim.count > ASH_MAX_RANK) return ASHORE_OK;
    struct ash_view item;
    int rank = 0;
    while (rank < ASH_MAX_RANK && ash_many_next(&p.dim, &item)) {
        struct dim_proto d = {.value = -1};
        ASH_TRY(ash_wire_read(item, dim_rules, &d, r->err));
        struct ash_dim *dim = &type->dim[rank++];
        if (d.value >= 0) {
            *dim = ash_dim_exact(d.value);
        } else {
            ASH_TRY(named_dim(r, d.param, dim));
        }
    }
    type->rank = (int8_t)rank;
    return ASHORE_OK;
}

static int read_dtype(struct ash_reader *r, const struct elem_proto *p, struct ash_type *type) {
    ASH_FAIL_IF(p->dtype < 0 || p->dtype >= ASHORE_DTYPE_COUNT, r->err, UNSUPPORTED,
                "element type %lld is not known", (long long)p->dtype);
    type->dtype = (uint8_t)p->dtype;
    return ASHORE_OK;
}

static int read_type(struct ash_reader *r, struct ash_view message, struct ash_type *type,
                     int depth) {
    ASH_FAIL_IF(depth > ASH_READER_TYPE_DEPTH, r->err, LIMIT, "types nest more than %d deep",
                ASH_READER_TYPE_DEPTH);
    *type = (struct ash_type){.kind = ASHORE_TENSOR, .rank = -1};
    struct type_proto p = {0};
    ASH_TRY(ash_wire_read(message, type_rules, &p, r->err));
    ASH_FAIL_IF(p.opaque.data != NULL, r->err, UNSUPPORTED, "opaque types");
    ASH_FAIL_IF(p.sparse.data != NULL, r->err, UNSUPPORTED, "sparse tensors as values");
    struct elem_proto e = {0};
    struct ash_view inner = {NULL, 0};
    if (p.tensor.data != NULL) {
        ASH_TRY(ash_wire_read(p.tensor, elem_rules, &e, r->err));
        ASH_TRY(read_dtype(r, &e, type));
        return e.second.data != NULL ? read_dims(r, e.second, type) : ASHORE_OK;
    }
    if (p.map.data != NULL) {
        type->kind = ASHORE_MAP;
        ASH_TRY(ash_wire_read(p.map, elem_rules, &e, r->err));
        ASH_TRY(read_dtype(r, &e, type));
        inner = e.second;
    } else if (p.sequence.data != NULL || p.optional.data != NULL) {
        bool list = p.sequence.data != NULL;
        struct list_proto l = {0};
        type->kind = list ? ASHORE_SEQUENCE : ASHORE_OPTIONAL;
        ASH_TRY(ash_wire_read(list ? p.sequence : p.optional, list_rules, &l, r->err));
        inner = l.elem;
    }
    if (inner.data == NULL) return ASHORE_OK;
    struct ash_type *elem;
    ASH_TRY(ASH_READER_NEW(r, r->arena, 1, elem));
    type->elem = elem;
    return read_type(r, inner, elem, depth + 1);
}

int ash_reader_type(struct ash_reader *r, struct ash_view message, struct ash_type *type) {
    return read_type(r, message, type, 0);
}

int ash_reader_value_info(struct ash_reader *r, struct ash_view message, struct ash_view *name,
                          struct ash_view *type) {
    struct info_proto p = {0};
    ASH_TRY(ash_wire_read(message, info_rules, &p, r->err));
    *name = p.name;
    *type = p.type;
    return ASHORE_OK;
}
