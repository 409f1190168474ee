/* GraphProto -> struct ash_graph: names become numbers, captures become inputs. */
#include "onnx/onnx_reader.h"

#include "ir/op.h"

#include <string.h>

ASH_MAKES("Identity", ""); /* an output by another name */

struct graph_proto {
    struct ash_many nodes, initializers, sparse, inputs, outputs, infos;
    struct ash_view name;
};
static const struct ash_wire_rule graph_rules[] = {
    ASH_WIRE_RULE(1, MANY, graph_proto, nodes),   ASH_WIRE_RULE(5, MANY, graph_proto, initializers),
    ASH_WIRE_RULE(11, MANY, graph_proto, inputs), ASH_WIRE_RULE(12, MANY, graph_proto, outputs),
    ASH_WIRE_RULE(13, MANY, graph_proto, infos),  ASH_WIRE_RULE(15, MANY, graph_proto, sparse),
    ASH_WIRE_RULE(2, BYTES, graph_proto, name),   ASH_WIRE_END,
};

static const struct ash_view no_view = {NULL, 0};

/* ---- names ---- */

/* "y" in the call of a function that makes "out" is "out/y".  Such names are for people: when they
 * get long they are cut, as what is inlined must not grow with the length of names. */
static int value_name(struct ash_scope *s, struct ash_view name, const char **text) {
    enum { ROOM = 200 };
    if (s->prefix[0] == '\0') return ash_reader_text(s->r, name, text);
    ASH_FAIL_IF(memchr(name.data, 0, name.size) != NULL, s->r->err, FORMAT,
                "name '%.*s' holds a zero byte", ASH_SHOW(name));
    size_t n = strlen(s->prefix);
    if (n > ROOM) n = ROOM;
    size_t m = name.size < ROOM ? name.size : ROOM;
    char *to;
    ASH_TRY(ASH_READER_NEW(s->r, s->r->arena, n + m + 2, to));
    memcpy(to, s->prefix, n);
    to[n] = '/';
    memcpy(to + n + 1, name.data, m);
    *text = to;
    return ASHORE_OK;
}

static int declare(struct ash_scope *s, struct ash_view name, struct ash_name **slot) {
    bool fresh;
    ASH_FAIL_IF(name.size == 0, s->r->err, FORMAT, "a value without a name");
    ASH_TRY(ash_name_add(&s->names, name, no_view, slot, &fresh, s->r->err));
    ASH_FAIL_IF(!fresh, s->r->err, FORMAT, "value '%.*s' is defined twice", ASH_SHOW(name));
    return ASHORE_OK;
}

int ash_scope_bind(struct ash_scope *s, struct ash_view name, uint32_t id) {
    struct ash_name *slot;
    bool fresh;
    ASH_TRY(ash_name_add(&s->names, name, no_view, &slot, &fresh, s->r->err));
    slot->id = id;
    slot->maker = ASH_NONE;
    struct ash_valuedef *v = id == ASH_NONE ? NULL : &s->graph->values[id];
    bool untyped = v != NULL && v->data == NULL && v->type.kind == ASHORE_TENSOR &&
                   v->type.dtype == ASHORE_UNDEFINED;
    if (slot->type.data == NULL || !untyped) return ASHORE_OK;
    int rc = ash_reader_type(s->r, slot->type, &v->type);
    if (rc != ASHORE_OK) ash_error_prefix(s->r->err, "value '%.*s': ", ASH_SHOW(name));
    return rc;
}

int ash_scope_value(struct ash_scope *s, struct ash_view name, uint32_t *id) {
    const char *text;
    ASH_TRY(value_name(s, name, &text));
    ASH_TRY(ash_graph_add_value(s->graph, text, id, s->r->err));
    return ash_scope_bind(s, name, *id);
}

