/* Einsum.  Contractions of two float32 operands run as one batched matrix product. */
#include "kernels/gemm/gemm.h"
#include "kernels/transpose/transpose.h"

#include "base/heap.h"
#include "ops/einsum_terms.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"
#include "ops/move.h"

#include <string.h>

static int einsum_infer(struct ash_infer *c) {
    const struct einsum_attrs *a = c->attrs;
    struct einsum_axes axes = {0};
    struct ash_dim dim[ASH_MAX_RANK];
    int dtype, rank;

    for (int i = 0; i < c->n_in; i++)
        ASH_FAIL_IF(!c->in[i], c->err, ARGUMENT, "input %d is missing", i);
    ASH_TRY(ash_infer_types(c, 0, c->n_in, ASH_TAKES_NUMBER, &dtype));
    ash_infer_set(c, 0, dtype, -1, NULL);
    for (int k = 0; k < c->n_in; k++) {
        if (c->in[k]->type.rank < 0) return ASHORE_OK;
        ASH_TRY(ash_einsum_add(a, k, &c->in[k]->type, &axes, c->err));
    }
    rank = ash_einsum_rank(a, &axes);
    ASH_FAIL_IF(rank > ASH_MAX_RANK, c->err, LIMIT, "rank %d: tensors have at most %d dimensions",
                rank, ASH_MAX_RANK);
    for (int i = 0; i < rank; i++) dim[i] = axes.extent[ash_einsum_axis(&a->out, rank, i)];
    ash_infer_set(c, 0, dtype, rank, dim);
    return ASHORE_OK;
}

/* ---- reference ---- */

/* Axes of the result, then those that are summed, each with the steps of all operands. */
struct nest {
    int n, outer, operands;
    int64_t extent[EINSUM_AXES], step[EINSUM_OPERANDS][EINSUM_AXES];
};

/* Moves the index of axes first..last-1 and all offsets; false when it is over. */
static bool nest_next(const struct nest *s, int first, int last, int64_t *index, int64_t *offset) {
    for (int i = last - 1; i >= first; i--) {
        bool over = ++index[i] == s->extent[i];

        if (over) index[i] = 0;
        for (int k = 0; k < s->operands; k++)
            offset[k] += s->step[k][i] * (over ? 1 - s->extent[i] : 1);
        if (!over) return true;
    }
    return false;
}

static int nest_make(const struct ash_run *c, struct nest *s) {
    const struct einsum_attrs *a = c->attrs;
    struct einsum_axes axes = {0};
    signed char place[EINSUM_AXES];

    s->n = 0;
    s->operands = c->n_in;
    memset(place, -1, sizeof place);
    for (int k = 0; k < c->n_in; k++) {
        struct ash_type type = {.rank = (int8_t)c->in[k]->rank};

        for (int i = 0; i < type.rank; i++) type.dim[i] = ash_dim_exact(c->in[k]->dim[i]);
        ASH_TRY(ash_einsum_add(a, k, &type, &axes, c->err));
    }
    s->outer = ash_einsum_rank(a, &axes);
    for (int i = 0; i < s->outer; i++)
        place[ash_einsum_axis(&a->out, s->outer, i)] = (signed char)s->n++;
    for (int id = 0; id < EINSUM_AXES; id++)
        if (axes.used[id] && place[id] < 0) place[id] = (signed char)s->n++;
    for (int id = 0; id < EINSUM_AXES; id++)
        if (place[id] >= 0) s->extent[place[id]] = axes.extent[id].value;
    memset(s->step, 0, sizeof s->step);
    for (int k = 0; k < c->n_in; k++) {
        const struct ash_tensor *t = c->in[k];
        int64_t step[ASH_MAX_RANK];

        ash_steps(t->rank, t->dim, step);
        for (int i = 0; i < t->rank; i++)
            if (t->dim[i] != 1)
                s->step[k][place[ash_einsum_axis(&a->in[k], t->rank, i)]] += step[i];
    }
    return ASHORE_OK;
}

