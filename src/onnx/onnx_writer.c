#include "onnx/onnx_writer.h"

#include "base/error.h"
#include "base/format.h"
#include "base/heap.h"
#include "ir/op.h"
#include "onnx/name_map.h"
#include "onnx/proto_writer.h"

#include <string.h>

enum { SETS_MAX = 64, FUNCTION_IR = 8 };

/* Fields of NodeProto, GraphProto, FunctionProto and ModelProto that are written more than once. */
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, GRAPH_NODE = 1, FUNCTION_NODE = 7 };

/* Names and operator sets are of one scope: the main graph with all of its subgraphs, or one
 * function. */
struct writer {
    const struct ash_onnx_write_options *options;
    struct ash_wire_out *out;
    struct ash_arena arena;
    struct ash_name_map names;  /* those taken */
    struct ash_name_map shared; /* constants of enclosing graphs by tensor: index of `constants` */
    struct constant *constants;
    uint32_t n_constants, cap_constants;
    struct ash_onnx_opset sets[SETS_MAX];
    size_t n_sets;
    const struct ash_node **functions; /* the nodes that become functions, in order */
    size_t n_functions, cap_functions;
    bool in_function;
    unsigned counter; /* of names that were made up */
    struct ashore_error *err;
};

/* A constant of a graph that is being written, which its subgraphs need not write again. */
struct constant {
    const char *name;
    uint32_t *uses;
    const struct ash_tensor *const *tensor; /* the bytes that it is found by */
};

/* A graph that is being written. */
struct level {
    const struct ash_graph *g;
    const char **name; /* of each value */
    uint32_t *uses;
    uint32_t formal;     /* inputs; the rest are captures */
    unsigned node_field; /* of the message that holds the nodes */
    bool outermost;      /* the main graph: its outputs keep their names */
};

static int write_level(struct writer *w, struct level *l);

static void *take(struct writer *w, size_t count, size_t size) {
    void *p = ash_arena_array(&w->arena, count, size);
    if (p == NULL) (void)ash_fail_nomem(w->err, ash_size_mul(count, size));
    return p;
}

static struct ash_view text_view(const char *text) { return ash_view(text, strlen(text)); }

/* ---- names ---- */

/* `wanted`, or a name like it that is free. */
static int fresh_name(struct writer *w, const char *wanted, const char **name) {
    char *made = NULL;
    const char *text = *wanted != '\0' ? wanted : "v";
    size_t n = strlen(text), room = n + 16;
    for (const char *offer = text;; offer = made) {
        struct ash_name *slot;
        bool fresh;
        if (offer != text || *wanted != '\0') {
            ASH_TRY(ash_name_add(&w->names, text_view(offer), ash_view(NULL, 0), &slot, &fresh,
                                 w->err));
            *name = offer;
            if (fresh) return ASHORE_OK;
        }
        made = take(w, room, 1);
        if (made == NULL) return ASHORE_ERR_NOMEM;
        (void)ash_format(made, room, "%s_%u", text, w->counter++);
    }
}

static int name_list(struct writer *w, struct level *l, const uint32_t *ids, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint32_t id = ids[i];
        if (l->name[id] != NULL) continue;
        ASH_TRY(fresh_name(w, l->g->values[id].name, &l->name[id]));
    }
    return ASHORE_OK;
}

/* Inputs and outputs first: their names are known to others. */
static int name_values(struct writer *w, struct level *l) {
    const struct ash_graph *g = l->g;
    const char *const *own_names = l->outermost ? w->options->output_names : NULL;
    ASH_TRY(name_list(w, l, g->inputs, g->n_inputs));
    for (uint32_t i = 0; own_names != NULL && i < g->n_outputs; i++) {
        const char **name = &l->name[g->outputs[i]];
        if (*name == NULL) ASH_TRY(fresh_name(w, own_names[i], name));
    }
    ASH_TRY(name_list(w, l, g->outputs, g->n_outputs));
    for (uint32_t i = 0; i < g->n_values; i++) ASH_TRY(name_list(w, l, &i, 1));
    return ASHORE_OK;
}

static int init_level(struct writer *w, struct level *l, const struct ash_graph *g,
                      unsigned node_field) {
    *l = (struct level){.g = g, .formal = g->n_inputs, .node_field = node_field};
    l->name = take(w, g->n_values, sizeof *l->name);
    l->uses = take(w, g->n_values, sizeof *l->uses);
    if (l->name == NULL || l->uses == NULL) return ASHORE_ERR_NOMEM;
    ash_graph_uses(g, l->uses);
    return ASHORE_OK;
}

