/* Calls of model-local functions, replaced by the functions' nodes.
 *
 * A call is a scope of its own over the caller's graph: its inputs are names for values of the
 * caller, and its outputs become names in the caller's scope. */
#include "onnx/onnx_reader.h"

#include <string.h>

struct ash_function {
    struct ash_view message, name, domain, overload;
    struct ash_many inputs, outputs, defaults, nodes, opsets;
    const struct ash_onnx_opset *imports;
    size_t n_imports;
    struct ash_function *next; /* another overload */
    bool active;               /* being inlined */
    bool counted;
};

static const struct ash_wire_rule function_rules[] = {
    ASH_WIRE_RULE(1, BYTES, ash_function, name),
    ASH_WIRE_RULE(4, MANY, ash_function, inputs),
    ASH_WIRE_RULE(5, MANY, ash_function, outputs),
    ASH_WIRE_RULE(11, MANY, ash_function, defaults),
    ASH_WIRE_RULE(7, MANY, ash_function, nodes),
    ASH_WIRE_RULE(9, MANY, ash_function, opsets),
    ASH_WIRE_RULE(10, BYTES, ash_function, domain),
    ASH_WIRE_RULE(13, BYTES, ash_function, overload),
    ASH_WIRE_END,
};

static struct ash_view plain_domain(struct ash_view domain) {
    if (ash_view_is(domain, "ai.onnx")) domain.size = 0;
    return domain;
}

