/* MatMul and Gemm; and MatMul of the internal domain, with what often follows:
 *
 *   MatMul(A, B[, bias[, R]]) = act(A x B + bias + R), the bias of N elements, R of the result's
 *   shape.
 *
 * Letters: A is M x K, B is K x N, the result M x N. */
#include "kernels/gemm/gemm.h"
#include "kernels/transpose/transpose.h"
#include "ops/act_attrs.h"
#include "ops/elementwise.h"
#include "ops/lowering.h"
#include "ops/widen.h"

ASH_ABSENT_WITHOUT(ash_gemm_dynamic_f32, "+computed|Einsum");
ASH_ABSENT_WITHOUT(ash_gemm_dynamic_scratch, "+computed|Einsum");
ASH_ABSENT_WITHOUT(ash_gemm_parts_f32, "+half|com.microsoft:MatMulNBits|ashore:ByteMatMul");
ASH_LOWERS("MatMul ashore:MatMul", 2, 4, "float32 =1");

struct gemm_attrs {
    float alpha, beta;
    bool trans_a, trans_b;
};

static int gemm_parse(const struct ash_parse *c, void *attrs) {
    struct gemm_attrs *a = attrs;
    int64_t trans_a, trans_b;

    ASH_TRY(ash_parse_float(c, "alpha", 1, &a->alpha));
    ASH_TRY(ash_parse_float(c, "beta", 1, &a->beta));
    ASH_TRY(ash_parse_int(c, "transA", 0, &trans_a));
    ASH_TRY(ash_parse_int(c, "transB", 0, &trans_b));
    a->trans_a = trans_a != 0;
    a->trans_b = trans_b != 0;
    return ASHORE_OK;
}

/* ---- inference ---- */

static int expect_depth(struct ash_infer *c, struct ash_dim a, struct ash_dim b) {
    ASH_FAIL_IF(a.kind == ASH_DIM_EXACT && b.kind == ASH_DIM_EXACT && a.value != b.value, c->err,
                SHAPE, "input 0 has %lld columns, input 1 has %lld rows", (long long)a.value,
                (long long)b.value);
    return ASHORE_OK;
}

static int gemm_infer(struct ash_infer *c) {
    const struct gemm_attrs *at = c->attrs;
    const struct ash_type *a = &c->in[0]->type, *b = &c->in[1]->type;
    struct ash_dim dim[2] = {{0}};
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 3, ASH_TAKES_NUMBER, &dtype));
    for (int i = 0; i < 2; i++)
        ASH_MISFIT_IF(c->in[i]->type.rank >= 0 && c->in[i]->type.rank != 2, c->err, SHAPE,
                      "input %d has rank %d, expected a matrix", i, c->in[i]->type.rank);
    if (a->rank == 2) dim[0] = a->dim[at->trans_a];
    if (b->rank == 2) dim[1] = b->dim[!at->trans_b];
    if (a->rank == 2 && b->rank == 2)
        ASH_TRY(expect_depth(c, a->dim[!at->trans_a], b->dim[at->trans_b]));
    ash_infer_set(c, 0, dtype, 2, dim);
    return ash_infer_fits(c, 2, 2, dim);
}

static int matmul_infer(struct ash_infer *c) {
    const struct ash_type *a = &c->in[0]->type, *b = &c->in[1]->type;
    struct ash_info left = *c->in[0], right = *c->in[1];
    const struct ash_info *const batches[2] = {&left, &right};
    struct ash_infer outer = *c;
    struct ash_type *out = &c->out[0].type;
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 2, ASH_TAKES_NUMBER, &dtype));
    ash_infer_set(c, 0, dtype, -1, NULL);
    ASH_MISFIT_IF(a->rank == 0 || b->rank == 0, c->err, SHAPE, "input %d is a scalar",
                  a->rank != 0);
    if (a->rank < 0 || b->rank < 0) return ASHORE_OK;
    ASH_TRY(expect_depth(c, a->dim[a->rank - 1], b->dim[b->rank > 1 ? b->rank - 2 : 0]));
    left.type.rank = (int8_t)(a->rank > 2 ? a->rank - 2 : 0);
    right.type.rank = (int8_t)(b->rank > 2 ? b->rank - 2 : 0);
    outer.in = batches;
    ASH_TRY(ash_infer_broadcast_all(&outer, 0, 2, dtype));
    if (a->rank > 1) out->dim[out->rank++] = a->dim[a->rank - 2];
    if (b->rank > 1) out->dim[out->rank++] = b->dim[b->rank - 1];
    return ASHORE_OK;
}

