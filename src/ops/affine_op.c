/* The internal operator Affine(X, scale, shift) = act(X * scale + shift), scale and shift one
 * number for each element of the last dimension: a normalisation with known statistics over
 * channels-last images, and the activation behind it. */
#include "kernels/affine/affine.h"
#include "ops/act_attrs.h"
#include "ops/lowering.h"

extern const struct ash_op ash_ops_affine_op[];

ASH_MAKES("Mul Add", "ashore:Affine");

static int affine_parse(const struct ash_parse *c, void *attrs) { return ash_act_parse(c, attrs); }

static int affine_infer(struct ash_infer *c) {
    ash_infer_same(c, 0, 0);
    return ASHORE_OK;
}

static int affine_body(struct ash_builder *b) {
    const struct ash_act_f32 *act = b->attrs;
    uint32_t y = ash_build(b, "Mul", ash_build_in(b, 0), ash_build_in(b, 1), ASH_NONE);
    y = ash_build(b, "Add", y, ash_build_in(b, 2), ASH_NONE);
    ash_build_out(b, 0, ash_act_build(b, *act, y));
    return b->rc;
}

struct affine_params {
    const struct ash_affine_row *row;
    size_t R, C;
};

static int affine_run(struct ash_run *c) {
    const struct affine_params *p = c->params;
    const struct ash_act_f32 *act = c->attrs;
    ash_affine_f32(p->row, c->pool, *act, p->R, p->C, c->in[0]->data, c->in[1]->data,
                   c->in[2]->data, c->out[0]->data);
    return ASHORE_OK;
}

static int affine_lower(struct ash_lower *c) {
    const struct ash_type *x = &c->in[0]->type;
    const struct ash_affine_row *row = ash_affine_best();
    if (!ash_lower_all_f32(c) || x->rank < 1) return ASHORE_OK;
    size_t C = ash_extent(x, x->rank - 1);
    if (ash_type_count(&c->in[1]->type) != C || ash_type_count(&c->in[2]->type) != C)
        return ASHORE_OK;
    struct affine_params *p = ash_lower_to(c, affine_run, sizeof *p, row->name);
    if (!p) return ASHORE_ERR_NOMEM;
    p->row = row;
    p->R = ash_extents(x, 0, x->rank - 1);
    p->C = C;
    return ASHORE_OK;
}

const struct ash_op ash_ops_affine_op[] = {{.name = "Affine",
                                            .domain = ASH_INTERNAL,
                                            .since = 1,
                                            .in_min = 3,
                                            .in_max = 3,
                                            .out_min = 1,
                                            .out_max = 1,
                                            .inplace = 1,
                                            .attrs_size = sizeof(struct ash_act_f32),
                                            .parse = affine_parse,
                                            .infer = affine_infer,
                                            .body = affine_body,
                                            .lower = affine_lower},
                                           {0}};
