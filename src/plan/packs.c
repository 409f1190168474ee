/* The model's packed weights, keyed by (constant, kernel row), and its constants that are gone
 * because of them. */
#include "plan/plan.h"

#include "ops/lowering.h"
#include "ops/widen.h"

#include <assert.h>
#include <string.h>

#if !defined(__wasm__)
#    include <sched.h>
static void yield(void) { (void)sched_yield(); }
#else
static void yield(void) {}
#endif

struct pack {
    /* Records of watched constants, data of others: equal data of equal extents is equal content.
     */
    const void *src[ASH_PACK_SRC];
    int32_t rank; /* of the first constant */
    int64_t dim[ASH_MAX_RANK];
    const char *row;
    uint64_t variant;
    void *data;
    size_t bytes;
    struct ash_moves moves; /* element 0: it cannot be unpacked */
    ash_pack_fn *pack;
    void *arg;
    struct pack *next;
};

struct ash_packs {
    struct ash_heap *heap;
    atomic_flag lock; /* sessions of one model plan one after the other */
    struct pack *head;
    _Atomic size_t bytes; /* of all */
    struct ash_raws raws;
    bool watched;
    bool dry;
    bool gave; /* constants, in this planning */
};

int ash_packs_create(struct ash_heap *heap, ash_give_fn *give, void *user, bool dry,
                     struct ash_packs **packs, struct ashore_error *err) {
    struct ash_packs *p = ash_alloc_zero(heap, sizeof *p);
    if (!p) return ash_fail_nomem(err, sizeof *p);
    p->heap = heap;
    p->dry = dry;
    p->raws = (struct ash_raws){.heap = heap, .give = give, .user = user};
    atomic_flag_clear(&p->lock);
    *packs = p;
    return ASHORE_OK;
}

static void pack_free(struct ash_packs *p, struct pack *k) {
    ash_free_aligned(p->heap, k->data, k->bytes);
    ash_free(p->heap, k->arg, k->moves.arg_size);
    ash_free(p->heap, k, sizeof *k);
}

void ash_packs_destroy(struct ash_packs **packs) {
    struct ash_packs *p = *packs;
    *packs = NULL;
    if (!p) return;
    while (p->head) {
        struct pack *next = p->head->next;
        pack_free(p, p->head);
        p->head = next;
    }
    ash_raws_deinit(&p->raws);
    ash_free(p->heap, p, sizeof *p);
}

size_t ash_packs_bytes(const struct ash_packs *packs) { return atomic_load(&packs->bytes); }

size_t ash_packs_raw(const struct ash_packs *packs, size_t held) {
    return held + atomic_load(&packs->raws.moved) - atomic_load(&packs->raws.back);
}

void ash_packs_enter(struct ash_packs *packs) {
    while (atomic_flag_test_and_set_explicit(&packs->lock, memory_order_acquire)) yield();
}

void ash_packs_leave(struct ash_packs *packs) {
    if (packs->gave) ash_heap_trim(packs->heap);
    packs->gave = false;
    atomic_flag_clear_explicit(&packs->lock, memory_order_release);
}

int ash_packs_watch(struct ash_packs *p, const struct ash_graph *graph, struct ashore_error *err) {
    ash_packs_enter(p);
    int rc = p->watched ? ASHORE_OK : ash_raws_init(&p->raws, graph, err);
    for (size_t i = 0; !p->watched && i < p->raws.n; i++)
        ash_raws_give(&p->raws, &p->raws.raw[i], ASH_GIVE_READABLE);
    p->watched = rc == ASHORE_OK;
    ash_packs_leave(p);
    return rc;
}

/* ---- unpacking ---- */

/* What moves elements moves numbers, too: packed in the place of the constant, they tell where each
 * element went.  A number takes several passes when elements are smaller than it. */
static void unpack(const struct pack *k, size_t n, void *probe, void *image, uint32_t *from) {
    size_t slots = k->moves.bytes / k->moves.element;
    for (unsigned shift = 0; shift < 32; shift += 8 * (unsigned)k->moves.element) {
        for (size_t i = 0; i < n; i++) {
            uint32_t part = (uint32_t)(i + 1) >> shift;
            memcpy((char *)probe + i * k->moves.element, &part, k->moves.element);
        }
        k->pack(image, probe, k->arg);
        for (size_t i = 0; i < slots; i++) {
            uint32_t part = 0;
            memcpy(&part, (char *)image + i * k->moves.element, k->moves.element);
            from[i] |= part << shift;
        }
    }
    for (size_t i = 0; i < slots; i++) {
        if (from[i] - 1 >= n) continue; /* filling */
        memcpy((char *)probe + (from[i] - 1) * k->moves.element,
               (char *)k->data + i * k->moves.element, k->moves.element);
    }
}

