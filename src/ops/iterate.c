#include "ops/iterate.h"

#include <string.h>

size_t ash_carry_bytes(const struct ash_info *info) {
    const struct ash_type *t = &info->type;
    int64_t dim[ASH_MAX_RANK];
    size_t bytes;
    if (t->kind != ASHORE_TENSOR || t->rank < 0 || t->dtype == ASHORE_STRING) return 0;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i].kind != ASH_DIM_EXACT) return 0;
        dim[i] = t->dim[i].value;
    }
    if (ash_shape_check(t->dtype, t->rank, dim, NULL, &bytes, NULL) != ASHORE_OK) return 0;
    return ash_size_mul(2, ash_align_up(bytes));
}

void ash_carry_init(struct ash_carry *k, struct ash_run *run, int input, void *memory,
                    const struct ash_tensor *like) {
    memset(k, 0, sizeof *k);
    if (run->in[input]) k->now.tensor = *run->in[input];
    k->now.value = ash_value_retain(run->in_value[input]);
    if (!memory) return;
    k->buffer[0] = k->buffer[1] = *like;
    k->buffer[0].data = memory;
    k->buffer[1].data = (unsigned char *)memory + ash_align_up(ash_tensor_bytes(like));
}

struct ash_tensor *ash_carry_bind(struct ash_carry *k) {
    return k->buffer[0].data ? &k->buffer[k->turn] : NULL;
}

int ash_carry_take(struct ash_carry *k, struct ash_run *run, const struct ash_slot *result) {
    struct ashore_value *kept = NULL;
    if (k->buffer[0].data) {
        ash_value_release(&k->now.value);
        k->now.tensor = k->buffer[k->turn];
        k->turn ^= 1;
        return ASHORE_OK;
    }
    if (result->value)
        kept = ash_value_retain(result->value);
    else
        ASH_TRY(ash_value_copy(run->heap, &result->tensor, &kept, run->err));
    ash_value_release(&k->now.value);
    k->now.value = kept;
    k->now.tensor = kept->tensor;
    if (kept->kind != ASHORE_TENSOR) k->now.tensor.dtype = 0;
    return ASHORE_OK;
}

void ash_carry_release(struct ash_carry *k) { ash_value_release(&k->now.value); }

int ash_carry_finish(struct ash_carry *k, struct ash_run *run, int o) {
    struct ash_tensor *out = run->out[o];
    const struct ash_tensor *t = &k->now.tensor;
    if (!out) return ASHORE_OK;
    ash_value_release(&run->out_value[o]);
    if (k->now.value) {
        run->out_value[o] = ash_value_retain(k->now.value);
        return ASHORE_OK;
    }
    if (!out->data || t->dtype == ASHORE_STRING)
        return ash_value_copy(run->heap, t, &run->out_value[o], run->err);
    ASH_TRY(ash_run_alloc(run, o, t->dtype, t->rank, t->dim));
    size_t bytes = ash_tensor_bytes(t);
    if (bytes) memcpy(run->out[o]->data, t->data, bytes);
    return ASHORE_OK;
}

/* out is [outer, n, inner] along axis; slice i of it becomes src, [outer, inner]. */
static void put_slice(const struct ash_tensor *out, int axis, int64_t i, const void *src) {
    size_t size = ash_dtype_size(out->dtype);
    int64_t outer = ash_dims_product(out->dim, 0, axis), n = out->dim[axis];
    size_t inner = (size_t)ash_dims_product(out->dim, axis + 1, out->rank) * size;
    if (inner == 0) return;
    for (int64_t k = 0; k < outer; k++)
        memcpy((unsigned char *)out->data + (size_t)(k * n + i) * inner,
               (const unsigned char *)src + (size_t)k * inner, inner);
}

static bool slice_fits(const struct ash_tensor *out, int axis, const struct ash_tensor *slice) {
    if (out->dtype != slice->dtype || out->rank != slice->rank + 1) return false;
    for (int i = 0; i < slice->rank; i++) {
        if (slice->dim[i] != out->dim[i < axis ? i : i + 1]) return false;
    }
    return true;
}

static int collect(struct ash_stack *s, struct ash_run *run, const struct ash_slot *r) {
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 8;
        void *grown =
            ash_resize(run->heap, s->items, s->cap * sizeof *s->items, cap * sizeof *s->items);
        if (!grown) return ash_fail_nomem(run->err, cap * sizeof *s->items);
        s->items = grown;
        s->cap = cap;
    }
    if (r->value)
        s->items[s->n] = ash_value_retain(r->value);
    else
        ASH_TRY(ash_value_copy(run->heap, &r->tensor, &s->items[s->n], run->err));
    s->n++;
    return ASHORE_OK;
}

