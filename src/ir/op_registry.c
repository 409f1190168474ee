#include "ir/op.h"

#include "base/format.h"

#include <string.h>

#define OPS(stem) extern const struct ash_op ash_ops_##stem[];
#include "ops_list.inc"
#undef OPS

static const struct ash_op *const tables[] = {
#define OPS(stem) ash_ops_##stem,
#include "ops_list.inc"
#undef OPS
    NULL,
};

static bool is(const struct ash_op *d, const char *domain, const char *name, int opset) {
    return *d->name == *name && d->since <= opset && (!d->until || opset <= d->until) &&
           !strcmp(d->name, name) && !strcmp(d->domain, domain);
}

const struct ash_op *ash_op_find(const char *domain, const char *name, int opset) {
    for (const struct ash_op *const *t = tables; *t; t++) {
        for (const struct ash_op *d = *t; d->name; d++) {
            if (is(d, domain, name, opset)) return d;
        }
    }
    return NULL;
}

/* The tables are long, and graphs have few kinds of nodes: most have been looked up before. */
static const struct ash_op *find_near(const struct ash_graph *g, const struct ash_node *node) {
    enum { NEAR = 64 };
    for (uint32_t i = 0; i < g->n_nodes && i < NEAR; i++) {
        const struct ash_op *d = g->nodes[i]->op;
        if (d && is(d, node->domain, node->op_type, node->opset)) return d;
    }
    return ash_op_find(node->domain, node->op_type, node->opset);
}

/* ---- attributes ---- */

/* The raw attribute, NULL when absent; of another type than wanted: an error. */
static int find(const struct ash_parse *c, const char *name, int type,
                const struct ash_attr **out) {
    const struct ash_attr *a = ash_node_attr(c->node, name);
    ASH_FAIL_IF(a && a->type != type, c->err, ATTR, "attribute '%s' has type %d, expected %d", name,
                a->type, type);
    *out = a;
    return ASHORE_OK;
}

int ash_parse_int(const struct ash_parse *c, const char *name, int64_t fallback, int64_t *out) {
    const struct ash_attr *a = NULL;
    ASH_TRY(find(c, name, ASH_ATTR_INT, &a));
    *out = a ? a->v.i : fallback;
    return ASHORE_OK;
}

int ash_parse_int_required(const struct ash_parse *c, const char *name, int64_t *out) {
    const struct ash_attr *a = NULL;
    ASH_TRY(find(c, name, ASH_ATTR_INT, &a));
    ASH_FAIL_IF(!a, c->err, ATTR, "attribute '%s' is missing", name);
    *out = a->v.i;
    return ASHORE_OK;
}

int ash_parse_float(const struct ash_parse *c, const char *name, float fallback, float *out) {
    const struct ash_attr *a = NULL;
    ASH_TRY(find(c, name, ASH_ATTR_FLOAT, &a));
    *out = a ? a->v.f : fallback;
    return ASHORE_OK;
}

/* A list of no elements may be written as any plural type, and often is. */
static int find_list(const struct ash_parse *c, const char *name, int type,
                     const struct ash_attr **out, size_t *n) {
    const struct ash_attr *a = ash_node_attr(c->node, name);
    if (a && a->type != type && a->count == 0 && a->type >= ASH_ATTR_FLOATS) a = NULL;
    ASH_FAIL_IF(a && a->type != type, c->err, ATTR, "attribute '%s' has type %d, expected %d", name,
                a->type, type);
    *out = a;
    *n = a ? a->count : 0;
    return ASHORE_OK;
}

int ash_parse_ints(const struct ash_parse *c, const char *name, const int64_t **out, size_t *n) {
    const struct ash_attr *a = NULL;
    ASH_TRY(find_list(c, name, ASH_ATTR_INTS, &a, n));
    *out = a ? a->v.ints : NULL;
    return ASHORE_OK;
}

int ash_parse_floats(const struct ash_parse *c, const char *name, const float **out, size_t *n) {
    const struct ash_attr *a = NULL;
    ASH_TRY(find_list(c, name, ASH_ATTR_FLOATS, &a, n));
    *out = a ? a->v.floats : NULL;
    return ASHORE_OK;
}

int ash_parse_strings(const struct ash_parse *c, const char *name, const struct ash_text **out,
                      size_t *n) {
    const struct ash_attr *a = NULL;
    ASH_TRY(find_list(c, name, ASH_ATTR_STRINGS, &a, n));
    *out = a ? a->v.strings : NULL;
    return ASHORE_OK;
}

