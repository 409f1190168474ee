#include "ir/raws.h"

#include "base/error.h"

#include <string.h>

/* Smaller constants are not worth the bookkeeping; those of 16 bits are widened at once up to
 * 4096 elements (plan_half.c). */
enum { LARGE = 1024, LARGE_HALF = 8193 };

struct ash_raw_ref {
    uintptr_t key; /* the address of tensor, or of its data while records are made */
    const struct ash_tensor *tensor;
    struct ash_valuedef *value; /* that has it */
    struct ash_raw *raw;
    bool used;
};

static bool large(const struct ash_tensor *t) {
    if (!t || t->dtype == ASHORE_STRING) return false;
    bool half = t->dtype == ASHORE_FLOAT16 || t->dtype == ASHORE_BFLOAT16;
    return ash_tensor_bytes(t) >= (half ? LARGE_HALF : LARGE);
}

/* Counts the graph's large constants, and with a list, writes them there. */
static int collect(struct ash_raws *raws, const struct ash_graph *g, struct ash_raw_ref *list,
                   struct ashore_error *err) {
    size_t bytes = (g->n_values + 1) * sizeof(uint32_t);
    uint32_t *uses = ash_alloc(raws->heap, bytes);
    if (!uses) return ash_fail_nomem(err, bytes);
    ash_graph_uses(g, uses);
    for (uint32_t i = 0; i < g->n_values; i++) {
        const struct ash_tensor *t = g->values[i].data;
        if (!large(t)) continue;
        if (list)
            list[raws->n_ref] = (struct ash_raw_ref){.key = (uintptr_t)t->data,
                                                     .value = &g->values[i],
                                                     .tensor = t,
                                                     .used = uses[i] != 0};
        raws->n_ref++;
    }
    ash_free(raws->heap, uses, bytes);
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        for (uint32_t k = 0; k < g->nodes[i]->n_sub; k++)
            ASH_TRY(collect(raws, g->nodes[i]->sub[k].graph, list, err));
    }
    return ASHORE_OK;
}

/* Shell's sort: constants mostly lie in order. */
static void sort(struct ash_raw_ref *ref, size_t n) {
    size_t gap = 1;
    while (gap < n / 3) gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3) {
        for (size_t i = gap; i < n; i++) {
            const struct ash_raw_ref r = ref[i];
            size_t k = i;
            for (; k >= gap && ref[k - gap].key > r.key; k -= gap) ref[k] = ref[k - gap];
            ref[k] = r;
        }
    }
}

/* Tensors over the same data are one constant; where they overlap otherwise, it stays. */
static void make_records(struct ash_raws *raws) {
    for (size_t i = 0; i < raws->n_ref; i++) {
        struct ash_raw_ref *ref = &raws->ref[i];
        size_t bytes = ash_tensor_bytes(ref->tensor);
        struct ash_raw *r = raws->n ? &raws->raw[raws->n - 1] : NULL;
        if (!r || ref->key - (uintptr_t)r->home >= r->bytes) {
            r = &raws->raw[raws->n++];
            *r = (struct ash_raw){.home = ref->tensor->data, .bytes = bytes};
        } else if (ref->tensor->data != r->home || bytes != r->bytes) {
            size_t end = ref->key - (uintptr_t)r->home + bytes;
            r->stays = true;
            if (end > r->bytes) r->bytes = end;
        }
        ref->raw = r;
        r->refs++;
        r->used = r->used || ref->used;
    }
    for (size_t i = 0; i < raws->n_ref; i++) raws->ref[i].key = (uintptr_t)raws->ref[i].tensor;
    sort(raws->ref, raws->n_ref);
}

static int fill(struct ash_raws *raws, const struct ash_graph *graph, struct ashore_error *err) {
    size_t n = raws->n_ref;
    raws->raw = ash_alloc_zero(raws->heap, n * sizeof *raws->raw);
    raws->ref = ash_alloc_zero(raws->heap, n * sizeof *raws->ref);
    if (!raws->raw || !raws->ref) return ash_fail_nomem(err, n * sizeof *raws->raw);
    raws->n_ref = 0;
    int rc = collect(raws, graph, raws->ref, err);
    raws->n_ref = n;
    return rc;
}

int ash_raws_init(struct ash_raws *raws, const struct ash_graph *graph, struct ashore_error *err) {
    raws->n_ref = 0;
    ASH_TRY(collect(raws, graph, NULL, err));
    if (raws->n_ref == 0) return ASHORE_OK;
    int rc = fill(raws, graph, err);
    if (rc != ASHORE_OK) {
        ash_raws_deinit(raws);
        return rc;
    }
    sort(raws->ref, raws->n_ref);
    make_records(raws);
    for (size_t i = 0; i < raws->n; i++) {
        if (!raws->raw[i].used) ash_raws_give(raws, &raws->raw[i], ASH_GIVE_UNUSED);
    }
    for (size_t i = 0; i < raws->n_ref; i++) {
        if (raws->ref[i].raw->away) raws->ref[i].value->data = NULL;
    }
    return ASHORE_OK;
}

void ash_raws_deinit(struct ash_raws *raws) {
    for (size_t i = 0; i < raws->n; i++)
        ash_free_aligned(raws->heap, raws->raw[i].moved, raws->raw[i].bytes);
    ash_free(raws->heap, raws->raw, raws->n_ref * sizeof *raws->raw);
    ash_free(raws->heap, raws->ref, raws->n_ref * sizeof *raws->ref);
    raws->raw = NULL;
    raws->ref = NULL;
    raws->n = raws->n_ref = 0;
}

struct ash_raw *ash_raws_find(const struct ash_raws *raws, const struct ash_tensor *t) {
    size_t low = 0, high = raws->n_ref;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (raws->ref[middle].key < (uintptr_t)t)
            low = middle + 1;
        else
            high = middle;
    }
    return low < raws->n_ref && raws->ref[low].tensor == t ? raws->ref[low].raw : NULL;
}

void ash_raws_give(struct ash_raws *raws, struct ash_raw *r, enum ash_give how) {
    if (atomic_load(&r->pins) != 0) return;
    if (r->moved) {
        ash_free_aligned(raws->heap, r->moved, r->bytes);
        r->moved = NULL;
        atomic_fetch_sub(&raws->moved, r->bytes);
    } else if (!r->stays && !r->away && !r->back) {
        enum ash_given given = raws->give(raws->user, r->home, r->bytes, how);
        r->away = given == ASH_GIVEN_AWAY;
        r->back = given == ASH_GIVEN_BACK;
        if (!r->back) return;
        atomic_fetch_add(&raws->back, r->bytes);
        ash_heap_count(raws->heap, 0, r->bytes);
    }
}

void ash_raws_touch(struct ash_raws *raws, struct ash_raw *r) {
    if (!r->back) return;
    r->back = false;
    atomic_fetch_sub(&raws->back, r->bytes);
    ash_heap_count(raws->heap, r->bytes, 0);
}
