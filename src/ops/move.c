#include "ops/move.h"

#include <string.h>

#define ROW(T)                                                                                     \
    for (int64_t i = 0; i < n; i++, src += sstep, dst += dstep) {                                  \
        T t;                                                                                       \
        memcpy(&t, src, sizeof t);                                                                 \
        memcpy(dst, &t, sizeof t);                                                                 \
    }

/* Steps in bytes; size is 1 or 2. */
static ASH_APART void move_small(int64_t n, size_t size, const char *src, ptrdiff_t sstep,
                                 char *dst, ptrdiff_t dstep) {
    if (size == 1)
        ROW(uint8_t)
    else
        ROW(uint16_t)
}
ASH_ABSENT_WITHOUT(move_small, "+small");

static void move_row(int64_t n, size_t size, const char *src, ptrdiff_t sstep, char *dst,
                     ptrdiff_t dstep) {
    switch (size) {
    case 1:
    case 2:
        move_small(n, size, src, sstep, dst, dstep);
        break;
    case 4:
        ROW(uint32_t) break;
    case 8:
        ROW(uint64_t) break;
    default:
        for (int64_t i = 0; i < n; i++, src += sstep, dst += dstep) memcpy(dst, src, size);
    }
}
#undef ROW

void ash_move(int rank, const int64_t *dim, size_t size, const void *src, const int64_t *sstep,
              void *dst, const int64_t *dstep) {
    int64_t d[ASH_MOVE_RANK + 1], s[ASH_MOVE_RANK + 1], t[ASH_MOVE_RANK + 1];
    int64_t at[ASH_MOVE_RANK + 1] = {0};
    int r = 0;
    for (int i = 0; i < rank; i++) {
        if (dim[i] == 0) return;
        if (dim[i] == 1) continue;
        bool merge = r && s[r - 1] == sstep[i] * dim[i] && t[r - 1] == dstep[i] * dim[i];
        if (merge) r--;
        d[r] = merge ? d[r] * dim[i] : dim[i];
        s[r] = sstep[i];
        t[r++] = dstep[i];
    }
    if (r == 0 || s[r - 1] != 1 || t[r - 1] != 1) { /* rows of single elements */
        d[r] = s[r] = t[r] = 1;
        r++;
    }
    size_t block = (size_t)d[r - 1] * size;
    if (--r == 0) {
        memcpy(dst, src, block);
        return;
    }
    ptrdiff_t size_of = (ptrdiff_t)size;
    for (int i = 0; i < r; i++) {
        s[i] *= size_of;
        t[i] *= size_of;
    }
    const char *from = src;
    char *to = dst;
    r--;
    for (;;) {
        move_row(d[r], block, from, (ptrdiff_t)s[r], to, (ptrdiff_t)t[r]);
        int i = r - 1;
        for (; i >= 0; i--) {
            from += s[i];
            to += t[i];
            if (++at[i] < d[i]) break;
            from -= s[i] * d[i];
            to -= t[i] * d[i];
            at[i] = 0;
        }
        if (i < 0) return;
    }
}

void ash_fill(void *dst, size_t size, int64_t n, const void *element) {
    size_t bytes = (size_t)n * size;
    if (bytes == 0) return;
    if (!element) {
        memset(dst, 0, bytes);
        return;
    }
    memcpy(dst, element, size);
    for (size_t done = size; done < bytes; done *= 2)
        memcpy((char *)dst + done, dst, done < bytes - done ? done : bytes - done);
}

void ash_steps(int rank, const int64_t *dim, int64_t *step) {
    int64_t s = 1;
    for (int i = rank - 1; i >= 0; i--) {
        step[i] = s;
        s *= dim[i];
    }
}

void ash_copy(struct ash_tensor *dst, const struct ash_tensor *src) {
    size_t bytes = ash_tensor_bytes(dst);
    if (bytes && dst->data != src->data) memmove(dst->data, src->data, bytes);
}

int ash_index(int64_t index, int64_t n, int64_t *out, struct ashore_error *err) {
    ASH_FAIL_IF(index < -n || index >= n, err, INDEX, "index %lld is out of range for extent %lld",
                (long long)index, (long long)n);
    *out = index < 0 ? index + n : index;
    return ASHORE_OK;
}

int ash_infer_known(const struct ash_dim *dim, int n) {
    for (int i = 0; i < n; i++) {
        if (dim[i].kind == ASH_DIM_UNKNOWN || dim[i].kind == ASH_DIM_BOUNDED)
            return ASHORE_NEEDS_DATA;
    }
    return ASHORE_OK;
}

int64_t ash_infer_length(const struct ash_infer *c, int i) {
    const struct ash_type *t = &c->in[i]->type;
    if (t->rank == 0) return 1;
    return t->rank == 1 && t->dim[0].kind == ASH_DIM_EXACT ? t->dim[0].value : -1;
}

int ash_axes(const int64_t *list, int n, int rank, int *axes, struct ashore_error *err) {
    unsigned seen = 0;
    for (int i = 0; i < n; i++) {
        ASH_TRY(ash_axis(list[i], rank, &axes[i], err));
        ASH_FAIL_IF(seen >> axes[i] & 1, err, ATTR, "axis %lld is given twice", (long long)list[i]);
        seen |= 1u << axes[i];
    }
    return ASHORE_OK;
}

void ash_infer_rank(struct ash_infer *c, int o, int rank) {
    struct ash_type *t = &c->out[o].type;
    t->rank = (int8_t)(rank > ASH_MAX_RANK ? -1 : rank);
    for (int i = 0; i < t->rank; i++) t->dim[i] = ash_dim_unknown();
}

void ash_run_give(struct ash_run *c, int i, struct ashore_value *v) {
    ash_value_release(&c->out_value[i]);
    c->out_value[i] = v;
    if (v->kind == ASHORE_TENSOR && c->out[i]) *c->out[i] = v->tensor;
}
