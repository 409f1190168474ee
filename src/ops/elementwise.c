#include "ops/elementwise.h"

#include "ops/move.h"

#include <string.h>

static int takes_bit(int dtype) {
    switch (dtype) {
    case ASHORE_BOOL:
        return ASH_TAKES_BOOL;
    case ASHORE_STRING:
        return ASH_TAKES_STRING;
    case ASHORE_COMPLEX64:
    case ASHORE_COMPLEX128:
        return ASH_TAKES_COMPLEX;
    default:
        return ash_dtype_is_float(dtype) ? ASH_TAKES_FLOAT : ASH_TAKES_INT;
    }
}

int ash_infer_types(struct ash_infer *c, int first, int last, int takes, int *dtype) {
    *dtype = 0;
    for (int i = first; i < last && i < c->n_in; i++) {
        const struct ash_type *t;

        if (!c->in[i]) continue;
        t = &c->in[i]->type;
        ASH_MISFIT_IF(t->kind != ASHORE_TENSOR, c->err, TYPE, "input %d is not a tensor", i);
        if (!t->dtype) continue;
        ASH_MISFIT_IF(!(takes_bit(t->dtype) & takes), c->err, TYPE,
                      "input %d is of type %s, which this operator does not take", i,
                      ash_dtype(t->dtype)->name);
        ASH_MISFIT_IF(*dtype && *dtype != t->dtype, c->err, TYPE,
                      "input %d is of type %s, others of type %s", i, ash_dtype(t->dtype)->name,
                      ash_dtype(*dtype)->name);
        *dtype = t->dtype;
    }
    return ASHORE_OK;
}

int ash_infer_alike(struct ash_infer *c, int i, int k) {
    int a = ash_infer_has(c, i) ? c->in[i]->type.dtype : 0;
    int b = ash_infer_has(c, k) ? c->in[k]->type.dtype : 0;

    ASH_MISFIT_IF(a && b && a != b, c->err, TYPE, "input %d is of type %s, input %d of type %s", i,
                  ash_dtype(a)->name, k, ash_dtype(b)->name);
    return ASHORE_OK;
}

void ash_infer_like(struct ash_infer *c, int o, int dtype, int i) {
    ash_infer_set(c, o, dtype, c->in[i]->type.rank, c->in[i]->type.dim);
}

static bool beyond_one(struct ash_dim d) { return d.kind == ASH_DIM_EXACT && d.value != 1; }

int ash_infer_broadcast_all(struct ash_infer *c, int first, int last, int dtype) {
    struct ash_dim dim[ASH_MAX_RANK];
    int rank = 0;

    ash_infer_set(c, 0, dtype, -1, NULL);
    for (int i = first; i < last; i++) {
        if (c->in[i]->type.rank < 0) return ASHORE_OK;
        if (c->in[i]->type.rank > rank) rank = c->in[i]->type.rank;
    }
    for (int k = 0; k < rank; k++) {
        dim[k] = ash_dim_exact(1);
        for (int i = first; i < last; i++) {
            const struct ash_type *t = &c->in[i]->type;
            struct ash_dim d;

            if (k < rank - t->rank) continue;
            d = t->dim[k - (rank - t->rank)];
            ASH_FAIL_IF(beyond_one(d) && beyond_one(dim[k]) && d.value != dim[k].value, c->err,
                        SHAPE, "extents %lld and %lld of dimension %d cannot be broadcast",
                        (long long)dim[k].value, (long long)d.value, k);
            /* Unequal extents that are not exact may be 1 each: which one wins is not known. */
            if (ash_dim_is(dim[k], 1) || beyond_one(d) || ash_dim_capped(c->syms, dim[k], d))
                dim[k] = d;
            else if (!ash_dim_is(d, 1) && !beyond_one(dim[k]) && !ash_dim_same(d, dim[k]) &&
                     !ash_dim_capped(c->syms, d, dim[k]))
                dim[k] = ash_dim_unknown();
        }
    }
    ash_infer_set(c, 0, dtype, rank, dim);
    return ASHORE_OK;
}