/* ---- reference ---- */

/* Element (i, k) of a lies at a_at + i * a_row + k * a_col, and so on. */
struct product {
    const struct ash_tensor *a, *b;
    int64_t a_at, a_row, a_col, b_at, b_row, b_col;
    int64_t m, n, k;
};

enum { PRODUCT_ROWS = 4 };

union sums {
    double real[PRODUCT_ROWS][ASH_TILE];
    uint64_t whole[PRODUCT_ROWS][ASH_TILE]; /* wraps */
};

static void gather_u64(const struct ash_tensor *t, int64_t start, int64_t step, size_t n,
                       uint64_t *dst) {
    size_t run = step == 1 ? n : 1;

    for (size_t i = 0; i < n; i += run)
        ash_load_u64(t->dtype, ash_at(t, start + (int64_t)i * step), run, dst + i);
}

/* Sums of `rows` rows from row i on and n columns from column j on. */
static void sum_block(const struct product *p, int64_t i, int rows, int64_t j, size_t n,
                      union sums *sums) {
    bool real = ash_dtype_is_float(p->a->dtype);
    union {
        double real[ASH_TILE];
        uint64_t whole[ASH_TILE];
    } b;

    for (int r = 0; r < rows; r++)
        for (size_t x = 0; x < n; x++) {
            if (real)
                sums->real[r][x] = 0;
            else
                sums->whole[r][x] = 0;
        }
    for (int64_t k = 0; k < p->k; k++) {
        int64_t b_at = p->b_at + k * p->b_row + j * p->b_col;

        if (real)
            ash_gather_f64(p->b, b_at, p->b_col, n, b.real);
        else
            gather_u64(p->b, b_at, p->b_col, n, b.whole);
        for (int r = 0; r < rows; r++) {
            int64_t a_at = p->a_at + (i + r) * p->a_row + k * p->a_col;

            if (real) {
                double a = ash_get_f64(p->a, a_at);
                for (size_t x = 0; x < n; x++) sums->real[r][x] += a * b.real[x];
            } else {
                uint64_t a = (uint64_t)ash_get_i64(p->a, a_at);
                for (size_t x = 0; x < n; x++) sums->whole[r][x] += a * b.whole[x];
            }
        }
    }
}

/* y[at + x] = alpha * sum[x] + beta * c, where c is broadcast. */
static void finish_row(const struct gemm_attrs *f, const struct ash_tensor *c, union sums *sums,
                       int row, int64_t at, size_t n, struct ash_tensor *y) {
    double *real = sums->real[row], shift[ASH_TILE], raw[ASH_TILE];
    uint64_t *whole = sums->whole[row];
    const void *p = c ? ash_broadcast_tile(c, y, at, n, raw) : NULL;
    bool plain = !f || (f->alpha == 1 && f->beta == 1), is_real = ash_dtype_is_float(y->dtype);

    if (!is_real && plain) { /* exact, wraps */
        uint64_t add[ASH_TILE];

        if (p) ash_load_u64(c->dtype, p, n, add);
        for (size_t x = 0; p && x < n; x++) whole[x] += add[x];
        ash_store_u64(y->dtype, whole, n, ash_at(y, at));
        return;
    }
    for (size_t x = 0; !is_real && x < n; x++) real[x] = (double)(int64_t)whole[x];
    for (size_t x = 0; f && x < n; x++) real[x] *= (double)f->alpha;
    if (p) ash_load_f64(c->dtype, p, n, shift);
    for (size_t x = 0; p && x < n; x++) real[x] += (double)f->beta * shift[x];
    ash_store_f64(y->dtype, real, n, ash_at(y, at));
}

static void multiply(const struct product *p, const struct gemm_attrs *f,
                     const struct ash_tensor *c, struct ash_tensor *y, int64_t at) {
    union sums sums;
    size_t n;

    for (int64_t i = 0; i < p->m; i += PRODUCT_ROWS) {
        int rows = p->m - i < PRODUCT_ROWS ? (int)(p->m - i) : PRODUCT_ROWS;

        for (int64_t j = 0; (n = ash_tile_size(p->n, j)); j += (int64_t)n) {
            sum_block(p, i, rows, j, n, &sums);
            for (int r = 0; r < rows; r++)
                finish_row(f, c, &sums, r, at + (i + r) * p->n + j, n, y);
        }
    }
}

