/* NodeProto, and the order in which the nodes of a scope can run.
 *
 * Files are to be sorted, and nearly all are: then nothing is allocated.  Otherwise a depth-first
 * walk over the nodes in file order, along the names that nodes take as inputs, with a stack of its
 * own.  What subgraphs capture is not followed here: ash_scope_find runs such a node when its value
 * is asked for. */
#include "onnx/onnx_reader.h"

static const struct ash_wire_rule node_rules[] = {
    ASH_WIRE_RULE(1, MANY, ash_node_proto, input),
    ASH_WIRE_RULE(2, MANY, ash_node_proto, output),
    ASH_WIRE_RULE(5, MANY, ash_node_proto, attribute),
    ASH_WIRE_RULE(3, BYTES, ash_node_proto, name),
    ASH_WIRE_RULE(4, BYTES, ash_node_proto, op_type),
    ASH_WIRE_RULE(7, BYTES, ash_node_proto, domain),
    ASH_WIRE_RULE(8, BYTES, ash_node_proto, overload),
    ASH_WIRE_RULE(ASH_NODE_LABEL, BYTES, ash_node_proto, label),
    ASH_WIRE_RULE(ASH_NODE_VERSION, INT, ash_node_proto, version),
    ASH_WIRE_END,
};

int ash_reader_node(struct ash_reader *r, struct ash_view message, struct ash_node_proto *p) {
    *p = (struct ash_node_proto){0};
    return ash_wire_read(message, node_rules, p, r->err);
}

struct visit {
    uint32_t node;
    struct ash_many left; /* inputs */
};

/* The node that makes an input, ASH_NONE when none of this scope does. */
static uint32_t maker_of(const struct ash_scope *s, struct ash_view name) {
    const struct ash_name *slot =
        name.size != 0 ? ash_name_find(&s->names, name, ash_view(NULL, 0)) : NULL;
    return slot != NULL ? slot->maker : ASH_NONE;
}

static int is_sorted(struct ash_scope *s, bool *sorted) {
    *sorted = true;
    for (uint32_t i = 0; i < s->n_nodes && *sorted; i++) {
        struct ash_node_proto p;
        struct ash_view name;
        ASH_TRY(ash_reader_node(s->r, s->nodes[i].message, &p));
        while (*sorted && ash_many_next(&p.input, &name)) {
            uint32_t maker = maker_of(s, name);
            *sorted = maker == ASH_NONE || maker < i;
        }
    }
    return ASHORE_OK;
}

static int cycle(struct ash_scope *s, uint32_t node) {
    struct ash_node_proto p;
    ASH_TRY(ash_reader_node(s->r, s->nodes[node].message, &p));
    return ash_fail(s->r->err, ASHORE_ERR_FORMAT,
                    "the graph has a cycle through node '%.*s' (%.*s)", ASH_SHOW(p.name),
                    ASH_SHOW(p.op_type));
}

static int enter(struct ash_scope *s, struct visit *v, uint32_t node) {
    struct ash_node_proto p;
    ASH_TRY(ash_reader_node(s->r, s->nodes[node].message, &p));
    s->nodes[node].state = ASH_NODE_RUNS;
    *v = (struct visit){node, p.input};
    return ASHORE_OK;
}

static int walk(struct ash_scope *s, struct visit *stack, uint32_t root, uint32_t *order,
                uint32_t *n) {
    uint32_t depth = 1;
    ASH_TRY(enter(s, &stack[0], root));
    while (depth != 0) {
        struct visit *v = &stack[depth - 1];
        struct ash_view name;
        if (!ash_many_next(&v->left, &name)) {
            s->nodes[v->node].state = ASH_NODE_DONE;
            order[(*n)++] = v->node;
            depth--;
            continue;
        }
        uint32_t maker = maker_of(s, name);
        if (maker == ASH_NONE || s->nodes[maker].state == ASH_NODE_DONE) continue;
        if (s->nodes[maker].state == ASH_NODE_RUNS) return cycle(s, maker);
        ASH_TRY(enter(s, &stack[depth++], maker));
    }
    return ASHORE_OK;
}

int ash_scope_order(struct ash_scope *s, uint32_t **order) {
    bool sorted;
    struct visit *stack;
    uint32_t n = 0;
    *order = NULL;
    ASH_TRY(is_sorted(s, &sorted));
    if (sorted) return ASHORE_OK;
    ASH_TRY(ASH_READER_NEW(s->r, &s->r->scratch, s->n_nodes, *order));
    ASH_TRY(ASH_READER_NEW(s->r, &s->r->scratch, s->n_nodes, stack));
    for (uint32_t i = 0; i < s->n_nodes; i++) {
        if (s->nodes[i].state == ASH_NODE_WAITS) ASH_TRY(walk(s, stack, i, *order, &n));
    }
    for (uint32_t i = 0; i < s->n_nodes; i++) s->nodes[i].state = ASH_NODE_WAITS;
    return ASHORE_OK;
}