int ash_parse_tensor(const struct ash_parse *c, const char *name, const struct ash_tensor **out) {
    const struct ash_attr *a = NULL;
    ASH_TRY(find(c, name, ASH_ATTR_TENSOR, &a));
    *out = a ? a->v.tensor : NULL;
    return ASHORE_OK;
}

int ash_parse_choice(const struct ash_parse *c, const char *name, const char *const *choices,
                     int fallback, int *out) {
    const struct ash_attr *a = NULL;
    ASH_TRY(find(c, name, ASH_ATTR_STRING, &a));
    *out = fallback;
    if (!a) return ASHORE_OK;
    for (int i = 0; choices[i]; i++) {
        if (a->v.s.length == strlen(choices[i]) && !strcmp(a->v.s.data, choices[i])) {
            *out = i;
            return ASHORE_OK;
        }
    }
    return ash_fail(c->err, ASHORE_ERR_ATTR, "attribute '%s' has the unknown value \"%.40s\"", name,
                    a->v.s.data);
}

static int check_count(uint32_t n, const char *what, uint32_t min, uint32_t max,
                       struct ashore_error *err) {
    if (n >= min && (max == ASH_VARIADIC || n <= max)) return ASHORE_OK;
    const char *plural = (max == ASH_VARIADIC ? min : max) == 1 ? "" : "s";
    if (max == ASH_VARIADIC)
        return ash_fail(err, ASHORE_ERR_FORMAT, "takes at least %u %s%s, has %u", min, what, plural,
                        n);
    if (min == max)
        return ash_fail(err, ASHORE_ERR_FORMAT, "takes %u %s%s, has %u", min, what, plural, n);
    return ash_fail(err, ASHORE_ERR_FORMAT, "takes %u to %u %s%s, has %u", min, max, what, plural,
                    n);
}

static int check_arity(const struct ash_node *node, const struct ash_op *op,
                       struct ashore_error *err) {
    ASH_TRY(check_count(node->n_formal, "input", op->in_min, op->in_max, err));
    ASH_TRY(check_count(node->n_out, "output", op->out_min, op->out_max, err));
    for (uint32_t i = 0; i < op->in_min; i++) {
        ASH_FAIL_IF(node->in[i] == ASH_NONE, err, FORMAT, "required input %u is left out", i);
    }
    return ASHORE_OK;
}

int ash_node_resolve(struct ash_graph *g, struct ash_node *node, struct ashore_error *err) {
    const struct ash_op *op = find_near(g, node);
    node->op = op;
    if (!op) return ASHORE_OK;
    int rc = check_arity(node, op, err);
    if (rc == ASHORE_OK && op->parse) {
        void *attrs = ash_arena_alloc(g->arena, op->attrs_size);
        if (!attrs) return ash_fail_nomem(err, op->attrs_size);
        struct ash_parse c = {node, g->arena, err};
        rc = op->parse(&c, attrs);
        node->attrs = attrs;
    }
    if (rc != ASHORE_OK) ash_error_node(err, node);
    return rc;
}

int ash_graph_resolve(struct ash_graph *g, struct ashore_error *err) {
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        ASH_TRY(ash_node_resolve(g, g->nodes[i], err));
        for (uint32_t k = 0; k < g->nodes[i]->n_sub; k++)
            ASH_TRY(ash_graph_resolve(g->nodes[i]->sub[k].graph, err));
    }
    return ASHORE_OK;
}

void ash_error_node(struct ashore_error *err, const struct ash_node *node) {
    if (!err || err->op[0]) return;
    /* Before its operator set is known a node has no version. */
    char version[24] = "";
    if (node->opset) ash_format(version, sizeof version, ", opset %d", node->opset);
    ash_error_prefix(err, "node '%s' (%s%s%s%s): ", node->name, node->domain,
                     *node->domain ? "." : "", node->op_type, version);
    size_t n = strlen(node->name), m = strlen(node->op_type);
    if (n >= sizeof err->node) n = sizeof err->node - 1;
    if (m >= sizeof err->op) m = sizeof err->op - 1;
    memcpy(err->node, node->name, n);
    memcpy(err->op, node->op_type, m);
    err->node[n] = err->op[m] = '\0';
}