static int gemm_ref(struct ash_run *c) {
    const struct gemm_attrs *f = c->attrs;
    struct product p = {.a = c->in[0], .b = c->in[1]};

    p.m = p.a->dim[f->trans_a];
    p.k = p.a->dim[!f->trans_a];
    p.n = p.b->dim[!f->trans_b];
    p.a_row = f->trans_a ? 1 : p.k;
    p.a_col = f->trans_a ? p.m : 1;
    p.b_row = f->trans_b ? 1 : p.n;
    p.b_col = f->trans_b ? p.k : 1;
    multiply(&p, f, ash_run_has(c, 2) ? c->in[2] : NULL, c->out[0], 0);
    return ASHORE_OK;
}

static int matmul_ref(struct ash_run *c) {
    const struct ash_tensor *a = c->in[0], *b = c->in[1];
    struct ash_tensor *y = c->out[0];
    struct product p = {.a = a, .b = b, .m = 1, .n = 1, .a_col = 1, .b_col = 1};
    int outer = y->rank - (a->rank > 1) - (b->rank > 1);
    int64_t index[ASH_MAX_RANK] = {0}, offset[2] = {0}, stride[2][ASH_MAX_RANK];
    const int64_t(*steps)[ASH_MAX_RANK] = (const int64_t(*)[ASH_MAX_RANK])stride;

    if (!ash_tensor_count(y)) return ASHORE_OK;
    p.k = a->dim[a->rank - 1];
    if (a->rank > 1) p.m = a->dim[a->rank - 2];
    if (b->rank > 1) p.n = b->dim[b->rank - 1];
    p.a_row = p.k;
    p.b_row = p.n;
    ash_broadcast_strides(a->rank > 2 ? a->rank - 2 : 0, a->dim, outer, stride[0]);
    ash_broadcast_strides(b->rank > 2 ? b->rank - 2 : 0, b->dim, outer, stride[1]);
    for (int64_t at = 0;; at += p.m * p.n) {
        p.a_at = offset[0] * p.m * p.k;
        p.b_at = offset[1] * p.k * p.n;
        multiply(&p, NULL, NULL, y, at);
        if (!ash_index_next(outer, y->dim, index, 2, offset, steps)) return ASHORE_OK;
    }
}

/* ---- lowering ---- */

/* What is not NULL or constant comes from the run's inputs and outputs. */
struct product_params {
    const struct ash_gemm_kernel *row;
    const struct ash_transpose_row *turn; /* A is K x M: it is turned first, into scratch */
    const void *packed;                   /* B; NULL: input 1 as it is */
    int dtype;                            /* what B is packed as, if not float32 */
    const float *bias;                    /* NULL: input `bias_in`, unless that is 0 */
    int bias_in, residual_in;             /* 0: none */
    struct ash_gemm gemm;
};

/* ---- B of 16 bits: panels of them, and behind these whether they are regular ---- */

static struct ash_gemm_parts product_parts(const struct product_params *p);

static size_t half_count(const struct product_params *p) {
    size_t nr = p->row->nr;

    return (p->gemm.n + nr - 1) / nr * nr * p->gemm.k;
}

static void product_unpack(const void *arg, size_t strip, size_t k0, size_t k, float *to) {
    const struct product_params *p = arg;
    const struct ash_gemm_parts parts = product_parts(p);
    const uint16_t *from = p->packed;
    size_t nr = p->row->nr, first = strip * parts.width / nr;
    bool regular = from[half_count(p)] != 0;

    for (size_t i = 0; i < parts.width / nr && (first + i) * nr < p->gemm.n; i++)
        ash_half_widen_n(p->dtype, regular, from + ((first + i) * p->gemm.k + k0) * nr, k * nr,
                         to + i * parts.panel);
}

