#include "onnx/model_reader.h"

#include "onnx/onnx_reader.h"

#include <string.h>

struct model_proto {
    int64_t ir_version;
    struct ash_view producer, graph;
    struct ash_many opsets, functions;
};
static const struct ash_wire_rule model_rules[] = {
    ASH_WIRE_RULE(1, INT, model_proto, ir_version),  ASH_WIRE_RULE(2, BYTES, model_proto, producer),
    ASH_WIRE_RULE(7, BYTES, model_proto, graph),     ASH_WIRE_RULE(8, MANY, model_proto, opsets),
    ASH_WIRE_RULE(25, MANY, model_proto, functions), ASH_WIRE_END,
};

struct opset_proto {
    struct ash_view domain;
    int64_t version;
};
static const struct ash_wire_rule opset_rules[] = {
    ASH_WIRE_RULE(1, BYTES, opset_proto, domain),
    ASH_WIRE_RULE(2, INT, opset_proto, version),
    ASH_WIRE_END,
};

/* The newest version of ai.onnx whose operators src/ops knows: in a newer one a name may mean
 * something else. */
/* Operator sets are looked through for every node. */
enum { OPSETS_MAX = 256, OPSET_VERSION_MAX = 32767 };

/* What little bytes may stand for much: sparse tensors, and functions that are called often. */
enum { DENSE_FREE = 1 << 20, DENSE_FACTOR = 1024, INLINE_FREE = 1 << 21, INLINE_FACTOR = 16 };

void *ash_reader_alloc(struct ash_reader *r, struct ash_arena *arena, size_t count, size_t size) {
    void *p = ash_arena_array(arena, count, size);
    if (p == NULL) (void)ash_fail_nomem(r->err, ash_size_mul(count, size));
    return p;
}

int ash_reader_bytes(struct ash_reader *r, struct ash_view view, struct ash_text *text) {
    char *copy =
        ash_arena_text(r->arena, view.data != NULL ? (const char *)view.data : "", view.size);
    if (copy == NULL) return ash_fail_nomem(r->err, view.size);
    *text = (struct ash_text){copy, view.size};
    return ASHORE_OK;
}

int ash_reader_text(struct ash_reader *r, struct ash_view view, const char **text) {
    struct ash_text copy = {NULL, 0};
    if (view.size == 0) {
        *text = "";
        return ASHORE_OK;
    }
    ASH_FAIL_IF(memchr(view.data, 0, view.size) != NULL, r->err, FORMAT,
                "name '%.*s' holds a zero byte", ASH_SHOW(view));
    ASH_TRY(ash_reader_bytes(r, view, &copy));
    *text = copy.data;
    return ASHORE_OK;
}

int ash_reader_enter(struct ash_reader *r, const char *what) {
    ASH_FAIL_IF(r->depth == 2 * ASH_READER_DEPTH, r->err, LIMIT, "%s nest more than %d deep", what,
                ASH_READER_DEPTH);
    r->depth++;
    return ASHORE_OK;
}

void ash_reader_leave(struct ash_reader *r) { r->depth--; }

int ash_reader_imports(struct ash_reader *r, struct ash_many many,
                       const struct ash_onnx_opset **imports, size_t *n) {
    struct ash_onnx_opset *to;
    struct ash_view item;
    ASH_FAIL_IF(many.count > OPSETS_MAX, r->err, LIMIT, "%zu operator sets are imported",
                many.count);
    ASH_TRY(ASH_READER_NEW(r, r->arena, many.count, to));
    *imports = to;
    *n = 0;
    while (*n < many.count && ash_many_next(&many, &item)) {
        struct opset_proto p = {0};
        struct ash_onnx_opset *o = &to[*n];
        ASH_TRY(ash_wire_read(item, opset_rules, &p, r->err));
        if (ash_view_is(p.domain, "ai.onnx")) p.domain.size = 0;
        ASH_TRY(ash_reader_text(r, p.domain, &o->domain));
        o->version = p.version;
        ASH_FAIL_IF(p.version < 1 || p.version > OPSET_VERSION_MAX, r->err, FORMAT,
                    "version %lld of operator set '%s'", (long long)p.version,
                    *o->domain ? o->domain : "ai.onnx");
        ASH_FAIL_IF(!*o->domain && p.version > ASH_OPSET_NEWEST, r->err, UNSUPPORTED,
                    "version %lld of operator set 'ai.onnx' is newer than %d, the newest known",
                    (long long)p.version, ASH_OPSET_NEWEST);
        for (size_t i = 0; i < *n; i++) {
            ASH_FAIL_IF(strcmp(to[i].domain, o->domain) == 0 && to[i].version != o->version, r->err,
                        FORMAT, "operator set '%s' is imported twice", o->domain);
        }
        (*n)++;
    }
    return ASHORE_OK;
}

