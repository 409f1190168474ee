#include "ops/window.h"
#include "ops/elementwise.h"
#include "ops/widen.h"

#include <string.h>

int ash_window_list(const struct ash_parse *c, const char *name, int64_t low, struct ash_window *w,
                    int64_t *a, int64_t *b, bool *given) {
    const int64_t *list;
    size_t n, halves = b ? 2 : 1;
    ASH_TRY(ash_parse_ints(c, name, &list, &n));
    size_t rank = n / halves;
    *given = n > 0;
    for (int i = 0; i < ASH_WINDOW_RANK; i++) {
        a[i] = low;
        if (b) b[i] = low;
    }
    if (n == 0) return ASHORE_OK;
    ASH_FAIL_IF(n % halves || rank > ASH_WINDOW_RANK || (w->rank && (int)rank != w->rank), c->err,
                ATTR, "attribute '%s' has %zu elements, which does not fit the others", name, n);
    w->rank = (int)rank;
    for (size_t i = 0; i < n; i++) {
        ASH_FAIL_IF(list[i] < low || list[i] > INT32_MAX, c->err, ATTR, "attribute '%s' holds %lld",
                    name, (long long)list[i]);
        if (i < rank)
            a[i] = list[i];
        else if (b)
            b[i - rank] = list[i];
    }
    return ASHORE_OK;
}

int ash_window_parse(const struct ash_parse *c, struct ash_window *w) {
    static const char *const modes[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};
    int64_t ceil;
    bool given;
    ASH_TRY(ash_parse_choice(c, "auto_pad", modes, ASH_PAD_NOTSET, &w->auto_pad));
    ASH_TRY(ash_parse_int(c, "ceil_mode", 0, &ceil));
    w->ceil = ceil != 0;
    ASH_TRY(ash_window_list(c, "kernel_shape", 1, w, w->K, NULL, &w->has_kernel));
    ASH_TRY(ash_window_list(c, "strides", 1, w, w->S, NULL, &given));
    ASH_TRY(ash_window_list(c, "dilations", 1, w, w->L, NULL, &given));
    return ash_window_list(c, "pads", 0, w, w->P, w->Q, &given);
}

int ash_conv_parse(const struct ash_parse *c, struct ash_conv_attrs *a) {
    ASH_TRY(ash_window_parse(c, &a->window));
    ASH_TRY(ash_parse_int(c, "group", 1, &a->groups));
    ASH_FAIL_IF(a->groups < 1 || a->groups > INT32_MAX, c->err, ATTR, "group %lld",
                (long long)a->groups);
    return ASHORE_OK;
}

int ash_window_types(struct ash_infer *c) {
    int image;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_FLOAT, &image));
    for (int i = 1; i < c->n_in; i++) {
        int dtype = c->in[i] ? c->in[i]->type.dtype : 0;
        bool wide = ash_is_half(image) && dtype == ASHORE_FLOAT32;
        ASH_MISFIT_IF(image && dtype && dtype != image && !wide, c->err, TYPE,
                      "input %d is of type %s, others of type %s", i, ash_dtype(dtype)->name,
                      ash_dtype(image)->name);
    }
    return ASHORE_OK;
}

int ash_window_check(const struct ash_window *w, int spatial, struct ashore_error *err) {
    ASH_MISFIT_IF(spatial < 1, err, SHAPE,
                  "expected [N,C,...] with at least one spatial dimension");
    ASH_MISFIT_IF(w->rank && w->rank != spatial, err, SHAPE,
                  "the attributes are for %d spatial dimensions, the input has %d", w->rank,
                  spatial);
    return ASHORE_OK;
}

/* With auto_pad. */
static ASH_APART void dim_same(struct ash_infer *c, const struct ash_window *w, int i,
                               struct ash_dim x, struct ash_dim *y) {
    struct ash_dim up = ash_infer_dim(c, ASH_DIM_ADD, x, ash_dim_exact(w->S[i] - 1));
    *y = ash_infer_dim(c, ASH_DIM_FLOORDIV, up, ash_dim_exact(w->S[i]));
}
ASH_ABSENT_WITHOUT(dim_same, "+autopad");