/* A single row takes many panels at once, and little of each. */
static struct ash_gemm_parts product_parts(const struct product_params *p) {
    size_t nr = p->row->nr, depth = p->gemm.m == 1 ? 64 : 512;
    return (struct ash_gemm_parts){.width = p->gemm.m == 1 ? nr * p->row->wide : nr,
                                   .depth = depth,
                                   .panel = nr * depth,
                                   .step = nr,
                                   .unpack = product_unpack,
                                   .arg = p};
}
ASH_ABSENT_WITHOUT(product_parts, "+half");

static ASH_APART void pack_half(const struct product_params *p, const uint16_t *b, uint16_t *to) {
    const struct ash_gemm *g = &p->gemm;
    size_t nr = p->row->nr;

    for (size_t j = 0; j < g->n; j += nr) {
        for (size_t k = 0; k < g->k; k++, to += nr) {
            for (size_t i = 0; i < nr; i++)
                to[i] = j + i < g->n ? b[k * g->step_k + (j + i) * g->step_n] : 0;
        }
    }
    *to = ash_half_regular(p->dtype, b, g->k * g->n);
}
ASH_ABSENT_WITHOUT(pack_half, "+half");

static int product_run(struct ash_run *c) {
    const struct product_params *p = c->params;
    struct ash_gemm g = p->gemm;
    char *scratch = c->scratch;

    g.a = c->in[0]->data;
    g.c = c->out[0]->data;
    g.out.bias = p->bias_in ? c->in[p->bias_in]->data : p->bias;
    g.out.residual = p->residual_in ? c->in[p->residual_in]->data : NULL;
    if (p->turn) {
        const size_t dim[2] = {g.k, g.m};

        ash_transpose_run(p->turn, c->pool, 2, dim, (const int[]){1, 0}, sizeof(float), g.a,
                          scratch);
        g.a = c->scratch;
        scratch += ash_align_up(g.m * g.k * sizeof(float));
    }
    g.b = p->packed ? p->packed : c->in[1]->data;
    if (p->dtype) {
        const struct ash_gemm_parts parts = product_parts(p);

        ash_gemm_parts_f32(p->row, &g, &parts, scratch, c->pool);
    } else if (p->packed) {
        ash_gemm_f32(p->row, &g, c->pool);
    } else {
        ash_gemm_dynamic_f32(p->row, &g, scratch, c->pool);
    }
    return ASHORE_OK;
}

static void pack_b(void *dst, const void *src, const void *arg) {
    const struct product_params *p = arg;
    const struct ash_gemm *g = &p->gemm;

    if (p->dtype)
        pack_half(p, src, dst);
    else
        ash_gemm_pack(p->row, 1, g->k, g->n, src, 0, g->step_k, g->step_n, dst);
}

/* B may stay in 16 bits: it is of such a type, and there is one product. */
static int packed_dtype(const struct ash_lower *c, const struct ash_gemm *g) {
    const struct ash_tensor *b = ash_wide_from(c, 1);

    return b && !g->outer && !g->inner ? b->dtype : 0;
}