static void sum_one(const struct ash_run *c, const struct nest *s, int64_t *index, int64_t *offset,
                    int64_t o) {
    bool real = ash_dtype_is_float(c->out[0]->dtype), empty = false;
    double sum = 0;
    uint64_t whole = 0;

    for (int i = s->outer; i < s->n; i++) empty = empty || !s->extent[i];
    if (!empty) {
        do {
            double x = 1;
            uint64_t u = 1;

            for (int k = 0; k < s->operands; k++) {
                if (real)
                    x *= ash_get_f64(c->in[k], offset[k]);
                else
                    u *= (uint64_t)ash_get_i64(c->in[k], offset[k]);
            }
            sum += x;
            whole += u;
        } while (nest_next(s, s->outer, s->n, index, offset));
    }
    if (real)
        ash_store_f64(c->out[0]->dtype, &sum, 1, ash_at(c->out[0], o));
    else
        ash_store_u64(c->out[0]->dtype, &whole, 1, ash_at(c->out[0], o));
}

static int einsum_ref(struct ash_run *c) {
    struct nest s;
    int64_t index[EINSUM_AXES] = {0}, offset[EINSUM_OPERANDS] = {0}, o = 0;

    ASH_TRY(nest_make(c, &s));
    if (!ash_tensor_count(c->out[0])) return ASHORE_OK;
    do { sum_one(c, &s, index, offset, o++); } while (nest_next(&s, 0, s.outer, index, offset));
    return ASHORE_OK;
}

/* ---- lowering: a product C[b][m][n] = sum over k of A[b][m][k] B[b][n][k] ---- */

enum role { ROLE_BATCH, ROLE_M, ROLE_N, ROLE_K, ROLES };

/* A tensor that is turned into the order of the product first (C: from it, at the end). */
struct turn {
    int rank; /* 0: as it is */
    size_t dim[ASH_MAX_RANK];
    int perm[ASH_MAX_RANK];
};

struct einsum_params {
    const struct ash_gemm_kernel *row;
    const struct ash_transpose_row *transpose;
    int a; /* the input that is A: 0 or 1 */
    struct turn turn[3];
    size_t at[3], dynamic; /* in scratch */
    struct ash_gemm gemm;
};

static int einsum_run(struct ash_run *c) {
    const struct einsum_params *p = c->params;
    struct ash_gemm g = p->gemm;
    char *scratch = c->scratch;
    const float *x[2] = {c->in[p->a]->data, c->in[!p->a]->data};

    for (int k = 0; k < 2; k++) {
        const struct turn *t = &p->turn[k];

        if (!t->rank) continue;
        ash_transpose_run(p->transpose, c->pool, t->rank, t->dim, t->perm, sizeof(float), x[k],
                          scratch + p->at[k]);
        x[k] = (const float *)(const void *)(scratch + p->at[k]);
    }
    g.a = x[0];
    g.b = x[1];
    g.c = p->turn[2].rank ? (float *)(void *)(scratch + p->at[2]) : c->out[0]->data;
    ash_gemm_dynamic_f32(p->row, &g, scratch + p->dynamic, c->pool);
    if (p->turn[2].rank)
        ash_transpose_run(p->transpose, c->pool, p->turn[2].rank, p->turn[2].dim, p->turn[2].perm,
                          sizeof(float), g.c, c->out[0]->data);
    return ASHORE_OK;
}

/* The axes of more than one element, by role; steps in A, B and C, and in which dimension of each
 * they are (-1: in none). */
struct contraction {
    int n[ROLES], axis[ROLES][ASH_MAX_RANK];
    int64_t extent[EINSUM_AXES], step[3][EINSUM_AXES];
    signed char dim[3][EINSUM_AXES];
};

/* The product of neighbouring axes as one of extent *extent and step *step; false where they do not
 * follow each other in tensor k. */
static bool merged(const struct contraction *s, int role, int k, size_t *extent, int64_t *step) {
    *extent = 1;
    *step = 1;
    for (int i = s->n[role] - 1; i >= 0; i--) {
        int id = s->axis[role][i];

        if (i == s->n[role] - 1)
            *step = s->step[k][id];
        else if (s->step[k][id] != *step * (int64_t)*extent)
            return false;
        *extent *= (size_t)s->extent[id];
    }
    return true;
}