int ash_stack_put(struct ash_stack *s, struct ash_run *run, int o, int64_t i,
                  const struct ash_slot *r) {
    const struct ash_tensor *out = run->out[o];
    if (!out) return ASHORE_OK;
    ASH_FAIL_IF(r->tensor.dtype == 0, run->err, TYPE, "output %d: only tensors can be stacked", o);
    if (!out->data || out->dtype == 0) return collect(s, run, r);
    int axis = s->axis < 0 ? s->axis + out->rank : s->axis;
    ASH_FAIL_IF(!slice_fits(out, axis, &r->tensor) || i >= out->dim[axis], run->err, SHAPE,
                "output %d: iteration %lld does not have the shape of the others", o, (long long)i);
    put_slice(out, axis, s->reverse ? out->dim[axis] - 1 - i : i, r->tensor.data);
    return ASHORE_OK;
}

static int stack_shape(const struct ash_stack *s, struct ash_run *run, int o,
                       const struct ash_type *like, struct ash_tensor *t) {
    struct ash_tensor slice = {.dtype = like->dtype, .rank = like->rank < 0 ? 0 : like->rank};
    for (int i = 0; i < slice.rank; i++)
        slice.dim[i] = like->dim[i].kind == ASH_DIM_EXACT ? like->dim[i].value : 0;
    if (s->n) slice = s->items[0]->tensor;
    int axis = s->axis < 0 ? s->axis + slice.rank + 1 : s->axis;
    ASH_FAIL_IF(axis < 0 || axis > slice.rank || slice.rank >= ASH_MAX_RANK, run->err, ATTR,
                "output %d cannot be stacked along axis %d", o, s->axis);
    *t = (struct ash_tensor){.dtype = slice.dtype, .rank = slice.rank + 1};
    for (int i = 0; i < t->rank; i++)
        t->dim[i] = i == axis ? (int64_t)s->n : slice.dim[i < axis ? i : i - 1];
    for (size_t i = 0; i < s->n; i++) {
        ASH_FAIL_IF(!slice_fits(t, axis, &s->items[i]->tensor), run->err, SHAPE,
                    "output %d: iteration %zu does not have the shape of the first", o, i);
    }
    return axis;
}

/* Texts are joined and their records moved along. */
static int stack_strings(struct ash_stack *s, struct ash_run *run, int o, struct ash_tensor *t,
                         int axis) {
    size_t total = 0, at = 0;
    for (size_t i = 0; i < s->n; i++) total = ash_size_add(total, s->items[i]->chars_size);
    struct ashore_value *v;
    ASH_TRY(ash_value_strings(run->heap, t->rank, t->dim, total, &v, run->err));
    for (size_t i = 0; i < s->n; i++) {
        struct ashore_value *item;
        int rc = ash_value_copy(run->heap, &s->items[i]->tensor, &item, run->err);
        if (rc != ASHORE_OK) {
            ash_value_release(&v);
            return rc;
        }
        struct ash_str *rec = item->tensor.data;
        for (int64_t k = 0; k < ash_tensor_count(&item->tensor); k++) rec[k].offset += (uint32_t)at;
        if (item->chars_size)
            memcpy((char *)(uintptr_t)v->tensor.chars + at, item->tensor.chars, item->chars_size);
        at += item->chars_size;
        put_slice(&v->tensor, axis, (int64_t)(s->reverse ? s->n - 1 - i : i), rec);
        ash_value_release(&item);
    }
    ash_value_release(&run->out_value[o]);
    run->out_value[o] = v;
    return ASHORE_OK;
}

int ash_stack_finish(struct ash_stack *s, struct ash_run *run, int o, const struct ash_type *like) {
    const struct ash_tensor *out = run->out[o];
    if (!out || (out->data && out->dtype)) return ASHORE_OK;
    struct ash_tensor t;
    int axis = stack_shape(s, run, o, like, &t);
    if (axis < 0) return axis;
    if (t.dtype == ASHORE_STRING) return stack_strings(s, run, o, &t, axis);
    ASH_TRY(ash_run_alloc(run, o, t.dtype, t.rank, t.dim));
    for (size_t i = 0; i < s->n; i++)
        put_slice(run->out[o], axis, (int64_t)(s->reverse ? s->n - 1 - i : i),
                  s->items[i]->tensor.data);
    return ASHORE_OK;
}

void ash_stack_release(struct ash_stack *s, struct ash_heap *heap) {
    for (size_t i = 0; i < s->n; i++) ash_value_release(&s->items[i]);
    ash_free(heap, s->items, s->cap * sizeof *s->items);
    *s = (struct ash_stack){.axis = s->axis, .reverse = s->reverse};
}
