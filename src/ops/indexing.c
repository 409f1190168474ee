#include "ops/indexing.h"

#include "base/error.h"
#include "ops/move.h"

#include <string.h>

int ash_each_indexed(const struct ash_tensor *whole, const struct ash_tensor *index, int axis,
                     ash_indexed_fn *fn, void *arg, struct ashore_error *err) {
    int64_t step[1][ASH_MAX_RANK], at[ASH_MAX_RANK] = {0}, base[1] = {0}, tile[ASH_TILE], first = 0;
    int last = index->rank - 1;

    ASH_FAIL_IF(whole->rank != index->rank, err, SHAPE, "data has %d dimensions, indices have %d",
                whole->rank, index->rank);
    for (int i = 0; i <= last; i++)
        ASH_FAIL_IF(i != axis && index->dim[i] > whole->dim[i], err, SHAPE,
                    "dimension %d: %lld indices for an extent of %lld", i, (long long)index->dim[i],
                    (long long)whole->dim[i]);
    if (!ash_tensor_count(index)) return ASHORE_OK;
    ash_steps(whole->rank, whole->dim, step[0]);
    int64_t along = step[0][axis];
    step[0][axis] = 0;
    do {
        size_t n;

        for (int64_t j = 0; (n = ash_tile_size(index->dim[last], j)); j += (int64_t)n) {
            ash_load_i64(index->dtype, ash_at(index, first), n, tile);
            for (size_t i = 0; i < n; i++) {
                int64_t k;

                ASH_TRY(ash_index(tile[i], whole->dim[axis], &k, err));
                tile[i] = base[0] + k * along + (j + (int64_t)i) * step[0][last];
            }
            fn(arg, first, tile, n);
            first += (int64_t)n;
        }
    } while (ash_index_next(last, index->dim, at, 1, base, (const int64_t(*)[ASH_MAX_RANK])step));
    return ASHORE_OK;
}

void ash_move_indexed(size_t size, size_t n, const void *src, const int64_t *from, void *dst,
                      const int64_t *to) {
    const char *s = src;
    char *d = dst;

#define MOVE(bytes)                                                                                \
    for (size_t i = 0; i < n; i++)                                                                 \
    memcpy(d + (to ? (size_t)to[i] : i) * (bytes), s + (from ? (size_t)from[i] : i) * (bytes),     \
           bytes)
    if (size == 4)
        MOVE(4);
    else if (size == 8)
        MOVE(8);
    else
        MOVE(size);
#undef MOVE
}