/* ---- operator sets and functions ---- */

/* Whether the scope imports this version, which it does from now on if it had none. */
static bool imports(struct writer *w, const char *domain, int32_t version) {
    for (size_t i = 0; i < w->n_sets; i++) {
        if (strcmp(w->sets[i].domain, domain) == 0) return w->sets[i].version == version;
    }
    if (w->n_sets == SETS_MAX) return false;
    w->sets[w->n_sets++] = (struct ash_onnx_opset){domain, version};
    return true;
}

static int add_function(struct writer *w, const struct ash_node *node, size_t *index) {
    if (w->n_functions == w->cap_functions) {
        size_t cap = w->cap_functions != 0 ? 2 * w->cap_functions : 16;
        const struct ash_node **more = take(w, cap, sizeof(*more));
        if (more == NULL) return ASHORE_ERR_NOMEM;
        if (w->n_functions != 0) memcpy(more, w->functions, w->n_functions * sizeof *more);
        w->functions = more;
        w->cap_functions = cap;
    }
    *index = w->n_functions;
    w->functions[w->n_functions++] = node;
    return imports(w, ASH_INTERNAL, 1)
               ? ASHORE_OK
               : ash_fail(w->err, ASHORE_ERR_LIMIT, "too many operator sets");
}

static void function_name(const struct ash_node *node, size_t index, char *text, size_t size) {
    (void)ash_format(text, size, "%.64s_%zu", node->op_type, index);
}

/* ---- nodes ---- */

static void put_ids(struct writer *w, const struct level *l, unsigned field, const uint32_t *ids,
                    uint32_t n, bool skip_absent) {
    for (uint32_t i = 0; i < n; i++) {
        bool absent = ids[i] == ASH_NONE;
        if (!absent || !skip_absent) ash_put_text(w->out, field, absent ? "" : l->name[ids[i]]);
    }
}

/* ---- constants that subgraphs share ---- */

static struct ash_view tensor_key(const struct ash_tensor *const *tensor) {
    return ash_view(tensor, sizeof(const struct ash_tensor *));
}

/* Makes the constants of a graph known to its subgraphs. */
static int share_constants(struct writer *w, const struct level *l, const bool *outside) {
    const struct ash_graph *g = l->g;
    for (uint32_t i = 0; i < g->n_values; i++) {
        struct ash_name *slot;
        bool fresh;
        if (g->values[i].data == NULL || outside[i]) continue;
        ASH_TRY(ash_name_add(&w->shared, tensor_key(&g->values[i].data), ash_view(NULL, 0), &slot,
                             &fresh, w->err));
        if (slot->id != ASH_NONE) continue;
        if (w->n_constants == w->cap_constants) {
            uint32_t cap = w->cap_constants != 0 ? 2 * w->cap_constants : 64;
            struct constant *more = take(w, cap, sizeof *more);
            if (more == NULL) return ASHORE_ERR_NOMEM;
            if (w->n_constants != 0) memcpy(more, w->constants, w->n_constants * sizeof *more);
            w->constants = more;
            w->cap_constants = cap;
        }
        slot->id = w->n_constants++;
        w->constants[slot->id] = (struct constant){l->name[i], &l->uses[i], &g->values[i].data};
    }
    return ASHORE_OK;
}

static void unshare_constants(struct writer *w, uint32_t first) {
    while (w->n_constants > first) {
        const struct constant *c = &w->constants[--w->n_constants];
        struct ash_name *slot = ash_name_find(&w->shared, tensor_key(c->tensor), ash_view(NULL, 0));
        if (slot != NULL) slot->id = ASH_NONE;
    }
}

/* Captures, and constants that an enclosing graph has too, go by their names outside. */
static int write_sub(struct writer *w, const struct level *outer, const struct ash_node *node,
                     const struct ash_sub *sub) {
    struct level l;
    const struct ash_graph *g = sub->graph;
    ASH_TRY(init_level(w, &l, g, GRAPH_NODE));
    l.formal = sub->formal;
    for (uint32_t i = sub->formal; i < g->n_inputs; i++) {
        l.name[g->inputs[i]] = outer->name[node->in[sub->first_capture + i - sub->formal]];
    }
    for (uint32_t i = 0; i < g->n_values; i++) {
        if (g->values[i].data == NULL || l.uses[i] == 0) continue;
        const struct ash_name *slot =
            ash_name_find(&w->shared, tensor_key(&g->values[i].data), ash_view(NULL, 0));
        if (slot == NULL || slot->id == ASH_NONE) continue;
        l.name[i] = w->constants[slot->id].name;
        ++*w->constants[slot->id].uses; /* constants are written after the nodes */
    }
    size_t attr = ash_put_open(w->out, 5);
    ash_put_text(w->out, 1, sub->name);
    size_t message = ash_put_open(w->out, 6);
    ash_put_text(w->out, 2, *g->name != '\0' ? g->name : sub->name);
    ASH_TRY(write_level(w, &l));
    ash_put_close(w->out, message);
    ash_put_int(w->out, 20, ASH_ATTR_GRAPH);
    ash_put_close(w->out, attr);
    return ASHORE_OK;
}

