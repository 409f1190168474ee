/* The model's packed weights, keyed by (constant, kernel row). */
#include "plan/plan.h"

#include <string.h>

struct pack {
    const void *src; /* the constant's data: equal data is equal content */
    const char *row;
    void *data;
    size_t bytes;
    struct pack *next;
};

struct ash_packs {
    struct ash_heap *heap;
    atomic_flag lock; /* sessions of one model may plan at the same time */
    struct pack *head;
    size_t bytes;
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

size_t ash_packs_bytes(const struct ash_packs *packs) { return packs->bytes; }

static int pack_locked(struct ash_packs *p, const struct ash_tensor *src, const char *row,
                       size_t bytes, ash_pack_fn *fn, const void *arg, const void **packed,
                       struct ashore_error *err) {
    for (const struct pack *k = p->head; k; k = k->next) {
        if (k->src == src->data && k->row == row && k->bytes == bytes) {
            *packed = k->data;
            return ASHORE_OK;
        }
    }
    struct pack *k = ash_alloc_zero(p->heap, sizeof *k);
    if (!k) return ash_fail_nomem(err, sizeof *k);
    k->data = ash_alloc_aligned(p->heap, bytes);
    if (!k->data) {
        ash_free(p->heap, k, sizeof *k);
        return ash_fail_nomem(err, bytes);
    }
    fn(k->data, src->data, arg);
    k->src = src->data;
    k->row = row;
    k->bytes = bytes;
    k->next = p->head;
    p->head = k;
    p->bytes += bytes;
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

/* What a plan has folded dies with it and must not be found by address later: such packs live in the
 * plan's own memory. */
static int pack_local(struct ash_lower *c, const struct ash_tensor *src, size_t bytes,
                      ash_pack_fn *pack, const void *arg, const void **packed) {
    unsigned char *raw = ash_arena_alloc(c->arena, ash_size_add(bytes, ASH_ALIGN));
    if (!raw) return ash_fail_nomem(c->err, bytes);
    void *data = (void *)ash_align_up((uintptr_t)raw);
    pack(data, src->data, arg);
    *packed = data;
    return ASHORE_OK;
}

int ash_lower_pack(struct ash_lower *c, const struct ash_tensor *src, const char *row, size_t bytes,
                   ash_pack_fn *pack, const void *arg, const void **packed) {
    if (plan_owns(c->plan, src->data))
        return pack_local(c, src, bytes, pack, arg, packed);
    struct ash_packs *packs = c->plan->options.packs;
    while (atomic_flag_test_and_set_explicit(&packs->lock, memory_order_acquire)) {
    }
    int rc = pack_locked(packs, src, row, bytes, pack, arg, packed, c->err);
    atomic_flag_clear_explicit(&packs->lock, memory_order_release);
    return rc;
}