static int push(struct ash_reader *r, uint32_t **list, uint32_t n, uint32_t *cap, uint32_t id,
                struct ash_arena *arena) {
    if (n == *cap) {
        uint32_t more = *cap != 0 ? 2 * *cap : 8;
        uint32_t *to;
        ASH_TRY(ASH_READER_NEW(r, arena, more, to));
        if (n != 0) memcpy(to, *list, n * sizeof *to);
        *list = to;
        *cap = more;
    }
    (*list)[n] = id;
    return ASHORE_OK;
}

static int add_input(struct ash_scope *s, uint32_t id) {
    struct ash_graph *g = s->graph;
    ASH_TRY(push(s->r, &g->inputs, g->n_inputs, &s->cap_inputs, id, g->arena));
    g->n_inputs++;
    return ASHORE_OK;
}

/* ---- captures ---- */

static int capture(struct ash_scope *s, struct ash_view name, uint32_t *id) {
    uint32_t from;
    ASH_TRY(ash_scope_find(s->outer, name, &from));
    if (from == ASH_NONE) {
        *id = ASH_NONE;
        return ash_scope_bind(s, name, ASH_NONE);
    }
    ASH_TRY(ash_graph_add_value(s->graph, s->outer->graph->values[from].name, id, s->r->err));
    struct ash_valuedef *v = &s->graph->values[*id];
    *v = s->outer->graph->values[from];
    if (v->data == NULL) {
        ASH_TRY(push(s->r, &s->captured, s->n_captured, &s->cap_captured, from, &s->r->scratch));
        s->n_captured++;
        ASH_TRY(add_input(s, *id));
    }
    return ash_scope_bind(s, name, *id);
}

static int run_node(struct ash_scope *s, uint32_t index);

int ash_scope_find(struct ash_scope *s, struct ash_view name, uint32_t *id) {
    *id = ASH_NONE;
    if (name.size == 0) return ASHORE_OK;
    const struct ash_name *slot = ash_name_find(&s->names, name, no_view);
    if (slot == NULL && s->outer != NULL) return capture(s, name, id);
    if (slot != NULL && slot->maker != ASH_NONE) {
        ASH_TRY(run_node(s, slot->maker)); /* a subgraph is ahead of the order outside */
        slot = ash_name_find(&s->names, name, no_view);
    }
    ASH_FAIL_IF(slot == NULL, s->r->err, FORMAT, "value '%.*s' is not defined", ASH_SHOW(name));
    *id = slot->id;
    return ASHORE_OK;
}

/* ---- nodes ---- */

static int read_subs(struct ash_scope *s, const struct ash_node_attrs *attrs,
                     struct ash_scope **inner, uint32_t *captured) {
    ASH_TRY(ASH_READER_NEW(s->r, &s->r->scratch, attrs->n_graphs, *inner));
    for (uint32_t i = 0; i < attrs->n_graphs; i++) {
        int rc = ash_reader_graph(s->r, attrs->graphs[i].message, s, &(*inner)[i]);
        if (rc != ASHORE_OK) {
            /* Where a node in there is to blame, it says more than the way to it. */
            struct ashore_error *err = s->r->err;
            bool named = err != NULL && err->op[0] != '\0';
            if (!named) ash_error_prefix(err, "attribute '%s': ", attrs->graphs[i].name);
            return rc;
        }
        *captured += (*inner)[i].n_captured;
    }
    return ASHORE_OK;
}

static void set_subs(struct ash_node *node, const struct ash_node_attrs *attrs,
                     const struct ash_scope *inner) {
    uint32_t at = node->n_formal;
    for (uint32_t i = 0; i < node->n_sub; i++) {
        const struct ash_scope *in = &inner[i];
        struct ash_sub *sub = &node->sub[i];
        sub->graph = in->graph;
        sub->formal = in->graph->n_inputs - in->n_captured;
        sub->first_capture = at;
        sub->name = attrs->graphs[i].name;
        for (uint32_t k = 0; k < in->n_captured; k++) node->in[at++] = in->captured[k];
    }
}

