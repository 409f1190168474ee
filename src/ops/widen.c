#include "ops/widen.h"

#include "base/heap.h"
#include "kernels/half/half.h"
#include "ops/lowering.h"

#include <string.h>

ASH_IDLE_WITHOUT(ash_half_best, "+half");
ASH_IDLE_WITHOUT(ash_wide_from, "+half");
ASH_ABSENT_WITHOUT(ash_wide_fill, "+half");

static enum ash_half_type half_type(int dtype) {
    return dtype == ASHORE_FLOAT16 ? ASH_HALF_F16 : ASH_HALF_BF16;
}

void ash_half_widen(const struct ash_tensor *t, void *dst) {
    ash_half_widen_n(t->dtype, false, t->data, (size_t)ash_tensor_count(t), dst);
}

void ash_half_widen_n(int dtype, bool regular, const void *src, size_t n, float *dst) {
    enum ash_half_op op = regular ? ASH_HALF_FINITE : ASH_HALF_WIDEN;

    ash_half_best()->fn[half_type(dtype)][op](n, src, dst);
}

bool ash_half_regular(int dtype, const uint16_t *x, size_t n) {
    unsigned top = dtype == ASHORE_FLOAT16 ? 0x7c00 : 0x7f80;
    size_t infinite = 0, denormal = 0;

    for (size_t i = 0; i < n; i++) {
        infinite += (x[i] & top) == top;
        denormal += (x[i] & top) == 0 && (x[i] & 0x7fff);
    }
    return infinite == 0 && denormal <= n / 64;
}

int ash_wide_fill(struct ash_wide *w, const struct ash_tensor *from) {
    if (w->tensor.data) return ASHORE_OK;
    w->tensor.data = ash_alloc_aligned(w->heap, w->bytes);
    if (!w->tensor.data) return ASHORE_ERR_NOMEM;
    ash_half_widen(from, w->tensor.data);
    return ASHORE_OK;
}

const struct ash_tensor *ash_wide_from(const struct ash_lower *c, int i) {
    return c->wide ? c->wide[i].from : NULL;
}

struct round_params {
    ash_run_fn *run;
    const void *params;
    const uint8_t *dtype;
};

static int round_run(struct ash_run *c) {
    const struct round_params *p = c->params;
    struct ash_run inner = *c;

    inner.params = p->params;
    ASH_TRY(p->run(&inner));
    for (int o = 0; o < c->n_out; o++) {
        if (!c->out[o] || !ash_is_half(p->dtype[o])) continue;
        ash_half(ash_half_best(), c->pool, half_type(p->dtype[o]), ASH_HALF_ROUND,
                 (size_t)ash_tensor_count(c->out[o]), c->out[o]->data, c->out[o]->data);
    }
    return ASHORE_OK;
}

int ash_half_round(struct ash_lower *c, const uint8_t *dtype) {
    struct round_params draft = {.run = c->run, .params = c->params}, *p;
    uint8_t *kept = ash_arena_alloc(c->arena, (size_t)c->n_out);

    if (!kept) return ash_fail_nomem(c->err, (size_t)c->n_out);
    memcpy(kept, dtype, (size_t)c->n_out);
    draft.dtype = kept;
    p = ash_lower_to(c, round_run, sizeof *p, c->kernel);
    if (!p) return ASHORE_ERR_NOMEM;
    *p = draft;
    return ASHORE_OK;
}

static int half_run(struct ash_run *c) {
    const struct ash_tensor *x = c->in[0], *y = c->out[0];
    bool widens = ash_is_half(x->dtype);

    ash_half(ash_half_best(), c->pool, half_type(widens ? x->dtype : y->dtype),
             widens ? ASH_HALF_WIDEN : ASH_HALF_NARROW, (size_t)ash_tensor_count(x), x->data,
             y->data);
    return ASHORE_OK;
}

const struct ash_op ash_op_half = {.name = "Cast",
                                   .domain = ASH_INTERNAL,
                                   .since = 1,
                                   .in_min = 1,
                                   .in_max = 1,
                                   .out_min = 1,
                                   .out_max = 1,
                                   .ref = half_run};