/* Orders tensor k by the given roles: from now on its steps are those of the turned copy. */
static void make_turn(struct contraction *s, int k, const int *roles, const struct ash_type *type,
                      struct turn *t) {
    int64_t step = 1;
    int n = 0;

    t->rank = 0;
    for (int r = 0; r < 3; r++) {
        for (int i = 0; i < s->n[roles[r]]; i++) {
            int id = s->axis[roles[r]][i], from = s->dim[k][id];

            if (k < 2) {
                t->perm[n++] = from;
            } else { /* from the product's order to the tensor's */
                t->perm[from] = n;
                t->dim[n++] = (size_t)s->extent[id];
            }
        }
    }
    for (int i = 0; i < type->rank; i++) { /* what has one element comes last */
        if (k < 2) t->dim[i] = ash_extent(type, i);
        if (type->dim[i].value != 1) continue;
        if (k < 2) {
            t->perm[n++] = i;
        } else {
            t->perm[i] = n;
            t->dim[n++] = 1;
        }
    }
    t->rank = n;
    for (int r = 2; r >= 0; r--) {
        for (int i = s->n[roles[r]] - 1; i >= 0; i--) {
            int id = s->axis[roles[r]][i];

            s->step[k][id] = step;
            step *= s->extent[id];
        }
    }
}

/* Where each axis is; false where the equation is no product of two matrices. */
static bool classify(const struct ash_lower *c, int a_in, struct contraction *s) {
    const struct einsum_attrs *a = c->attrs;
    const struct ash_type *type[3] = {&c->in[a_in]->type, &c->in[!a_in]->type, &c->out->type};
    const struct einsum_term *term[3] = {&a->in[a_in], &a->in[!a_in], &a->out};

    memset(s, 0, sizeof *s);
    memset(s->dim, -1, sizeof s->dim);
    for (int k = 0; k < 3; k++) {
        int64_t step = 1;

        for (int i = type[k]->rank - 1; i >= 0; i--) {
            int id = ash_einsum_axis(term[k], type[k]->rank, i);
            int64_t d = type[k]->dim[i].value;

            if (d == 1) continue;
            if (s->dim[k][id] >= 0) return false; /* a diagonal */
            s->dim[k][id] = (signed char)i;
            s->step[k][id] = step;
            s->extent[id] = d;
            step *= d;
        }
    }
    /* In the order of the result; what is summed in that of A. */
    for (int k = 2; k >= 0; k -= 2) {
        for (int i = 0; i < type[k]->rank; i++) {
            int id = ash_einsum_axis(term[k], type[k]->rank, i);
            bool in_a = s->dim[0][id] >= 0, in_b = s->dim[1][id] >= 0, in_c = s->dim[2][id] >= 0;
            int role = !in_c ? ROLE_K : in_a && in_b ? ROLE_BATCH : in_a ? ROLE_M : ROLE_N;

            if (s->dim[k][id] < 0 || (k == 0 && in_c)) continue;
            if (role == ROLE_K && !in_b) return false;
            s->axis[role][s->n[role]++] = id;
        }
    }
    for (int i = 0; i < type[1]->rank; i++) {
        int id = ash_einsum_axis(term[1], type[1]->rank, i);
        if (s->dim[1][id] >= 0 && s->dim[0][id] < 0 && s->dim[2][id] < 0) return false;
    }
    return true;
}

/* Batch axes as at most two nested ones; false where they are more. */
static bool set_batches(const struct contraction *s, struct ash_gemm *g) {
    int64_t extent[2] = {1, 1}, step[2][3] = {{0}};
    int group = -1;

    for (int i = s->n[ROLE_BATCH] - 1; i >= 0; i--) {
        int id = s->axis[ROLE_BATCH][i];
        bool same = group >= 0;

        for (int k = 0; same && k < 3; k++) same = s->step[k][id] == step[group][k] * extent[group];
        if (!same) {
            if (++group == 2) return false;
            for (int k = 0; k < 3; k++) step[group][k] = s->step[k][id];
        }
        extent[group] *= s->extent[id];
    }
    g->inner = (size_t)extent[0];
    g->inner_a = (size_t)step[0][0];
    g->inner_b = (size_t)step[0][1];
    g->inner_c = (size_t)step[0][2];
    g->outer = (size_t)extent[1];
    g->outer_a = (size_t)step[1][0];
    g->outer_b = (size_t)step[1][1];
    g->outer_c = (size_t)step[1][2];
    return true;
}