static int write_node(struct writer *w, const struct level *l, const struct ash_node *node) {
    bool internal = strcmp(node->domain, ASH_INTERNAL) == 0;
    bool call = !w->options->prepared && (internal || !imports(w, node->domain, node->opset));
    size_t message = ash_put_open(w->out, l->node_field);
    put_ids(w, l, NODE_INPUT, node->in, call ? node->n_in : node->n_formal, call);
    put_ids(w, l, NODE_OUTPUT, node->out, node->n_out, false);
    if (*node->name != '\0') ash_put_text(w->out, 3, node->name);
    if (call) {
        char text[96];
        size_t index;
        ASH_FAIL_IF(internal && (node->op == NULL || node->op->body == NULL), w->err, UNSUPPORTED,
                    "the operator cannot be written: it has no body");
        ASH_TRY(add_function(w, node, &index));
        function_name(node, index, text, sizeof text);
        ash_put_text(w->out, 4, text);
        ash_put_text(w->out, 7, ASH_INTERNAL);
    } else {
        ash_put_text(w->out, 4, node->op_type);
        if (*node->domain != '\0') ash_put_text(w->out, 7, node->domain);
        if (w->options->prepared) {
            if (node->label != NULL) ash_put_text(w->out, ASH_NODE_LABEL, node->label);
            ash_put_int(w->out, ASH_NODE_VERSION, node->opset);
        }
        for (uint32_t i = 0; i < node->n_raw; i++) ash_put_attr(w->out, &node->raw[i], l->g->syms);
        for (uint32_t i = 0; i < node->n_sub; i++) {
            ASH_TRY(write_sub(w, l, node, &node->sub[i]));
        }
    }
    ash_put_close(w->out, message);
    return ASHORE_OK;
}

static int write_nodes(struct writer *w, const struct level *l) {
    for (uint32_t i = 0; i < l->g->n_nodes; i++) {
        int rc = write_node(w, l, l->g->nodes[i]);
        if (rc != ASHORE_OK) {
            ash_error_node(w->err, l->g->nodes[i]);
            return rc;
        }
    }
    return ASHORE_OK;
}

static void put_identity(struct writer *w, const struct level *l, const char *from,
                         const char *to) {
    size_t message = ash_put_open(w->out, l->node_field);
    ash_put_text(w->out, NODE_INPUT, from);
    ash_put_text(w->out, NODE_OUTPUT, to);
    ash_put_text(w->out, 4, "Identity");
    if (w->options->prepared) ash_put_int(w->out, ASH_NODE_VERSION, ASH_OPSET_NEWEST);
    ash_put_close(w->out, message);
}

/* ---- graphs ---- */

/* Subgraphs and functions hand back nothing that is not theirs, and nothing twice: such outputs are
 * copied.  *names are those of all outputs; the main graph's are known to others and stay. */
static int write_copies(struct writer *w, const struct level *l, const char ***names) {
    const struct ash_graph *g = l->g;
    const char **to = take(w, g->n_outputs, sizeof(*to));
    bool *copied = take(w, g->n_values, sizeof *copied);
    if (to == NULL || copied == NULL) return ASHORE_ERR_NOMEM;
    for (uint32_t i = 0; i < g->n_values; i++) copied[i] = g->values[i].data != NULL;
    uint32_t own = l->node_field == FUNCTION_NODE ? 0 : l->formal;
    for (uint32_t i = own; i < g->n_inputs; i++) copied[g->inputs[i]] = true;
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        uint32_t id = g->outputs[i];
        to[i] = l->name[id];
        const char *const *own_names = l->outermost ? w->options->output_names : NULL;
        bool renamed = own_names != NULL && strcmp(own_names[i], to[i]) != 0;
        if (renamed) to[i] = own_names[i];
        if (copied[id] && !l->outermost) ASH_TRY(fresh_name(w, to[i], &to[i]));
        if (renamed || (copied[id] && !l->outermost)) {
            (void)imports(w, "", 14);
            put_identity(w, l, l->name[id], to[i]);
        }
        copied[id] = true;
    }
    *names = to;
    return ASHORE_OK;
}

