/* Optional, OptionalHasElement, OptionalGetElement.  From operator set 18 on the last two take what
 * is not an optional as well: it is there, and it is itself. */
#include "ops/move.h"

extern const struct ash_op ash_ops_optional[];

struct optional_attrs {
    const struct ash_type *type; /* NULL: of the input */
};

static int optional_parse(const struct ash_parse *c, void *attrs) {
    const struct ash_attr *a = ash_node_attr(c->node, "type");
    ASH_FAIL_IF(a && a->type != ASH_ATTR_TYPE, c->err, ATTR,
                "attribute 'type' has type %d, expected %d", a->type, ASH_ATTR_TYPE);
    if (a) ((struct optional_attrs *)attrs)->type = a->v.type_proto;
    return ASHORE_OK;
}

static int optional_infer(struct ash_infer *c) {
    const struct optional_attrs *a = c->attrs;
    struct ash_type *elem = ash_arena_alloc(c->arena, sizeof *elem);
    if (!elem) return ash_fail_nomem(c->err, sizeof *elem);
    bool given = ash_infer_has(c, 0);
    ASH_FAIL_IF(!given && !a->type, c->err, ATTR,
                "an optional without an element needs attribute 'type'");
    *elem = given ? c->in[0]->type : *a->type;
    c->out->type.kind = ASHORE_OPTIONAL;
    c->out->type.elem = elem;
    return ASHORE_OK;
}

static int optional_ref(struct ash_run *c) {
    struct ashore_value *v;
    bool given = ash_run_has(c, 0);
    ASH_TRY(ash_value_list(c->heap, ASHORE_OPTIONAL, given, &v, c->err));
    ash_run_give(c, 0, v);
    return given ? ash_run_keep(c, 0, &v->items[0]) : ASHORE_OK;
}

static bool is_optional(const struct ash_run *c) {
    return c->in_value[0] && c->in_value[0]->kind == ASHORE_OPTIONAL;
}

static int has_infer(struct ash_infer *c) {
    ash_infer_set(c, 0, ASHORE_BOOL, 0, NULL);
    return ASHORE_OK;
}

static int has_ref(struct ash_run *c) {
    bool has = ash_run_has(c, 0);
    if (has && is_optional(c)) has = c->in_value[0]->count > 0;
    *(uint8_t *)c->out[0]->data = has;
    return ASHORE_OK;
}

static int get_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    if (t->kind != ASHORE_OPTIONAL)
        ash_infer_same(c, 0, 0);
    else if (t->elem)
        c->out->type = *t->elem;
    return ASHORE_OK;
}

static int get_ref(struct ash_run *c) {
    if (!is_optional(c)) return ash_run_forward(c, 0, 0);
    const struct ashore_value *v = c->in_value[0];
    ASH_FAIL_IF(v->count == 0, c->err, INDEX, "the optional has no element");
    ash_run_give(c, 0, ash_value_retain(v->items[0]));
    return ASHORE_OK;
}

#define OPTIONAL                                                                                   \
    .domain = "", .since = 15, .in_max = 1, .out_min = 1, .out_max = 1, .flags = ASH_OP_VALUES

const struct ash_op ash_ops_optional[] = {
    {OPTIONAL, .name = "Optional", .attrs_size = sizeof(struct optional_attrs),
     .parse = optional_parse, .infer = optional_infer, .ref = optional_ref},
    {OPTIONAL, .name = "OptionalHasElement", .infer = has_infer, .ref = has_ref},
    {OPTIONAL, .name = "OptionalGetElement", .in_min = 1, .infer = get_infer, .ref = get_ref},
    {0}};