/* An operator. */
static int run_operator(struct ash_scope *s, const struct ash_node_proto *p,
                        const struct ash_node *head, const struct ash_node_attrs *attrs) {
    struct ash_reader *r = s->r;
    uint32_t n_in = (uint32_t)p->input.count, n_out = (uint32_t)p->output.count, captured = 0;
    uint32_t *in;
    struct ash_scope *inner;
    struct ash_many input = p->input, output = p->output;
    struct ash_view name;
    ASH_TRY(ASH_READER_NEW(r, &r->scratch, n_in, in));
    for (uint32_t i = 0; i < n_in && ash_many_next(&input, &name); i++) {
        ASH_TRY(ash_scope_find(s, name, &in[i]));
    }
    ASH_TRY(read_subs(s, attrs, &inner, &captured));
    struct ash_node *node;
    ASH_TRY(ash_graph_add_node(s->graph, head->domain, head->op_type, head->opset, n_in + captured,
                               n_out, &node, r->err));
    node->name = head->name;
    node->label = head->label;
    node->raw = attrs->raw;
    node->n_raw = attrs->n_raw;
    node->n_formal = n_in;
    node->n_sub = attrs->n_graphs;
    ASH_TRY(ASH_READER_NEW(r, r->arena, node->n_sub, node->sub));
    if (n_in != 0) memcpy(node->in, in, n_in * sizeof *in);
    set_subs(node, attrs, inner);
    for (uint32_t i = 0; i < n_out && ash_many_next(&output, &name); i++) {
        if (name.size != 0) ASH_TRY(ash_scope_value(s, name, &node->out[i]));
    }
    return ASHORE_OK;
}

/* A constant for a name. */
static int add_const(struct ash_scope *s, struct ash_view name, const struct ash_tensor *t) {
    uint32_t id;
    ASH_TRY(ash_scope_value(s, name, &id));
    struct ash_valuedef *v = &s->graph->values[id];
    v->data = t;
    v->type = (struct ash_type){
        .kind = ASHORE_TENSOR, .dtype = (uint8_t)t->dtype, .rank = (int8_t)t->rank};
    for (int i = 0; i < t->rank; i++) v->type.dim[i] = ash_dim_exact(t->dim[i]);
    if (s->count) ash_reader_count_weight(s->r, t);
    return ASHORE_OK;
}

static int run_constant(struct ash_scope *s, const struct ash_node_proto *p,
                        const struct ash_node_attrs *attrs) {
    struct ash_tensor *t;
    struct ash_view name = no_view;
    struct ash_many output = p->output;
    ASH_FAIL_IF(p->output.count != 1 || !ash_many_next(&output, &name) || name.size == 0, s->r->err,
                FORMAT, "a constant has one output");
    ASH_TRY(ash_reader_constant(s->r, attrs, &t));
    return add_const(s, name, t);
}

/* 0: the domain is not imported. */
static int32_t opset_of(const struct ash_scope *s, const char *domain) {
    for (size_t i = 0; i < s->n_imports; i++) {
        if (strcmp(s->imports[i].domain, domain) == 0) return (int32_t)s->imports[i].version;
    }
    return 0;
}

/* Operators by domain and name: counts them, and gives names that all their nodes share. */
static int op_row(struct ash_reader *r, const struct ash_node_proto *p, struct ash_onnx_op **row) {
    struct ash_name *slot;
    bool fresh;
    struct ash_view domain = p->domain;
    if (ash_view_is(domain, "ai.onnx")) domain.size = 0;
    ASH_TRY(ash_name_add(&r->op_names, p->op_type, domain, &slot, &fresh, r->err));
    if (fresh) {
        slot->id = (uint32_t)r->n_ops;
        if (r->n_ops == r->cap_ops) {
            size_t cap = r->cap_ops != 0 ? 2 * r->cap_ops : 64;
            struct ash_onnx_op *ops;
            ASH_TRY(ASH_READER_NEW(r, &r->scratch, cap, ops));
            if (r->n_ops != 0) memcpy(ops, r->ops, r->n_ops * sizeof *ops);
            r->ops = ops;
            r->cap_ops = cap;
        }
        struct ash_onnx_op *op = &r->ops[r->n_ops++];
        op->first_node = "";
        ASH_TRY(ash_reader_text(r, p->op_type, &op->name));
        ASH_TRY(ash_reader_text(r, domain, &op->domain));
    }
    *row = &r->ops[slot->id];
    return ASHORE_OK;
}