/* With ceil_mode: no window starts in the padding behind the input. */
static ASH_APART void dim_ceil(struct ash_infer *c, const struct ash_window *w, int i,
                               struct ash_dim x, struct ash_dim *y) {
    struct ash_dim sum = ash_infer_dim(c, ASH_DIM_ADD, x, ash_dim_exact(w->P[i] - 1 + w->S[i]));
    struct ash_dim last = ash_infer_dim(c, ASH_DIM_FLOORDIV, sum, ash_dim_exact(w->S[i]));
    *y = ash_infer_dim(c, ASH_DIM_MIN, *y, last);
}
ASH_ABSENT_WITHOUT(dim_ceil, "+ceil");

int ash_window_dim(struct ash_infer *c, const struct ash_window *w, int i, struct ash_dim x,
                   struct ash_dim k, struct ash_dim *y) {
    struct ash_dim stride = ash_dim_exact(w->S[i]);
    if (w->auto_pad == ASH_PAD_SAME_UPPER || w->auto_pad == ASH_PAD_SAME_LOWER) {
        dim_same(c, w, i, x, y);
        return ASHORE_OK;
    }
    *y = ash_dim_unknown();
    if (k.kind != ASH_DIM_EXACT) return ASHORE_OK;
    bool explicit = w->auto_pad == ASH_PAD_NOTSET, ceil = explicit && w->ceil;
    int64_t pads = explicit ? w->P[i] + w->Q[i] : 0, reach = (k.value - 1) * w->L[i] + 1;
    ASH_FAIL_IF(x.kind == ASH_DIM_EXACT && x.value + pads < reach, c->err, SHAPE,
                "a window of %lld is larger than spatial dimension %d, %lld with padding",
                (long long)reach, i, (long long)(x.value + pads));
    int64_t more = pads - reach + w->S[i] + (ceil ? w->S[i] - 1 : 0);
    struct ash_dim sum = ash_infer_dim(c, ASH_DIM_ADD, x, ash_dim_exact(more));
    *y = ash_infer_dim(c, ASH_DIM_FLOORDIV, sum, stride);
    if (ceil) dim_ceil(c, w, i, x, y);
    return ASHORE_OK;
}

static ASH_APART int64_t pad_same(const struct ash_window *w, int i, int64_t x, int64_t k,
                                  int64_t y) {
    int64_t total = (y - 1) * w->S[i] + (k - 1) * w->L[i] + 1 - x;
    if (total < 0) total = 0;
    return (total + (w->auto_pad == ASH_PAD_SAME_LOWER)) / 2;
}
ASH_ABSENT_WITHOUT(pad_same, "+autopad");

static ASH_APART int64_t pad_same_behind(const struct ash_window *w, int i, int64_t x, int64_t k,
                                         int64_t y) {
    int64_t reach = (y - 1) * w->S[i] + (k - 1) * w->L[i] + 1;
    int64_t behind = reach - x - ash_window_pad(w, i, x, k, y);
    return behind > 0 ? behind : 0;
}
ASH_ABSENT_WITHOUT(pad_same_behind, "+autopad");

int64_t ash_window_pad(const struct ash_window *w, int i, int64_t x, int64_t k, int64_t y) {
    if (w->auto_pad == ASH_PAD_NOTSET) return w->P[i];
    return w->auto_pad == ASH_PAD_VALID ? 0 : pad_same(w, i, x, k, y);
}

int64_t ash_window_pad_behind(const struct ash_window *w, int i, int64_t x, int64_t k, int64_t y) {
    return w->auto_pad == ASH_PAD_NOTSET ? w->Q[i] : pad_same_behind(w, i, x, k, y);
}