static void write_constants(struct writer *w, const struct level *l, const bool *outside) {
    for (uint32_t i = 0; i < l->g->n_values; i++) {
        const struct ash_tensor *t = l->g->values[i].data;
        struct ash_onnx_place place = {0};
        if (t == NULL || l->uses[i] == 0 || outside[i]) continue;
        const struct ash_onnx_write_options *o = w->options;
        bool external = !w->in_function && t->dtype != ASHORE_STRING && o->place != NULL &&
                        o->place(o->user, t, l->name[i], &place);
        ash_put_tensor(w->out, 5, t, l->name[i], external ? &place : NULL);
    }
}

static void write_function_constants(struct writer *w, const struct level *l) {
    for (uint32_t i = 0; i < l->g->n_values; i++) {
        const struct ash_tensor *t = l->g->values[i].data;
        if (t == NULL || l->uses[i] == 0) continue;
        struct ash_attr value = {.name = "value", .type = ASH_ATTR_TENSOR, .v.tensor = t};
        size_t message = ash_put_open(w->out, FUNCTION_NODE);
        ash_put_text(w->out, NODE_OUTPUT, l->name[i]);
        ash_put_text(w->out, 4, "Constant");
        ash_put_attr(w->out, &value, l->g->syms);
        ash_put_close(w->out, message);
        (void)imports(w, "", 13);
    }
}

/* The fields of a graph message, less its name. */
static int write_level(struct writer *w, struct level *l) {
    const struct ash_graph *g = l->g;
    const char **out_name;
    uint32_t first = w->n_constants;
    bool *outside = take(w, g->n_values, sizeof *outside);
    if (outside == NULL) return ASHORE_ERR_NOMEM;
    for (uint32_t i = 0; i < g->n_values; i++) outside[i] = l->name[i] != NULL;
    ASH_TRY(name_values(w, l));
    ASH_TRY(share_constants(w, l, outside));
    ASH_TRY(write_nodes(w, l));
    unshare_constants(w, first);
    ASH_TRY(write_copies(w, l, &out_name));
    write_constants(w, l, outside);
    for (uint32_t i = 0; i < l->formal; i++) {
        uint32_t id = g->inputs[i];
        ash_put_value_info(w->out, 11, l->name[id], &g->values[id].type, g->syms);
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        ash_put_value_info(w->out, 12, out_name[i], &g->values[g->outputs[i]].type, g->syms);
    }
    for (uint32_t i = 0; i < g->n_values && w->options->types; i++) {
        const struct ash_valuedef *v = &g->values[i];
        if (v->data != NULL || outside[i] || !ash_type_is_known(&v->type)) continue;
        ash_put_value_info(w->out, 13, l->name[i], &v->type, g->syms);
    }
    return ASHORE_OK;
}

/* ---- functions ---- */

/* A graph of this one node, with the inputs and outputs that it has. */
static int wrap(struct writer *w, const struct ash_node *node, struct ash_graph **graph) {
    struct ash_graph *g;
    struct ash_node *copy;
    ASH_TRY(ash_graph_create(&w->arena, NULL, "", &g, w->err));
    ASH_TRY(ash_graph_add_node(g, node->domain, node->op_type, node->opset, node->n_in, node->n_out,
                               &copy, w->err));
    uint32_t *in = copy->in, *out = copy->out;
    *copy = *node;
    copy->in = in;
    copy->out = out;
    g->inputs = take(w, node->n_in, sizeof *g->inputs);
    g->outputs = take(w, node->n_out, sizeof *g->outputs);
    if (g->inputs == NULL || g->outputs == NULL) return ASHORE_ERR_NOMEM;
    for (uint32_t i = 0; i < node->n_in; i++) {
        if (node->in[i] == ASH_NONE) continue;
        ASH_TRY(ash_graph_add_value(g, "", &in[i], w->err));
        g->inputs[g->n_inputs++] = in[i];
    }
    for (uint32_t i = 0; i < node->n_out; i++) {
        ASH_TRY(ash_graph_add_value(g, "", &out[i], w->err));
        g->outputs[g->n_outputs++] = out[i];
    }
    *graph = g;
    return ASHORE_OK;
}

/* The body of an internal node, at the lowest version that all of its operators have: it is built
 * at the newest, which other programs may not know. */
