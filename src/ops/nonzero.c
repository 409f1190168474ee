/* NonZero. */
#include "ops/convert.h"
#include "ops/move.h"

#include <string.h>

extern const struct ash_op ash_ops_nonzero[];

static int nonzero_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[2] = {ash_dim_unknown(), ash_dim_unknown()};
    if (t->rank >= 0) {
        struct ash_dim n = ash_dim_exact(1);
        dim[0] = ash_dim_exact(t->rank);
        for (int i = 0; i < t->rank; i++) n = ash_infer_dim(c, ASH_DIM_MUL, n, t->dim[i]);
        if (n.kind == ASH_DIM_EXACT || n.kind == ASH_DIM_BOUNDED) dim[1] = ash_dim_bounded(n.value);
    }
    ash_infer_set(c, 0, ASHORE_INT64, 2, dim);
    return ASHORE_OK;
}

/* Whether each of n elements is not zero: by value, so that -0 is zero; strings: not empty. */
static void truth(const struct ash_tensor *t, int64_t first, size_t n, double *tile) {
    int class = ash_dtype(t->dtype)->number;
    if (class == ASH_CLASS_FLOAT) {
        ash_load_f64(t->dtype, ash_at(t, first), n, tile);
        return;
    }
    size_t size = t->dtype == ASHORE_STRING ? 4 : ash_dtype_size(t->dtype);
    for (size_t i = 0; i < n; i++) {
        const char *at = ash_at(t, first + (int64_t)i);
        if (t->dtype == ASHORE_STRING) at += offsetof(struct ash_str, length);
        tile[i] = 0;
        for (size_t k = 0; k < size; k++) tile[i] += at[k] != 0;
    }
}

static int nonzero_ref(struct ash_run *c) {
    const struct ash_tensor *in = c->in[0];
    int64_t count = ash_tensor_count(in), dim[2] = {in->rank, 0}, found = 0;
    double tile[ASH_TILE];
    for (int pass = 0; pass < 2; pass++) {
        int64_t at[ASH_MAX_RANK] = {0}, *out = c->out[0]->data;
        found = 0;
        for (int64_t i = 0; i < count; i += ASH_TILE) {
            size_t n = count - i < ASH_TILE ? (size_t)(count - i) : ASH_TILE;
            truth(in, i, n, tile);
            for (size_t k = 0; k < n; k++) {
                for (int r = 0; pass && tile[k] != 0 && r < in->rank; r++)
                    out[r * dim[1] + found] = at[r];
                found += tile[k] != 0;
                if (pass) ash_index_next(in->rank, in->dim, at, 0, NULL, NULL);
            }
        }
        dim[1] = found;
        if (pass == 0) ASH_TRY(ash_run_alloc(c, 0, ASHORE_INT64, 2, dim));
    }
    return ASHORE_OK;
}

const struct ash_op ash_ops_nonzero[] = {{.name = "NonZero",
                                          .domain = "",
                                          .since = 9,
                                          .in_min = 1,
                                          .in_max = 1,
                                          .out_min = 1,
                                          .out_max = 1,
                                          .infer = nonzero_infer,
                                          .ref = nonzero_ref},
                                         {0}};