/* The constant in memory that is aligned; NULL: there is not enough. */
static void *unpacked(const struct ash_packs *p, const struct pack *k, size_t bytes) {
    size_t table = k->moves.bytes / k->moves.element * sizeof(uint32_t);
    void *probe = ash_alloc_aligned(p->heap, bytes), *image = ash_alloc_aligned(p->heap, k->bytes);
    uint32_t *from = ash_alloc_zero(p->heap, table);
    bool there = probe && image && from;
    if (there) unpack(k, bytes / k->moves.element, probe, image, from);
    ash_free(p->heap, from, table);
    ash_free_aligned(p->heap, image, k->bytes);
    if (there) return probe;
    ash_free_aligned(p->heap, probe, bytes);
    return NULL;
}

static const struct pack *pack_of(const struct ash_packs *p, const struct ash_raw *r) {
    for (const struct pack *k = p->head; k; k = k->next) {
        if (k->moves.element && k->src[0] == r) return k;
    }
    return NULL;
}

static void give(struct ash_packs *p, struct ash_raw *r, enum ash_give how) {
#if !defined(NDEBUG)
    if (how == ASH_GIVE_PACKED && !p->dry && !r->stays && !r->away && atomic_load(&r->pins) == 0) {
        void *again = unpacked(p, pack_of(p, r), r->bytes);
        assert(!again || !memcmp(again, r->home, r->bytes));
        ash_free_aligned(p->heap, again, r->bytes);
    }
#endif
    bool was = r->away;
    ash_raws_give(&p->raws, r, how);
    p->gave = p->gave || (r->away && !was);
}

/* *t becomes a tensor of the arena's over what can be read, unless it can be read itself. */
static int readable(struct ash_packs *p, struct ash_raw *r, struct ash_arena *arena,
                    const struct ash_tensor **t, struct ashore_error *err) {
    ash_raws_touch(&p->raws, r);
    if (!r->away) return ASHORE_OK;
    if (!r->moved) {
        r->moved = unpacked(p, pack_of(p, r), r->bytes);
        if (!r->moved) return ash_fail_nomem(err, r->bytes);
        atomic_fetch_add(&p->raws.moved, r->bytes);
    }
    struct ash_tensor *copy = ash_arena_alloc(arena, sizeof *copy);
    if (!copy) return ash_fail_nomem(err, sizeof *copy);
    *copy = **t;
    copy->data = r->moved;
    *t = copy;
    return ASHORE_OK;
}

int ash_plan_read(struct ash_plan *plan, struct ash_arena *arena, const struct ash_tensor **t,
                  struct ashore_error *err) {
    struct ash_packs *p = plan->options.packs;
    struct ash_raw *r = *t ? ash_raws_find(&p->raws, *t) : NULL;
    if (!r) return ASHORE_OK;
    size_t i = (size_t)(r - p->raws.raw);
    if (!plan->pinned) {
        plan->pinned = ash_alloc_zero(plan->options.heap, p->raws.n);
        if (!plan->pinned) return ash_fail_nomem(err, p->raws.n);
    }
    if (!plan->pinned[i]) atomic_fetch_add(&r->pins, 1);
    plan->pinned[i] = 1;
    return readable(p, r, arena, t, err);
}

bool ash_plan_is_away(const struct ash_plan *plan, const struct ash_tensor *t) {
    const struct ash_raw *r = t ? ash_raws_find(&plan->options.packs->raws, t) : NULL;
    return r && r->away;
}

void ash_plan_unpin(struct ash_plan *plan) {
    struct ash_raws *raws = &plan->options.packs->raws;
    for (size_t i = 0; plan->pinned && i < raws->n; i++) {
        if (plan->pinned[i]) atomic_fetch_sub(&raws->raw[i].pins, 1);
    }
    ash_free(plan->options.heap, plan->pinned, raws->n);
    plan->pinned = NULL;
}

/* ---- packing ---- */

static bool same_key(const struct pack *a, const struct pack *b) {
    return !memcmp(a->src, b->src, sizeof a->src) && a->rank == b->rank &&
           !memcmp(a->dim, b->dim, sizeof a->dim) && a->row == b->row && a->variant == b->variant &&
           a->bytes == b->bytes;
}

/* The lowering's constant of 16 bits that src stands for, or is; NULL. */
static ASH_APART struct ash_wide *wide_of(const struct ash_lower *c, const struct ash_tensor *src) {
    for (int i = 0; c->wide && i < c->n_in; i++) {
        if (src == &c->wide[i].tensor || src == c->wide[i].from) return src ? &c->wide[i] : NULL;
    }
    return NULL;
}
ASH_IDLE_WITHOUT(wide_of, "+half");