static int body_of(struct writer *w, const struct ash_node *node, struct ash_graph **graph) {
    ASH_TRY(ash_body(node, &w->arena, NULL, NULL, graph, w->err));
    const struct ash_graph *g = *graph;
    int32_t version = 13;
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct ash_node *n = g->nodes[i];
        if (n->domain[0] != '\0' || n->op == NULL) continue;
        if (version < n->op->since) version = n->op->since;
    }
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        if (g->nodes[i]->domain[0] == '\0') g->nodes[i]->opset = version;
    }
    return ASHORE_OK;
}

static int write_function(struct writer *w, size_t index) {
    const struct ash_node *node = w->functions[index];
    struct ash_graph *g = NULL;
    struct level l;
    const char **out_name;
    char text[96];
    bool internal = strcmp(node->domain, ASH_INTERNAL) == 0;
    ASH_TRY(internal ? body_of(w, node, &g) : wrap(w, node, &g));
    ASH_TRY(ash_name_map_init(&w->names, &w->arena, g->n_values, w->err));
    w->n_sets = 0;
    ASH_TRY(init_level(w, &l, g, FUNCTION_NODE));
    ASH_TRY(name_values(w, &l));
    function_name(node, index, text, sizeof text);
    size_t message = ash_put_open(w->out, 25);
    ash_put_text(w->out, 1, text);
    put_ids(w, &l, 4, g->inputs, g->n_inputs, true);
    write_function_constants(w, &l);
    ASH_TRY(write_nodes(w, &l));
    ASH_TRY(write_copies(w, &l, &out_name));
    for (uint32_t i = 0; i < g->n_outputs; i++) ash_put_text(w->out, 5, out_name[i]);
    for (size_t i = 0; i < w->n_sets; i++) ash_put_opset(w->out, 9, &w->sets[i]);
    ash_put_text(w->out, 10, ASH_INTERNAL);
    ash_put_close(w->out, message);
    return ASHORE_OK;
}

/* ---- the file ---- */

/* IR versions as the specification pairs them with versions of ai.onnx. */
static int64_t needed_ir(const struct writer *w) {
    static const uint8_t row[][2] = {{26, 13}, {24, 12}, {23, 11}, {21, 10}, {19, 9}, {15, 8}};
    int64_t least = w->n_functions != 0 ? FUNCTION_IR : 4;
    for (size_t i = 0; i < w->n_sets; i++) {
        if (w->sets[i].domain[0] != '\0') continue;
        for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
            if (w->sets[i].version < row[k][0]) continue;
            if (least < row[k][1]) least = row[k][1];
            break;
        }
    }
    return least > w->options->ir_version ? least : w->options->ir_version;
}

static int write_model(struct writer *w, const struct ash_graph *graph) {
    struct level l;
    const struct ash_onnx_write_options *o = w->options;
    ASH_FAIL_IF(o->n_opsets > SETS_MAX / 2, w->err, LIMIT, "too many operator sets");
    for (size_t i = 0; i < o->n_opsets; i++) w->sets[w->n_sets++] = o->opsets[i];
    ASH_TRY(ash_name_map_init(&w->names, &w->arena, graph->n_values, w->err));
    ASH_TRY(ash_name_map_init(&w->shared, &w->arena, 0, w->err));
    ASH_TRY(init_level(w, &l, graph, GRAPH_NODE));
    l.outermost = true;
    if (o->producer != NULL) ash_put_text(w->out, 2, o->producer);
    size_t message = ash_put_open(w->out, 7);
    ash_put_text(w->out, 2, graph->name != NULL && *graph->name != '\0' ? graph->name : "graph");
    ASH_TRY(write_level(w, &l));
    ash_put_close(w->out, message);
    if (w->n_sets == 0) (void)imports(w, "", 1);
    for (size_t i = 0; i < w->n_sets; i++) ash_put_opset(w->out, 8, &w->sets[i]);
    ash_put_int(w->out, 1, needed_ir(w));
    w->in_function = true;
    for (size_t i = 0; i < w->n_functions; i++) ASH_TRY(write_function(w, i));
    return w->out->failed ? ash_fail_nomem(w->err, w->out->size) : ASHORE_OK;
}

int ash_onnx_write(const struct ash_graph *graph, const struct ash_onnx_write_options *options,
                   struct ash_wire_out *out, struct ashore_error *err) {
    static const struct ash_onnx_write_options defaults;
    struct writer w = {.options = options != NULL ? options : &defaults, .out = out, .err = err};
    ash_arena_init(&w.arena, out->heap);
    int rc = write_model(&w, graph);
    ash_arena_deinit(&w.arena);
    return rc;
}
