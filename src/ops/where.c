/* Where: elements of one input or the other. */
#include "ops/elementwise.h"

#include <string.h>

static int where_contents(struct ash_infer *c) {
    const struct ash_type *t = &c->out[0].type;
    struct ash_dim take[ASH_CONTENT_MAX], x[ASH_CONTENT_MAX], y[ASH_CONTENT_MAX];
    int n;

    if ((t->dtype != ASHORE_INT64 && t->dtype != ASHORE_INT32) || t->rank < 0 || t->rank > 1)
        return ASHORE_OK;
    if (t->rank == 1 && (t->dim[0].kind != ASH_DIM_EXACT || t->dim[0].value > ASH_CONTENT_MAX))
        return ASHORE_OK;
    n = t->rank == 1 ? (int)t->dim[0].value : 1;
    if (!ash_infer_codes(c, 0, n, take) || !ash_infer_codes(c, 1, n, x) ||
        !ash_infer_codes(c, 2, n, y))
        return ASHORE_OK;
    for (int i = 0; i < n; i++) {
        if (take[i].kind != ASH_DIM_EXACT)
            x[i] = ash_dim_same(x[i], y[i]) ? x[i] : ash_dim_unknown();
        else if (!take[i].value)
            x[i] = y[i];
    }
    return ash_infer_set_codes(c, n, x);
}

static int where_infer(struct ash_infer *c) {
    int condition, dtype;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_BOOL, &condition));
    ASH_TRY(ash_infer_types(c, 1, 3, ASH_TAKES_ANY, &dtype));
    ASH_TRY(ash_infer_broadcast_all(c, 0, 3, dtype));
    return where_contents(c);
}

static int where_ref(struct ash_run *c) {
    struct ash_tensor *out = c->out[0];
    size_t size = ash_dtype_size(out->dtype), n;
    int64_t count = ash_tensor_count(out);
    uint8_t take_tile[ASH_TILE];
    char x_tile[ASH_TILE * ASH_ELEMENT_MAX], y_tile[ASH_TILE * ASH_ELEMENT_MAX];

    for (int64_t start = 0; (n = ash_tile_size(count, start)); start += (int64_t)n) {
        const uint8_t *take = ash_broadcast_tile(c->in[0], out, start, n, take_tile);
        const char *x = ash_broadcast_tile(c->in[1], out, start, n, x_tile);
        const char *y = ash_broadcast_tile(c->in[2], out, start, n, y_tile);
        char *to = ash_at(out, start);

        for (size_t i = 0; i < n && size == sizeof(uint32_t); i++) {
            uint32_t a, b; /* x or y may be the output */

            memcpy(&a, x + i * sizeof a, sizeof a);
            memcpy(&b, y + i * sizeof b, sizeof b);
            if (!take[i]) a = b;
            memcpy(to + i * sizeof a, &a, sizeof a);
        }
        for (size_t i = 0; i < n && size != sizeof(uint32_t); i++, to += size) {
            const char *from = (take[i] ? x : y) + i * size;
            if (to != from) memcpy(to, from, size);
        }
    }
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_where[];
const struct ash_op ash_ops_where[] = {
    {.name = "Where",
     .domain = "",
     .since = 9,
     .in_min = 3,
     .in_max = 3,
     .out_min = 1,
     .out_max = 1,
     .flags = ASH_OP_MOVES | ASH_OP_ELEMENTWISE,
     .inplace = 6,
     .infer = where_infer,
     .ref = where_ref},
    {0},
};
