#include "ops/turned.h"

#include "ops/lowering.h"

struct ash_type ash_turned_type(const struct ash_type *t, bool to_first) {
    struct ash_type p = *t;
    if (t->rank < 3) return p;
    int last = t->rank - 1;
    for (int i = 2; i <= last; i++) p.dim[to_first ? i : i - 1] = t->dim[to_first ? i - 1 : i];
    p.dim[to_first ? 1 : last] = t->dim[to_first ? last : 1];
    return p;
}

uint32_t ash_turned_build(struct ash_builder *b, uint32_t x, int rank, bool to_first) {
    int64_t perm[ASH_MAX_RANK];
    perm[0] = 0;
    for (int i = 1; i < rank; i++)
        perm[i] = to_first ? (i == 1 ? rank - 1 : i - 1) : (i == rank - 1 ? 1 : i + 1);
    uint32_t y = ash_build_one(b, "Transpose", x);
    ash_build_attr_ints(b, "perm", perm, (size_t)rank);
    return y;
}

void ash_turned_copy_attrs(struct ash_builder *b) {
    static const char *const shared[] = {
        "kernel_shape", "strides",   "dilations",         "pads",           "auto_pad",
        "group",        "ceil_mode", "count_include_pad", "output_padding", "output_shape"};
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++) ash_build_attr_copy(b, shared[i]);
}

void ash_turned_conv(const struct ash_conv_attrs *a, const struct ash_type *x,
                     const struct ash_type *w, const struct ash_type *y, struct ash_conv *s) {
    const struct ash_window *win = &a->window;
    int spatial = x->rank - 2, i = spatial - 1;
    bool two = spatial == 2;
    *s = (struct ash_conv){
        .n = ash_extent(x, 0),
        .h = two ? ash_extent(x, 1) : 1,
        .w = ash_extent(x, spatial),
        .c = ash_extent(x, spatial + 1),
        .oh = two ? ash_extent(y, 1) : 1,
        .ow = ash_extent(y, spatial),
        .oc = ash_extent(y, spatial + 1),
        .kh = two ? ash_extent(w, 2) : 1,
        .kw = ash_extent(w, spatial + 1),
        .groups = (size_t)a->groups,
        .stride_h = two ? (size_t)win->S[0] : 1,
        .stride_w = (size_t)win->S[i],
        .dilation_h = two ? (size_t)win->L[0] : 1,
        .dilation_w = (size_t)win->L[i],
    };
    s->pad_left = (size_t)ash_window_pad(win, i, (int64_t)s->w, (int64_t)s->kw, (int64_t)s->ow);
    if (two)
        s->pad_top = (size_t)ash_window_pad(win, 0, (int64_t)s->h, (int64_t)s->kh, (int64_t)s->oh);
}