static int make_node(struct ash_scope *s, const struct ash_node_proto *p, struct ash_node *head) {
    struct ash_reader *r = s->r;
    struct ash_function *f = ash_reader_function(r, p);
    if (f != NULL) return ash_scope_call(s, f, p);
    struct ash_onnx_op *row;
    ASH_TRY(op_row(r, p, &row));
    head->domain = row->domain;
    head->op_type = row->name;
    ASH_TRY(ash_reader_prepared(r, p, head));
    if (head->opset == 0) {
        ASH_FAIL_IF(strcmp(head->domain, "ashore") == 0, r->err, UNSUPPORTED,
                    "operators of domain 'ashore' are internal");
        head->opset = opset_of(s, head->domain);
        ASH_FAIL_IF(head->opset == 0, r->err, FORMAT, "no operator set of domain '%s' is imported",
                    head->domain);
    }
    ASH_TRY(ash_reader_text(r, p->name, &head->name));
    if (s->count) {
        if (row->count++ == 0) {
            row->first_node = head->name;
            row->opset = head->opset;
        }
    }
    struct ash_node_attrs attrs;
    ASH_TRY(ash_reader_attrs(r, p->attribute, s->call, &attrs));
    bool constant = head->domain[0] == '\0' && strcmp(head->op_type, "Constant") == 0;
    return constant ? run_constant(s, p, &attrs) : run_operator(s, p, head, &attrs);
}

/* Parts of a head that are not known yet come from the message, for error messages. */
static void blame(struct ash_reader *r, const struct ash_node_proto *p, struct ash_node *head) {
    char name[96], op[48];
    if (r->err == NULL || r->err->op[0] != '\0') return;
    size_t n = p->name.size < sizeof name ? p->name.size : sizeof name - 1;
    size_t m = p->op_type.size < sizeof op ? p->op_type.size : sizeof op - 1;
    if (n != 0) memcpy(name, p->name.data, n);
    if (m != 0) memcpy(op, p->op_type.data, m);
    name[n] = op[m] = '\0';
    head->name = name;
    head->op_type = m != 0 ? op : "no operator";
    if (head->domain == NULL) head->domain = "";
    ash_error_node(r->err, head);
}

static int run_node(struct ash_scope *s, uint32_t index) {
    struct ash_reader *r = s->r;
    struct ash_node_slot *slot = &s->nodes[index];
    if (slot->state == ASH_NODE_DONE) return ASHORE_OK;
    struct ash_node_proto p;
    struct ash_node head = {0};
    ASH_TRY(ash_reader_node(r, slot->message, &p));
    int rc = ASHORE_OK;
    if (slot->state == ASH_NODE_RUNS) {
        rc = ash_fail(r->err, ASHORE_ERR_FORMAT, "the graph has a cycle through this node");
    } else if (p.op_type.size == 0) {
        rc = ash_fail(r->err, ASHORE_ERR_FORMAT, "the node has no operator type");
    } else {
        slot->state = ASH_NODE_RUNS;
        rc = ash_reader_enter(r, "nodes");
        if (rc == ASHORE_OK) {
            rc = make_node(s, &p, &head);
            ash_reader_leave(r);
        }
    }
    slot->state = ASH_NODE_DONE;
    if (rc != ASHORE_OK) blame(r, &p, &head);
    return rc;
}