static int pack_now(struct ash_lower *c, const struct ash_tensor *const *src, int n,
                    const struct ash_packing *how, void *to) {
    struct ash_packs *p = c->plan->options.packs;
    const struct ash_tensor *first = src[0];
    for (int i = 0; i < n; i++) {
        struct ash_wide *w = wide_of(c, src[i]);
        bool wide = w && src[i] == &w->tensor;
        const struct ash_tensor *t = wide ? w->from : src[i];
        struct ash_raw *r = t ? ash_raws_find(&p->raws, t) : NULL;
        if (r) ASH_TRY(readable(p, r, c->arena, &t, c->err));
        if (wide && ash_wide_fill(w, t) != ASHORE_OK) return ash_fail_nomem(c->err, w->bytes);
        if (i == 0 && !wide) first = t;
    }
    if (!p->dry) how->pack(to, first->data, how->arg);
    return ASHORE_OK;
}

/* Keeps what unpacking takes.  Without memory for it, the constant stays. */
static void remember(struct ash_packs *p, struct pack *k, const struct ash_packing *how,
                     const struct ash_moves *moves) {
    k->arg = ash_alloc(p->heap, moves->arg_size);
    if (!k->arg) return;
    memcpy(k->arg, how->arg, moves->arg_size);
    k->pack = how->pack;
    k->moves = *moves;
}

static int pack_new(struct ash_packs *p, const struct pack *key, struct ash_lower *c,
                    const struct ash_tensor *const *src, int n, const struct ash_packing *how,
                    struct pack **pack) {
    struct pack *k = ash_alloc(p->heap, sizeof *k);
    if (!k) return ash_fail_nomem(c->err, sizeof *k);
    *k = *key;
    k->data = ash_alloc_aligned(p->heap, k->bytes);
    int rc = k->data ? pack_now(c, src, n, how, k->data) : ash_fail_nomem(c->err, k->bytes);
    if (rc != ASHORE_OK) {
        pack_free(p, k);
        return rc;
    }
    k->next = p->head;
    p->head = k;
    atomic_fetch_add(&p->bytes, k->bytes);
    *pack = k;
    return ASHORE_OK;
}

static int pack_shared(struct ash_lower *c, const struct pack *key,
                       const struct ash_tensor *const *src, int n, const struct ash_packing *how,
                       const struct ash_moves *moves, const void **packed) {
    struct ash_packs *p = c->plan->options.packs;
    struct pack *k = p->head;
    while (k && !same_key(k, key)) k = k->next;
    if (!k) ASH_TRY(pack_new(p, key, c, src, n, how, &k));
    *packed = k->data;
    const struct ash_wide *w = wide_of(c, src[0]);
    bool same = !w || src[0] == w->from; /* what is widened has changed */
    if (moves && same && !k->moves.element) remember(p, k, how, moves);
    struct ash_raw *r = ash_raws_find(&p->raws, w ? w->from : src[0]);
    if (r) give(p, r, pack_of(p, r) ? ASH_GIVE_PACKED : ASH_GIVE_READABLE);
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

/* The inputs that are packed: a run reads none of them. */
static void note_packed(struct ash_lower *c, const struct ash_tensor *src) {
    const struct ash_wide *w = wide_of(c, src);
    for (int i = 0; i < c->n_in && i < 32; i++) {
        bool same = c->in[i] && (w ? &c->wide[i] == w : c->in[i]->data == src);
        if (same) c->packed |= 1u << i;
    }
}

static int lower_pack(struct ash_lower *c, const struct ash_tensor *const *src, int n,
                      const struct ash_packing *how, const struct ash_moves *moves,
                      const void **packed) {
    struct pack key = {
        .row = how->row, .variant = how->variant, .bytes = how->bytes, .rank = src[0]->rank};
    bool local = false;
    for (int i = 0; i < key.rank; i++) key.dim[i] = src[0]->dim[i];
    for (int i = 0; i < n; i++) {
        if (!src[i]) continue;
        struct ash_wide *w = wide_of(c, src[i]);
        if (w) w->packed = true;
        note_packed(c, src[i]);
        const struct ash_tensor *t = w ? w->from : src[i];
        const struct ash_raw *r = ash_raws_find(&c->plan->options.packs->raws, t);
        key.src[i] = r ? (const void *)r : t->data;
        local = local || (!r && plan_owns(c->plan, t->data));
    }
    if (local) return pack_local(c, src, n, how, packed);
    return pack_shared(c, &key, src, n, how, moves, packed);
}

int ash_lower_pack(struct ash_lower *c, const struct ash_tensor *const *src, int n,
                   const struct ash_packing *how, const void **packed) {
    return lower_pack(c, src, n, how, NULL, packed);
}

int ash_lower_pack_moves(struct ash_lower *c, const struct ash_tensor *src,
                         const struct ash_packing *how, const struct ash_moves *moves,
                         const void **packed) {
    return lower_pack(c, &src, 1, how, moves, packed);
}

const struct ash_tensor *ash_lower_read(const struct ash_lower *c, const struct ash_tensor *t) {
    struct ash_packs *p = c->plan->options.packs;
    struct ash_raw *r = ash_raws_find(&p->raws, t);
    return !r || readable(p, r, c->arena, &t, c->err) == ASHORE_OK ? t : NULL;
}