/* Extents and steps of the product; bits of *wrong: the tensors that have to be turned for it. */
static void set_matrices(const struct contraction *s, struct ash_gemm *g, unsigned *wrong) {
    int64_t lda = 0, k_a = 0, k_b = 0, n_b = 0, ldc = 0, n_c = 0;
    bool a = merged(s, ROLE_M, 0, &g->m, &lda) && merged(s, ROLE_K, 0, &g->k, &k_a) && k_a == 1;
    bool b = merged(s, ROLE_K, 1, &g->k, &k_b) && merged(s, ROLE_N, 1, &g->n, &n_b);
    bool c = merged(s, ROLE_M, 2, &g->m, &ldc) && merged(s, ROLE_N, 2, &g->n, &n_c) && n_c == 1;

    *wrong = (a ? 0 : 1u) | (b ? 0 : 2u) | (c ? 0 : 4u);
    g->lda = g->m == 1 ? g->k : (size_t)lda;
    g->step_k = (size_t)k_b;
    g->step_n = (size_t)n_b;
    g->ldc = g->m == 1 ? g->n : (size_t)ldc;
}

static int einsum_lower(struct ash_lower *c) {
    static const int roles[3][3] = {
        {ROLE_BATCH, ROLE_M, ROLE_K}, {ROLE_BATCH, ROLE_N, ROLE_K}, {ROLE_BATCH, ROLE_M, ROLE_N}};
    struct contraction s;
    struct einsum_params draft = {.row = ash_gemm_best(), .transpose = ash_transpose_best()}, *p;
    struct ash_gemm *g = &draft.gemm;
    unsigned wrong;
    int last;

    if (c->n_in != 2 || !ash_lower_all_f32(c) || !classify(c, 0, &s)) return ASHORE_OK;
    for (int id = 0; id < EINSUM_AXES; id++)
        for (int k = 0; k < 3; k++)
            if (s.dim[k][id] >= 0 && !s.extent[id]) return ASHORE_OK;
    /* Columns of C lie side by side: where those are A's axes, the operands change places. */
    last = s.n[ROLE_M] ? s.axis[ROLE_M][s.n[ROLE_M] - 1] : -1;
    if (last >= 0 && s.step[2][last] == 1) {
        draft.a = 1;
        classify(c, 1, &s);
    }
    const struct ash_type *type[3] = {&c->in[draft.a]->type, &c->in[!draft.a]->type, &c->out->type};
    set_matrices(&s, g, &wrong);
    for (int all = 0; all < 2; all++) {
        for (int k = 0; k < 3; k++)
            if (all || wrong >> k & 1) make_turn(&s, k, roles[k], type[k], &draft.turn[k]);
        set_matrices(&s, g, &wrong);
        if (set_batches(&s, g)) break;
    }
    for (int k = 0; k < 3; k++) {
        draft.at[k] = draft.dynamic;
        if (draft.turn[k].rank)
            draft.dynamic = ash_size_add(
                draft.dynamic, ash_align_up(ash_size_mul(ash_type_count(type[k]), sizeof(float))));
    }
    c->scratch = ash_size_add(draft.dynamic, ash_gemm_dynamic_scratch(draft.row, g));
    if (c->scratch == SIZE_MAX) {
        c->scratch = 0;
        return ASHORE_OK;
    }
    p = ash_lower_to(c, einsum_run, sizeof *p, draft.row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_einsum[];
const struct ash_op ash_ops_einsum[] = {
    {.name = "Einsum",
     .domain = "",
     .since = 12,
     .in_min = 1,
     .in_max = ASH_VARIADIC,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct einsum_attrs),
     .parse = ash_einsum_parse,
     .infer = einsum_infer,
     .ref = einsum_ref,
     .lower = einsum_lower},
    {0},
};