int ash_scope_nodes(struct ash_scope *s, struct ash_many nodes, size_t more_names,
                    size_t *n_names) {
    struct ash_reader *r = s->r;
    struct ash_view item, name;
    size_t total = 0;
    ASH_FAIL_IF(nodes.count >= ASH_NONE, r->err, LIMIT, "%zu nodes are too many", nodes.count);
    ASH_TRY(ASH_READER_NEW(r, &r->scratch, nodes.count, s->nodes));
    while (s->n_nodes < nodes.count && ash_many_next(&nodes, &item)) {
        struct ash_node_proto p;
        s->nodes[s->n_nodes++].message = item;
        ASH_TRY(ash_reader_node(r, item, &p));
        int rc = ash_reader_check(r, &p);
        if (rc != ASHORE_OK) {
            blame(r, &p, &(struct ash_node){0});
            return rc;
        }
        total += p.output.count;
    }
    ASH_TRY(ash_name_map_init(&s->names, &r->scratch, total + more_names, r->err));
    for (uint32_t i = 0; i < s->n_nodes; i++) {
        struct ash_node_proto p;
        ASH_TRY(ash_reader_node(r, s->nodes[i].message, &p));
        while (ash_many_next(&p.output, &name)) {
            struct ash_name *slot;
            if (name.size == 0) continue;
            int rc = declare(s, name, &slot);
            if (rc != ASHORE_OK) {
                blame(r, &p, &(struct ash_node){0});
                return rc;
            }
            slot->maker = i;
        }
    }
    *n_names = total;
    return ASHORE_OK;
}

int ash_scope_run(struct ash_scope *s) {
    uint32_t *order;
    ASH_TRY(ash_scope_order(s, &order));
    for (uint32_t i = 0; i < s->n_nodes; i++) {
        ASH_TRY(run_node(s, order != NULL ? order[i] : i));
    }
    return ASHORE_OK;
}

/* ---- graphs ---- */

static int read_initializers(struct ash_scope *s, struct ash_many many, bool sparse) {
    struct ash_reader *r = s->r;
    struct ash_view item, name;
    while (ash_many_next(&many, &item)) {
        struct ash_tensor *t;
        struct ash_name *slot;
        ASH_TRY(ASH_READER_NEW(r, r->arena, 1, t));
        ASH_TRY(sparse ? ash_reader_sparse(r, item, t, &name)
                       : ash_reader_tensor(r, item, t, &name));
        ASH_FAIL_IF(name.size == 0, r->err, FORMAT, "an initializer has no name");
        ASH_TRY(declare(s, name, &slot));
        ASH_TRY(add_const(s, name, t));
    }
    return ASHORE_OK;
}

static int read_inputs(struct ash_scope *s, struct ash_many many) {
    struct ash_view item, name, type;
    while (ash_many_next(&many, &item)) {
        ASH_TRY(ash_reader_value_info(s->r, item, &name, &type));
        struct ash_name *slot = ash_name_find(&s->names, name, no_view);
        if (slot != NULL && slot->id != ASH_NONE && s->graph->values[slot->id].data != NULL) {
            continue;
        }
        ASH_TRY(declare(s, name, &slot));
        slot->type = type;
        uint32_t id;
        ASH_TRY(ash_scope_value(s, name, &id));
        ASH_TRY(add_input(s, id));
    }
    return ASHORE_OK;
}

/* Types are read when a value is made. */
static int declare_types(struct ash_scope *s, struct ash_many many) {
    struct ash_view item, name, type;
    while (ash_many_next(&many, &item)) {
        ASH_TRY(ash_reader_value_info(s->r, item, &name, &type));
        struct ash_name *slot = ash_name_find(&s->names, name, no_view);
        if (slot != NULL && slot->maker != ASH_NONE) slot->type = type;
    }
    return ASHORE_OK;
}

