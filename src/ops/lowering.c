#include "ops/lowering.h"

#include "ops/widen.h"

size_t ash_extents(const struct ash_type *t, int first, int last) {
    size_t n = 1;
    for (int i = first; i < last; i++) n *= ash_extent(t, i);
    return n;
}

bool ash_same_extents(const struct ash_type *a, const struct ash_type *b) {
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++)
        if (!ash_dim_same(a->dim[i], b->dim[i])) return false;
    return true;
}

bool ash_lower_in_f32(const struct ash_lower *c, int i) {
    return i < c->n_in && c->in[i] && c->in[i]->type.dtype == ASHORE_FLOAT32;
}

bool ash_lower_all_f32(const struct ash_lower *c) {
    for (int i = 0; i < c->n_in; i++) {
        if (c->in[i] && c->in[i]->type.dtype != ASHORE_FLOAT32) return false;
    }
    for (int i = 0; i < c->n_out; i++) {
        if (c->node->out[i] != ASH_NONE && c->out[i].type.dtype != ASHORE_FLOAT32) return false;
    }
    return true;
}

const float *ash_lower_constant(const struct ash_lower *c, int i, size_t count) {
    const struct ash_tensor *t = ash_lower_in_f32(c, i) ? c->in[i]->data : NULL;
    if (!t || (size_t)ash_tensor_count(t) != count) return NULL;
    const struct ash_tensor *wide = ash_wide_from(c, i);
    const struct ash_tensor *from = ash_lower_read(c, wide ? wide : t);
    if (!from || !wide) return from ? from->data : NULL;
    return ash_wide_fill(&c->wide[i], from) == ASHORE_OK ? t->data : NULL;
}

void *ash_lower_to(struct ash_lower *c, ash_run_fn *run, size_t size, const char *row) {
    c->run = run;
    c->kernel = row;
    c->params = ash_arena_alloc(c->arena, size);
    if (!c->params) (void)ash_fail_nomem(c->err, size);
    return (void *)(uintptr_t)c->params;
}

void ash_run_extents(const struct ash_tensor *t, size_t *dim) {
    for (int i = 0; i < t->rank; i++) dim[i] = (size_t)t->dim[i];
}
