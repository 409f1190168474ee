/* What references and steps share. */
#include "ir/op.h"

#include <string.h>

int ash_run_alloc(struct ash_run *c, int i, int dtype, int rank, const int64_t *dim) {
    struct ash_tensor *t = c->out[i];
    size_t bytes;
    ASH_TRY(ash_shape_check(dtype, rank, dim, NULL, &bytes, c->err));
    bool fits = t->data && dtype != ASHORE_STRING && bytes <= c->out_room[i];
    if (!fits) {
        struct ashore_value *v;
        ASH_TRY(ash_value_tensor(c->heap, dtype, rank, dim, &v, c->err));
        ash_value_release(&c->out_value[i]);
        c->out_value[i] = v;
        *t = v->tensor;
        return ASHORE_OK;
    }
    t->dtype = dtype;
    t->rank = rank;
    for (int k = 0; k < rank; k++) t->dim[k] = dim[k];
    return ASHORE_OK;
}

int ash_run_keep(struct ash_run *c, int j, struct ashore_value **value) {
    if (c->in_value[j]) {
        *value = ash_value_retain(c->in_value[j]);
        return ASHORE_OK;
    }
    return ash_value_copy(c->heap, c->in[j], value, c->err);
}

int ash_run_forward(struct ash_run *c, int i, int j) {
    bool room = c->out[i] && c->out[i]->data && c->in[j] && c->in[j]->dtype != ASHORE_STRING;
    if (room && ash_tensor_bytes(c->in[j]) <= c->out_room[i]) {
        const struct ash_tensor *in = c->in[j];
        ASH_TRY(ash_run_alloc(c, i, in->dtype, in->rank, in->dim));
        size_t bytes = ash_tensor_bytes(in);
        if (bytes) memmove(c->out[i]->data, in->data, bytes);
        return ASHORE_OK;
    }
    struct ashore_value *v;
    ASH_TRY(ash_run_keep(c, j, &v));
    ash_value_release(&c->out_value[i]);
    c->out_value[i] = v;
    if (v->kind == ASHORE_TENSOR && c->out[i]) *c->out[i] = v->tensor;
    return ASHORE_OK;
}

void ash_control_bind(struct ash_control *c, int i, int o) {
    struct ash_tensor *out = c->run.out[o];
    if (out && out->data && out->dtype) c->bind[i] = out;
}

int ash_control_take(struct ash_control *c, int i, int o) {
    struct ash_run *run = &c->run;
    const struct ash_slot *r = &c->results[i];
    struct ash_tensor *out = run->out[o];
    if (!out) return ASHORE_OK;
    if (out->data && out->dtype && r->tensor.data == out->data) return ASHORE_OK;
    ash_value_release(&run->out_value[o]);
    if (r->value) {
        run->out_value[o] = ash_value_retain(r->value);
        return ASHORE_OK;
    }
    return ash_value_copy(run->heap, &r->tensor, &run->out_value[o], run->err);
}
