/* What a model says of itself. */
#include "rt/model.h"

#include "ir/infer.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 512 };

static const struct ash_type *leaf(const struct ash_type *t) {
    while (t->kind != ASHORE_TENSOR && t->elem) t = t->elem;
    return t;
}

static int describe_value(struct ashore_model *m, const char *name, const struct ash_type *type,
                          struct ashore_value_info *v, struct ashore_error *err) {
    char text[TEXT_MAX];
    const struct ash_type *t = leaf(type);
    v->name = name;
    v->kind = type->kind;
    v->dtype = t->kind == ASHORE_TENSOR ? t->dtype : ASHORE_UNDEFINED;
    v->rank = t->kind == ASHORE_TENSOR ? t->rank : -1;
    ash_type_text(m->syms, type, text, sizeof text);
    v->type_text = ash_arena_text(&m->arena, text, strlen(text));
    struct ashore_dim *shape = ash_arena_array(&m->arena, ASH_MAX_RANK, sizeof *shape);
    if (!v->type_text || !shape) return ash_fail_nomem(err, sizeof *shape);
    for (int i = 0; i < v->rank; i++) {
        ash_dim_text(m->syms, t->dim[i], text, sizeof text);
        shape[i].extent = t->dim[i].kind == ASH_DIM_EXACT ? t->dim[i].value : -1;
        shape[i].text = ash_arena_text(&m->arena, text, strlen(text));
        if (!shape[i].text) return ash_fail_nomem(err, strlen(text));
    }
    v->shape = shape;
    return ASHORE_OK;
}

struct ash_info ash_model_declared(const struct ash_graph *g, uint32_t input) {
    struct ash_info info = {.type = g->values[g->inputs[input]].type};
    return info;
}

uint64_t ash_model_bytes(const struct ashore_model *m) {
    return ash_packs_raw(m->packs, atomic_load(&m->file_held) + m->arena.used);
}

int ash_model_describe_all(struct ashore_model *m, struct ashore_error *err) {
    const struct ash_graph *g = m->graph;
    m->inputs = ash_arena_array(&m->arena, g->n_inputs, sizeof *m->inputs);
    m->outputs = ash_arena_array(&m->arena, g->n_outputs, sizeof *m->outputs);
    m->ops = ash_arena_array(&m->arena, m->onnx.n_ops, sizeof *m->ops);
    if (!m->inputs || !m->outputs || !m->ops) return ash_fail_nomem(err, sizeof *m->ops);
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        const struct ash_valuedef *v = &g->values[g->inputs[i]];
        ASH_TRY(describe_value(m, v->name, &v->type, &m->inputs[i], err));
    }
    for (uint32_t i = 0; i < g->n_outputs; i++) {
        const struct ash_valuedef *v = &g->values[g->outputs[i]];
        ASH_TRY(describe_value(m, m->output_names[i], &v->type, &m->outputs[i], err));
    }
    for (size_t i = 0; i < m->onnx.n_ops; i++) {
        const struct ash_onnx_op *op = &m->onnx.ops[i];
        m->ops[i] = (struct ashore_op_count){op->domain, op->name, op->count,
                                             ash_op_find(op->domain, op->name, op->opset) != NULL,
                                             op->first_node};
    }
    return ASHORE_OK;
}

size_t ashore_model_input_count(const ashore_model *m) { return m->graph->n_inputs; }
size_t ashore_model_output_count(const ashore_model *m) { return m->graph->n_outputs; }

const struct ashore_value_info *ashore_model_input(const ashore_model *m, size_t i) {
    return i < m->graph->n_inputs ? &m->inputs[i] : NULL;
}

const struct ashore_value_info *ashore_model_output(const ashore_model *m, size_t i) {
    return i < m->graph->n_outputs ? &m->outputs[i] : NULL;
}

void ashore_model_describe(const ashore_model *m, struct ashore_model_info *info) {
    *info = (struct ashore_model_info){.name = m->name,
                                       .ir_version = m->onnx.ir_version,
                                       .producer = m->onnx.producer,
                                       .file_bytes = m->onnx.file_bytes};
}

size_t ashore_model_opset_count(const ashore_model *m) { return m->onnx.n_opsets; }

const char *ashore_model_opset(const ashore_model *m, size_t i, int64_t *version) {
    if (i >= m->onnx.n_opsets) return NULL;
    *version = m->onnx.opsets[i].version;
    return m->onnx.opsets[i].domain;
}

size_t ashore_model_op_kinds(const ashore_model *m) { return m->onnx.n_ops; }

const struct ashore_op_count *ashore_model_op(const ashore_model *m, size_t i) {
    return i < m->onnx.n_ops ? &m->ops[i] : NULL;
}

size_t ashore_model_weights(const ashore_model *m, int dtype, uint64_t *bytes) {
    *bytes = 0;
    if (dtype <= 0 || dtype >= ASHORE_DTYPE_COUNT) return 0;
    *bytes = m->onnx.weights[dtype].bytes;
    return (size_t)m->onnx.weights[dtype].elements;
}