/* Puts `draft` on the kernels, with B packed once if it is one constant matrix. */
static int lower_product(struct ash_lower *c, struct product_params *draft) {
    struct ash_gemm *g = &draft->gemm;
    const struct ash_tensor *b = c->in[1]->data;
    struct product_params *p;
    size_t scratch = 0;

    draft->row = ash_gemm_best();
    g->lda = g->k;
    g->ldc = g->out.ld_residual = g->n;
    if (!g->m || !g->n || !g->k) return ASHORE_OK;
    if (b && (size_t)ash_tensor_count(b) == g->k * g->n) {
        size_t bytes = ash_gemm_packed_size(draft->row, 1, g->k, g->n);
        struct ash_packing how = {draft->row->name, g->step_n != 1, bytes, pack_b, draft};
        struct ash_moves moves = {sizeof(float), bytes, sizeof *draft};

        draft->dtype = packed_dtype(c, g);
        if (draft->dtype) {
            const struct ash_gemm_parts parts = product_parts(draft);

            moves.element = sizeof(uint16_t);
            moves.bytes = half_count(draft) * sizeof(uint16_t);
            how.bytes = moves.bytes + sizeof(uint16_t);
            scratch = ash_gemm_parts_scratch(&parts, c->threads);
        }
        if (bytes == SIZE_MAX) return ASHORE_OK;
        if (draft->dtype) b = ash_wide_from(c, 1);
        ASH_TRY(ash_lower_pack_moves(c, b, &how, &moves, &draft->packed));
    } else {
        scratch = ash_gemm_dynamic_scratch(draft->row, g);
    }
    if (draft->turn)
        scratch = ash_size_add(scratch, ash_align_up(ash_size_mul(g->m * g->k, sizeof(float))));
    if (scratch == SIZE_MAX) return ASHORE_OK;
    p = ash_lower_to(c, product_run, sizeof *p, draft->row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = *draft;
    c->scratch = scratch;
    return ASHORE_OK;
}

/* The batches of a product: dimensions of the result, neighbours merged where both inputs allow. */
struct batches {
    int rank;
    int64_t dim[ASH_MAX_RANK], a[ASH_MAX_RANK], b[ASH_MAX_RANK]; /* steps in matrices */
};

static void batches_of(const struct ash_type *a, const struct ash_type *b,
                       const struct ash_type *out, int outer, struct batches *s) {
    const struct ash_type *in[2] = {a, b};
    int64_t dim[2][ASH_MAX_RANK], step[2][ASH_MAX_RANK];

    s->rank = 0;
    for (int k = 0; k < 2; k++) {
        int rank = in[k]->rank > 2 ? in[k]->rank - 2 : 0;

        for (int i = 0; i < rank; i++) dim[k][i] = in[k]->dim[i].value;
        ash_broadcast_strides(rank, dim[k], outer, step[k]);
    }
    for (int i = 0; i < outer; i++) {
        int64_t d = out->dim[i].value;
        int last = s->rank - 1;

        if (d == 1) continue;
        if (last >= 0 && s->a[last] == step[0][i] * d && s->b[last] == step[1][i] * d) {
            s->dim[last] *= d;
        } else {
            s->dim[++last] = d;
            s->rank++;
        }
        s->a[last] = step[0][i];
        s->b[last] = step[1][i];
    }
}

/* false: more batches than outer and inner steps express. */
static bool set_batches(struct ash_gemm *g, const struct batches *s, bool residual) {
    size_t mk = g->m * g->k, kn = g->k * g->n, mn = g->m * g->n;

    if (s->rank == 1 && s->b[0] == 0 && s->a[0] == 1) { /* rows of one product */
        g->m *= (size_t)s->dim[0];
        return true;
    }
    if (s->rank > 2) return false;
    for (int i = 0; i < s->rank; i++) {
        bool inner = i == s->rank - 1;
        size_t below = inner ? 1 : (size_t)s->dim[i + 1];

        *(inner ? &g->inner : &g->outer) = (size_t)s->dim[i];
        *(inner ? &g->inner_a : &g->outer_a) = (size_t)s->a[i] * mk;
        *(inner ? &g->inner_b : &g->outer_b) = (size_t)s->b[i] * kn;
        *(inner ? &g->inner_c : &g->outer_c) = below * mn;
        if (residual) *(inner ? &g->inner_residual : &g->outer_residual) = below * mn;
    }
    return true;
}

static int no_product(struct ash_run *c) {
    (void)c;
    return ASHORE_OK;
}

static int matmul_lower(struct ash_lower *c) {
    const struct ash_act_f32 *act = c->attrs; /* of the internal operator alone */
    const struct ash_type *a = &c->in[0]->type, *b = &c->in[1]->type, *y = &c->out->type;
    struct product_params p = {0};
    struct ash_gemm *g = &p.gemm;
    struct batches s;

    if (!ash_lower_all_f32(c)) return ASHORE_OK;
    if (!ash_type_count(y))
        return ash_lower_to(c, no_product, 0, "none") ? ASHORE_OK : ASHORE_ERR_NOMEM;
    g->m = a->rank > 1 ? ash_extent(a, a->rank - 2) : 1;
    g->n = b->rank > 1 ? ash_extent(b, b->rank - 1) : 1;
    g->k = ash_extent(a, a->rank - 1);
    g->step_k = g->n;
    g->step_n = 1;
    if (*c->node->domain) g->out.act = *act;
    if (c->n_in > 2 && c->in[2]) {
        if (c->in[2]->type.rank != 1 || ash_type_count(&c->in[2]->type) != g->n) return ASHORE_OK;
        p.bias_in = 2;
    }
    if (c->n_in > 3 && c->in[3]) {
        if (!ash_same_extents(&c->in[3]->type, y)) return ASHORE_OK;
        p.residual_in = 3;
    }
    batches_of(a, b, y, y->rank - (a->rank > 1) - (b->rank > 1), &s);
    if (!set_batches(g, &s, p.residual_in != 0)) return ASHORE_OK;
    return lower_product(c, &p);
}

/* C as a bias or a residual of the product; false: it is neither. */
static bool gemm_addend(struct ash_lower *c, struct product_params *p) {
    const struct gemm_attrs *f = c->attrs;
    const struct ash_type *t = &c->in[2]->type;
    size_t n = p->gemm.n, count = ash_type_count(t), columns;
    const float *constant = ash_lower_constant(c, 2, count);
    float *bias;

    if (f->beta == 0.0f) return true;
    if (f->beta == 1.0f && ash_same_extents(t, &c->out->type)) {
        p->residual_in = 2;
        return true;
    }
    columns = t->rank ? ash_extent(t, t->rank - 1) : 1;
    if (count != columns || (count != n && count != 1)) return false;
    if (f->beta == 1.0f && count == n) {
        p->bias_in = 2;
        return true;
    }
    bias = constant ? ash_arena_array(c->arena, n, sizeof *bias) : NULL;
    if (!bias) return false;
    for (size_t i = 0; i < n; i++) bias[i] = f->beta * constant[count == 1 ? 0 : i];
    p->bias = bias;
    return true;
}

static int gemm_lower(struct ash_lower *c) {
    const struct gemm_attrs *f = c->attrs;
    const struct ash_type *a = &c->in[0]->type, *b = &c->in[1]->type;
    struct product_params p = {.gemm.out.scale = f->alpha};
    struct ash_gemm *g = &p.gemm;

    if (!ash_lower_all_f32(c) || f->alpha == 0.0f) return ASHORE_OK;
    g->m = ash_extent(a, f->trans_a);
    g->k = ash_extent(a, !f->trans_a);
    g->n = ash_extent(b, !f->trans_b);
    g->step_k = f->trans_b ? 1 : g->n;
    g->step_n = f->trans_b ? g->k : 1;
    if (f->trans_a) p.turn = ash_transpose_best();
    if (c->n_in > 2 && c->in[2] && !gemm_addend(c, &p)) return ASHORE_OK;
    return lower_product(c, &p);
}

/* ---- the internal operator ---- */

static int fused_parse(const struct ash_parse *c, void *attrs) { return ash_act_parse(c, attrs); }

static int fused_body(struct ash_builder *b) {
    const struct ash_act_f32 *act = b->attrs;
    uint32_t y = ash_build(b, "MatMul", ash_build_in(b, 0), ash_build_in(b, 1), ASH_NONE);

    for (int i = 2; i < 4; i++) {
        uint32_t addend = ash_build_in(b, i);
        if (addend != ASH_NONE) y = ash_build(b, "Add", y, addend, ASH_NONE);
    }
    ash_build_out(b, 0, ash_act_build(b, *act, y));
    return b->rc;
}

#define GEMM(from, to, least)                                                                      \
    {.name = "Gemm",                                                                               \
     .domain = "",                                                                                 \
     .since = from,                                                                                \
     .until = to,                                                                                  \
     .in_min = least,                                                                              \
     .in_max = 3,                                                                                  \
     .out_min = 1,                                                                                 \
     .out_max = 1,                                                                                 \
     .attrs_size = sizeof(struct gemm_attrs),                                                      \
     .parse = gemm_parse,                                                                          \
     .infer = gemm_infer,                                                                          \
     .ref = gemm_ref,                                                                              \
     .lower = gemm_lower}

extern const struct ash_op ash_ops_matmul[];
const struct ash_op ash_ops_matmul[] = {
    {.name = "MatMul",
     .domain = "",
     .since = 1,
     .in_min = 2,
     .in_max = 2,
     .out_min = 1,
     .out_max = 1,
     .infer = matmul_infer,
     .ref = matmul_ref,
     .lower = matmul_lower},
    {.name = "MatMul",
     .domain = ASH_INTERNAL,
     .since = 1,
     .in_min = 2,
     .in_max = 4,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct ash_act_f32),
     .parse = fused_parse,
     .infer = matmul_infer,
     .lower = matmul_lower,
     .body = fused_body},
    GEMM(1, 10, 3),
    GEMM(11, 0, 2),
    {0},
};