int ash_infer_fits(struct ash_infer *c, int i, int rank, const struct ash_dim *dim) {
    const struct ash_type *t;

    if (!ash_infer_has(c, i)) return ASHORE_OK;
    t = &c->in[i]->type;
    ASH_FAIL_IF(t->rank > rank, c->err, SHAPE, "input %d has rank %d, at most %d expected", i,
                t->rank, rank);
    for (int k = 0; k < t->rank; k++) {
        struct ash_dim d = t->dim[k], to = dim[rank - t->rank + k];

        ASH_FAIL_IF(beyond_one(d) && to.kind == ASH_DIM_EXACT && d.value != to.value, c->err, SHAPE,
                    "extent %lld of input %d cannot be broadcast to %lld", (long long)d.value, i,
                    (long long)to.value);
    }
    return ASHORE_OK;
}

int ash_infer_agree(struct ash_infer *c, struct ash_dim got, struct ash_dim want,
                    const char *what) {
    bool exact = got.kind == ASH_DIM_EXACT && want.kind == ASH_DIM_EXACT;
    ASH_FAIL_IF(exact && got.value != want.value, c->err, SHAPE, "%s: %lld, expected %lld", what,
                (long long)got.value, (long long)want.value);
    return ASHORE_OK;
}

bool ash_infer_codes(struct ash_infer *c, int i, int n, struct ash_dim *dim) {
    const struct ash_info *in = c->in[i];
    int count = 0;

    if ((!in->data && !in->content) || in->type.rank < 0 || in->type.rank > 1) return false;
    if (in->type.rank == 1 && in->type.dim[0].value > n) return false;
    if (ash_infer_ints(c, i, dim, n, &count) != ASHORE_OK || (count != 1 && count != n))
        return false;
    for (; count < n; count++) dim[count] = dim[0];
    return true;
}

int ash_infer_set_codes(struct ash_infer *c, int n, const struct ash_dim *dim) {
    int64_t *codes = ash_arena_array(c->arena, (size_t)n, sizeof *codes);

    if (!codes) return ash_fail_nomem(c->err, (uint64_t)n * sizeof *codes);
    for (int i = 0; i < n; i++) codes[i] = ash_dim_encode(dim[i]);
    c->out[0].content = codes;
    return ASHORE_OK;
}

const void *ash_broadcast_tile(const struct ash_tensor *in, const struct ash_tensor *out,
                               int64_t start, size_t n, void *tile) {
    size_t size = ash_dtype_size(in->dtype);
    int64_t stride[ASH_MAX_RANK], block = 1;
    bool repeat = true;
    int outer = out->rank;

    if (ash_tensor_count(in) == ash_tensor_count(out)) return ash_at(in, start);
    ash_broadcast_strides(in->rank, in->dim, out->rank, stride);
    /* The innermost dimensions that are all copied or all repeated make one block. */
    for (; outer > 0; outer--) {
        int64_t d = out->dim[outer - 1], s = stride[outer - 1];

        if (d == 1) continue;
        if (block == 1)
            repeat = s == 0;
        else if (repeat ? s != 0 : s != block)
            break;
        block *= d;
    }
    for (char *to = tile; n;) {
        int64_t within = start % block, rest = start / block, from = repeat ? 0 : within;
        size_t run = block - within < (int64_t)n ? (size_t)(block - within) : n;

        for (int i = outer - 1; i >= 0; i--) {
            from += rest % out->dim[i] * stride[i];
            rest /= out->dim[i];
        }
        if (repeat)
            ash_fill(to, size, (int64_t)run, ash_at(in, from));
        else
            memcpy(to, ash_at(in, from), run * size);
        to += run * size;
        start += (int64_t)run;
        n -= run;
    }
    return tile;
}

int ash_run_strings(struct ash_run *c, int i, int rank, const int64_t *dim, size_t chars_size) {
    struct ashore_value *v;

    ASH_TRY(ash_value_strings(c->heap, rank, dim, chars_size, &v, c->err));
    ash_value_release(&c->out_value[i]);
    c->out_value[i] = v;
    *c->out[i] = v->tensor;
    return ASHORE_OK;
}

int ash_run_strings_of(struct ash_run *c, int i, int j) {
    const struct ash_tensor *x = c->in[j];
    const struct ash_str *s = x->data;
    size_t size = 0;
    for (int64_t k = 0; k < ash_tensor_count(x); k++) {
        size_t end = (size_t)s[k].offset + s[k].length;
        if (end > size) size = end;
    }
    ASH_TRY(ash_run_strings(c, i, c->out[i]->rank, c->out[i]->dim, size));
    if (size) memcpy((char *)(uintptr_t)c->out[i]->chars, x->chars, size);
    return ASHORE_OK;
}