static bool same_view(struct ash_view a, struct ash_view b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Overloads of one function are few: a file with many is made to slow its reader down. */
enum { OVERLOADS_MAX = 256 };

static int add_function(struct ash_reader *r, uint32_t index) {
    struct ash_function *f = &r->functions[index];
    struct ash_name *slot;
    bool fresh;
    ASH_FAIL_IF(f->name.size == 0, r->err, FORMAT, "a function has no name");
    ASH_TRY(
        ash_name_add(&r->function_names, f->name, plain_domain(f->domain), &slot, &fresh, r->err));
    int overloads = 0;
    f->next = fresh ? NULL : &r->functions[slot->id];
    for (struct ash_function *g = f->next; g != NULL; g = g->next) {
        ASH_FAIL_IF(same_view(g->overload, f->overload) || overloads++ == OVERLOADS_MAX, r->err,
                    FORMAT, "function '%.*s' is defined twice", ASH_SHOW(f->name));
    }
    slot->id = index;
    return ASHORE_OK;
}

int ash_reader_functions(struct ash_reader *r, struct ash_many many) {
    uint32_t n = 0;
    struct ash_view item;
    ASH_FAIL_IF(many.count >= ASH_NONE, r->err, LIMIT, "too many functions");
    ASH_TRY(ash_name_map_init(&r->function_names, &r->scratch, many.count, r->err));
    ASH_TRY(ASH_READER_NEW(r, &r->scratch, many.count, r->functions));
    while (n < many.count && ash_many_next(&many, &item)) {
        struct ash_function *f = &r->functions[n];
        f->message = item;
        ASH_TRY(ash_wire_read(item, function_rules, f, r->err));
        ASH_TRY(add_function(r, n++));
    }
    return ASHORE_OK;
}

struct ash_function *ash_reader_function(struct ash_reader *r, const struct ash_node_proto *p) {
    const struct ash_name *slot =
        ash_name_find(&r->function_names, p->op_type, plain_domain(p->domain));
    struct ash_function *f = slot != NULL ? &r->functions[slot->id] : NULL;
    while (f != NULL && !same_view(f->overload, p->overload)) f = f->next;
    return f;
}

/* The attributes of the call, then the function's defaults: the first of a name counts. */
static int call_attrs(struct ash_scope *s, struct ash_function *f, const struct ash_node_proto *p,
                      struct ash_node_attrs *attrs) {
    struct ash_reader *r = s->r;
    ASH_TRY(ash_reader_attrs(r, p->attribute, s->call, attrs));
    ASH_FAIL_IF(attrs->n_graphs != 0, r->err, UNSUPPORTED, "a call with a graph as attribute '%s'",
                attrs->graphs[0].name);
    struct ash_attr *raw;
    struct ash_many defaults = f->defaults;
    struct ash_view item;
    ASH_FAIL_IF(defaults.count > ASH_READER_ATTRS, r->err, LIMIT, "%zu attributes", defaults.count);
    ASH_TRY(ASH_READER_NEW(r, &r->scratch, attrs->n_raw + defaults.count, raw));
    if (attrs->n_raw != 0) memcpy(raw, attrs->raw, attrs->n_raw * sizeof *raw);
    attrs->raw = raw;
    ASH_TRY(ASH_READER_NEW(r, &r->scratch, defaults.count, attrs->graphs));
    for (size_t left = defaults.count; left != 0 && ash_many_next(&defaults, &item); left--) {
        ASH_TRY(ash_reader_attr(r, item, NULL, attrs));
    }
    return ASHORE_OK;
}

/* Formal inputs that the call leaves out are bound to nothing. */
static int bind_inputs(struct ash_scope *s, struct ash_scope *body, const struct ash_function *f,
                       const struct ash_node_proto *p) {
    struct ash_many formal = f->inputs, given = p->input;
    struct ash_view name, from;
    ASH_FAIL_IF(given.count > formal.count, s->r->err, FORMAT, "%zu inputs, the function has %zu",
                given.count, formal.count);
    while (ash_many_next(&formal, &name)) {
        uint32_t id = ASH_NONE;
        if (ash_many_next(&given, &from)) ASH_TRY(ash_scope_find(s, from, &id));
        const struct ash_name *slot = ash_name_find(&body->names, name, ash_view(NULL, 0));
        ASH_FAIL_IF(name.size == 0 || slot != NULL, s->r->err, FORMAT,
                    "value '%.*s' of the function is defined twice", ASH_SHOW(name));
        ASH_TRY(ash_scope_bind(body, name, id));
    }
    return ASHORE_OK;
}

/* What the call has made goes by the caller's names. */
static int bind_outputs(struct ash_scope *s, struct ash_scope *body, const struct ash_function *f,
                        const struct ash_node_proto *p, uint32_t first_made) {
    struct ash_many formal = f->outputs, wanted = p->output;
    struct ash_view name, to;
    ASH_FAIL_IF(wanted.count > formal.count, s->r->err, FORMAT, "%zu outputs, the function has %zu",
                wanted.count, formal.count);
    while (ash_many_next(&wanted, &to) && ash_many_next(&formal, &name)) {
        uint32_t id;
        if (to.size == 0) continue;
        ASH_TRY(ash_scope_find(body, name, &id));
        ASH_FAIL_IF(id == ASH_NONE, s->r->err, FORMAT, "the function gives '%.*s' no value",
                    ASH_SHOW(name));
        if (id >= first_made && s->prefix[0] == '\0') {
            ASH_TRY(ash_reader_text(s->r, to, &s->graph->values[id].name));
        }
        ASH_TRY(ash_scope_bind(s, to, id));
    }
    return ASHORE_OK;
}

static int inline_body(struct ash_scope *s, struct ash_function *f,
                       const struct ash_node_proto *p) {
    struct ash_reader *r = s->r;
    struct ash_node_attrs attrs;
    size_t made;
    struct ash_many output = p->output;
    struct ash_view label = p->name;
    if (label.size == 0) (void)ash_many_next(&output, &label);
    if (label.size > 64) label.size = 64;
    struct ash_scope body = {.r = r, .graph = s->graph, .call = &attrs};
    body.count = s->count && !f->counted;
    ASH_TRY(ash_reader_text(r, label, &body.prefix));
    if (body.prefix[0] == '\0') body.prefix = "call";
    if (f->imports == NULL) ASH_TRY(ash_reader_imports(r, f->opsets, &f->imports, &f->n_imports));
    body.imports = f->imports;
    body.n_imports = f->n_imports;
    ASH_TRY(call_attrs(s, f, p, &attrs));
    ASH_TRY(ash_scope_nodes(&body, f->nodes, f->inputs.count, &made));
    ASH_TRY(bind_inputs(s, &body, f, p));
    uint32_t first_made = s->graph->n_values;
    ASH_TRY(ash_scope_run(&body));
    f->counted = true;
    return bind_outputs(s, &body, f, p, first_made);
}

int ash_scope_call(struct ash_scope *s, struct ash_function *f, const struct ash_node_proto *p) {
    struct ash_reader *r = s->r;
    ASH_FAIL_IF(f->active, r->err, FORMAT, "function '%.*s' calls itself", ASH_SHOW(f->name));
    ASH_FAIL_IF(f->message.size > r->inline_left, r->err, LIMIT,
                "the functions of this file become too large once they are inlined");
    r->inline_left -= f->message.size;
    f->active = true;
    int rc = inline_body(s, f, p);
    f->active = false;
    return rc;
}
