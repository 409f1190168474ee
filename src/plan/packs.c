/* The model's packed weights, keyed by (constant, kernel row). */
#include "plan/plan.h"

#include "ops/widen.h"

#include <string.h>

struct pack {
    /* The constants' data: equal data of equal extents is equal content. */
    const void *src[ASH_PACK_SRC];
    int32_t rank; /* of the first constant */
    int64_t dim[ASH_MAX_RANK];
    const char *row;
    uint64_t variant;
    void *data;
    size_t bytes;
    struct pack *next;
};

struct ash_packs {
    struct ash_heap *heap;
    atomic_flag lock; /* sessions of one model may plan at the same time */
    struct pack *head;
    _Atomic size_t bytes; /* of all */
};

int ash_packs_create(struct ash_heap *heap, struct ash_packs **packs, struct ashore_error *err) {
    struct ash_packs *p = ash_alloc_zero(heap, sizeof *p);
    if (!p) return ash_fail_nomem(err, sizeof *p);
    p->heap = heap;
    atomic_flag_clear(&p->lock);
    *packs = p;
    return ASHORE_OK;
}

void ash_packs_destroy(struct ash_packs **packs) {
    struct ash_packs *p = *packs;
    *packs = NULL;
    if (!p) return;
    while (p->head) {
        struct pack *next = p->head->next;
        ash_free_aligned(p->heap, p->head->data, p->head->bytes);
        ash_free(p->heap, p->head, sizeof *p->head);
        p->head = next;
    }
    ash_free(p->heap, p, sizeof *p);
}

size_t ash_packs_bytes(const struct ash_packs *packs) { return atomic_load(&packs->bytes); }

static bool same_key(const struct pack *a, const struct pack *b) {
    return !memcmp(a->src, b->src, sizeof a->src) && a->rank == b->rank &&
           !memcmp(a->dim, b->dim, sizeof a->dim) && a->row == b->row && a->variant == b->variant &&
           a->bytes == b->bytes;
}

/* The lowering's constant of 16 bits that src stands for, or is; NULL. */
static struct ash_wide *wide_of(const struct ash_lower *c, const struct ash_tensor *src) {
    for (int i = 0; c->wide && i < c->n_in; i++) {
        if (src == &c->wide[i].tensor || src == c->wide[i].from) return src ? &c->wide[i] : NULL;
    }
    return NULL;
}

static int pack_now(struct ash_lower *c, const struct ash_tensor *const *src, int n,
                    const struct ash_packing *how, void *to) {
    for (int i = 0; i < n; i++) {
        struct ash_wide *w = wide_of(c, src[i]);
        bool wide = w && src[i] == &w->tensor;
        if (wide && ash_wide_fill(w) != ASHORE_OK) return ash_fail_nomem(c->err, w->bytes);
    }
    how->pack(to, src[0]->data, how->arg);
    return ASHORE_OK;
}

static int pack_locked(struct ash_packs *p, const struct pack *key, struct ash_lower *c,
                       const struct ash_tensor *const *src, int n, const struct ash_packing *how,
                       const void **packed) {
    for (const struct pack *k = p->head; k; k = k->next) {
        if (same_key(k, key)) {
            *packed = k->data;
            return ASHORE_OK;
        }
    }
    struct pack *k = ash_alloc(p->heap, sizeof *k);
    if (!k) return ash_fail_nomem(c->err, sizeof *k);
    *k = *key;
    k->data = ash_alloc_aligned(p->heap, k->bytes);
    if (!k->data) {
        ash_free(p->heap, k, sizeof *k);
        return ash_fail_nomem(c->err, key->bytes);
    }
    int rc = pack_now(c, src, n, how, k->data);
    if (rc != ASHORE_OK) {
        ash_free_aligned(p->heap, k->data, k->bytes);
        ash_free(p->heap, k, sizeof *k);
        return rc;
    }
    k->next = p->head;
    p->head = k;
    atomic_fetch_add(&p->bytes, k->bytes);
    *packed = k->data;
    return ASHORE_OK;
}

static bool plan_owns(const struct ash_plan *plan, const void *data) {
    for (; plan; plan = plan->options.parent) {
        if (ash_arena_owns(&plan->arena, data) || ash_arena_owns(&plan->run_arena, data))
            return true;
    }
    return false;
}

/* What a plan has folded dies with it and must not be found by address later: such packs live in
 * the plan's own memory. */
static int pack_local(struct ash_lower *c, const struct ash_tensor *const *src, int n,
                      const struct ash_packing *how, const void **packed) {
    unsigned char *raw = ash_arena_raw(c->arena, ash_size_add(how->bytes, ASH_ALIGN));
    if (!raw) return ash_fail_nomem(c->err, how->bytes);
    void *data = (void *)ash_align_up((uintptr_t)raw);
    ASH_TRY(pack_now(c, src, n, how, data));
    *packed = data;
    return ASHORE_OK;
}

int ash_lower_pack(struct ash_lower *c, const struct ash_tensor *const *src, int n,
                   const struct ash_packing *how, const void **packed) {
    struct pack key = {
        .row = how->row, .variant = how->variant, .bytes = how->bytes, .rank = src[0]->rank};
    bool local = false;
    for (int i = 0; i < key.rank; i++) key.dim[i] = src[0]->dim[i];
    for (int i = 0; i < n; i++) {
        if (!src[i]) continue;
        struct ash_wide *w = wide_of(c, src[i]);
        if (w) w->packed = true;
        key.src[i] = w ? w->from->data : src[i]->data;
        local = local || plan_owns(c->plan, key.src[i]);
    }
    if (local) return pack_local(c, src, n, how, packed);
    struct ash_packs *packs = c->plan->options.packs;
    while (atomic_flag_test_and_set_explicit(&packs->lock, memory_order_acquire)) {}
    int rc = pack_locked(packs, &key, c, src, n, how, packed);
    atomic_flag_clear_explicit(&packs->lock, memory_order_release);
    return rc;
}