/* An output whose value goes by another name gets a value of its own. */
static int rename_output(struct ash_scope *s, struct ash_view name, uint32_t *id) {
    struct ash_node *node;
    const char *text;
    uint32_t from = *id;
    int32_t opset = opset_of(s, "");
    if (opset == 0) opset = 1;
    ASH_TRY(ash_reader_text(s->r, name, &text));
    ASH_TRY(ash_graph_add_node(s->graph, "", "Identity", opset, 1, 1, &node, s->r->err));
    ASH_TRY(ash_graph_add_value(s->graph, text, id, s->r->err));
    s->graph->values[*id].type = s->graph->values[from].type;
    node->in[0] = from;
    node->out[0] = *id;
    return ASHORE_OK;
}

static int read_outputs(struct ash_scope *s, struct ash_many many) {
    struct ash_graph *g = s->graph;
    struct ash_view item, name, type;
    ASH_TRY(ASH_READER_NEW(s->r, g->arena, many.count, g->outputs));
    for (size_t left = many.count; left != 0 && ash_many_next(&many, &item); left--) {
        ASH_TRY(ash_reader_value_info(s->r, item, &name, &type));
        ASH_FAIL_IF(name.size == 0, s->r->err, FORMAT, "an output has no name");
        uint32_t id;
        int rc = ash_scope_find(s, name, &id);
        if (rc == ASHORE_OK && id == ASH_NONE) {
            rc = ash_fail(s->r->err, ASHORE_ERR_FORMAT, "no value is given to it");
        }
        if (rc != ASHORE_OK) {
            ash_error_prefix(s->r->err, "output '%.*s': ", ASH_SHOW(name));
            return rc;
        }
        if (s->outer == NULL && !ash_view_is(name, g->values[id].name)) {
            ASH_TRY(rename_output(s, name, &id));
        }
        g->outputs[g->n_outputs++] = id;
    }
    return ASHORE_OK;
}

static int read_parts(struct ash_scope *s, const struct graph_proto *p) {
    struct ash_graph *g = s->graph;
    size_t known = p->initializers.count + p->sparse.count + p->inputs.count, made;
    ASH_TRY(ash_scope_nodes(s, p->nodes, known, &made));
    ASH_FAIL_IF(known + made >= ASH_NONE / 2, s->r->err, LIMIT, "too many values");
    g->cap_values = (uint32_t)(known + made);
    ASH_TRY(ASH_READER_NEW(s->r, g->arena, g->cap_values, g->values));
    g->cap_nodes = s->n_nodes;
    ASH_TRY(ASH_READER_NEW(s->r, g->arena, g->cap_nodes, g->nodes));
    ASH_TRY(read_initializers(s, p->initializers, false));
    ASH_TRY(read_initializers(s, p->sparse, true));
    ASH_TRY(declare_types(s, p->infos));
    ASH_TRY(declare_types(s, p->outputs));
    ASH_TRY(read_inputs(s, p->inputs));
    ASH_TRY(ash_scope_run(s));
    return read_outputs(s, p->outputs);
}

int ash_reader_graph(struct ash_reader *r, struct ash_view message, struct ash_scope *outer,
                     struct ash_scope *scope) {
    struct graph_proto p = {0};
    const char *name;
    *scope = (struct ash_scope){.r = r, .outer = outer, .prefix = "", .count = true};
    scope->imports = outer != NULL ? outer->imports : r->imports;
    scope->n_imports = outer != NULL ? outer->n_imports : r->n_imports;
    if (outer != NULL) {
        scope->call = outer->call;
        scope->count = outer->count;
        scope->prefix = outer->prefix;
    }
    ASH_TRY(ash_reader_enter(r, "graphs"));
    ASH_TRY(ash_wire_read(message, graph_rules, &p, r->err));
    ASH_TRY(ash_reader_text(r, p.name, &name));
    ASH_TRY(ash_graph_create(r->arena, r->syms, name, &scope->graph, r->err));
    ASH_TRY(read_parts(scope, &p));
    ash_reader_leave(r);
    return ASHORE_OK;
}