/* Before IR version 3 operator sets were not named. */
static int read_opsets(struct ash_reader *r, const struct model_proto *p) {
    static const struct ash_onnx_opset first = {"", 1};
    ASH_TRY(ash_reader_imports(r, p->opsets, &r->imports, &r->n_imports));
    if (r->n_imports == 0 && p->ir_version < 3) {
        r->imports = &first;
        r->n_imports = 1;
    }
    ASH_FAIL_IF(r->n_imports == 0, r->err, FORMAT, "no operator set is imported");
    r->out->opsets = r->imports;
    r->out->n_opsets = r->n_imports;
    return ASHORE_OK;
}

static int keep_ops(struct ash_reader *r) {
    struct ash_onnx_op *ops;
    size_t n = 0;
    ASH_TRY(ASH_READER_NEW(r, r->arena, r->n_ops, ops));
    for (size_t i = 0; i < r->n_ops; i++) {
        if (r->ops[i].count != 0) ops[n++] = r->ops[i];
    }
    r->out->ops = ops;
    r->out->n_ops = n;
    return ASHORE_OK;
}

static int read_model(struct ash_reader *r) {
    struct model_proto p = {0};
    struct ash_scope scope;
    ASH_FAIL_IF(r->src->size == 0, r->err, FORMAT, "the file is empty");
    ASH_TRY(ash_wire_read(ash_view(r->src->bytes, r->src->size), model_rules, &p, r->err));
    ASH_FAIL_IF(p.graph.data == NULL, r->err, FORMAT, "this is no ONNX model: it has no graph");
    r->out->ir_version = p.ir_version;
    ASH_TRY(ash_reader_text(r, p.producer, &r->out->producer));
    r->syms = ash_symtab_create(r->arena);
    if (r->syms == NULL) return ash_fail_nomem(r->err, 0);
    ASH_TRY(ash_name_map_init(&r->dim_names, &r->scratch, 0, r->err));
    ASH_TRY(ash_name_map_init(&r->op_names, &r->scratch, 64, r->err));
    ASH_TRY(read_opsets(r, &p));
    ASH_TRY(ash_reader_functions(r, p.functions));
    ASH_TRY(ash_reader_graph(r, p.graph, NULL, &scope));
    r->out->graph = scope.graph;
    return keep_ops(r);
}

static void clean(char *text) {
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
    }
}

void ash_reader_clean(struct ashore_error *err) {
    clean(err->text);
    clean(err->node);
    clean(err->op);
}

int ash_onnx_read(const struct ash_onnx_source *src, struct ash_arena *arena,
                  struct ash_onnx_model *out, struct ashore_error *err) {
    struct ash_reader r = {.src = src, .arena = arena, .out = out, .err = err};
    *out = (struct ash_onnx_model){.file_bytes = src->size, .producer = ""};
    r.dense_left = DENSE_FREE + (uint64_t)src->size * DENSE_FACTOR;
    r.inline_left = INLINE_FREE + (uint64_t)src->size * INLINE_FACTOR;
    ash_arena_init(&r.scratch, arena->heap);
    int rc = read_model(&r);
    ash_arena_deinit(&r.scratch);
    if (rc == ASHORE_OK) return rc;
    ash_onnx_model_deinit(out);
    *out = (struct ash_onnx_model){0};
    if (err != NULL) {
        if (src->name != NULL) ash_error_prefix(err, "%s: ", src->name);
        ash_reader_clean(err);
    }
    return rc;
}
