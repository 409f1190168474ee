/* Where the values of a segment lie.
 *
 * Values that share memory (views, in-place results) form a class; a class, and the scratch of a
 * step, is a buffer with a size and a lifetime in steps.  Buffers are placed largest first, each at
 * the lowest offset that is free during its lifetime. */
#include "plan/plan_build.h"

#include <string.h>

#define FOREVER UINT32_MAX

struct class {
    uint32_t parent;
    uint32_t first, last; /* steps, inclusive */
    uint32_t output;      /* the plan's output that it is, or ASH_NONE */
    size_t size, offset;
    uint32_t whole; /* place inside of which it lies, `at` bytes from its start, or ASH_NONE */
    size_t at;
};

struct buffer {
    size_t size, offset;
    uint32_t first, last;
    uint32_t owner; /* class; or ASH_NONE: scratch of step `first` */
};

struct layout {
    struct ash_draft *d;
    struct ash_plan *p;
    struct ash_step *steps;
    uint32_t n;            /* steps */
    unsigned char *later;  /* [n_places] read after this segment */
    struct class *classes; /* [n_places]; used for places of this segment in the slab */
    uint32_t *last_use;    /* [n_places] step, or ASH_NONE */
    struct buffer *buffers;
    uint32_t n_buffers;
};

/* Marks, in alive[n_places], the places that later segments or the caller will read. */
static void mark_later(const struct ash_plan *p, unsigned char *alive) {
    memset(alive, 0, p->n_places);
    for (uint32_t i = 0; i < p->n_outputs; i++) {
        if (p->outputs[i] != ASH_NONE) alive[p->outputs[i]] = 1;
    }
    for (const struct ash_walk *s = p->scope; s; s = s->parent) {
        const struct ash_graph *g = s->graph;
        for (uint32_t i = s->node; i < g->n_nodes; i++) {
            for (uint32_t k = 0; k < g->nodes[i]->n_in; k++) {
                uint32_t v = g->nodes[i]->in[k];
                if (v != ASH_NONE && s->map[v] != ASH_NONE) alive[s->map[v]] = 1;
            }
        }
        for (uint32_t i = 0; i < g->n_outputs; i++) {
            if (s->map[g->outputs[i]] != ASH_NONE) alive[s->map[g->outputs[i]]] = 1;
        }
    }
}

static bool in_segment_slab(const struct layout *l, uint32_t place) {
    return place != ASH_NONE && place >= l->d->segment.first_place &&
           l->p->places[place].where == ASH_AT_SLAB;
}

static uint32_t root(const struct layout *l, uint32_t place) {
    while (l->classes[place].parent != place) place = l->classes[place].parent;
    return place;
}

/* Drops steps whose results nobody reads. */
static void drop_dead(struct layout *l, unsigned char *needed) {
    memcpy(needed, l->later, l->p->n_places);
    uint32_t to = l->n;
    for (uint32_t i = l->n; i-- > 0;) {
        struct ash_step *s = &l->steps[i];
        bool live = false;
        for (uint32_t k = 0; k < s->n_out; k++) {
            if (s->out[k] != ASH_NONE && needed[s->out[k]]) live = true;
        }
        if (!live) continue;
        for (uint32_t k = 0; k < s->n_in; k++) {
            if (s->in[k] != ASH_NONE) needed[s->in[k]] = 1;
        }
        if (--to != i) l->steps[to] = *s;
    }
    if (to) memmove(l->steps, l->steps + to, (l->n - to) * sizeof *l->steps);
    l->n -= to;
}

static void find_uses(struct layout *l) {
    for (uint32_t i = 0; i < l->p->n_places; i++) l->last_use[i] = ASH_NONE;
    for (uint32_t i = 0; i < l->n; i++) {
        const struct ash_step *s = &l->steps[i];
        for (uint32_t k = 0; k < s->n_out; k++) {
            if (s->out[k] != ASH_NONE) l->last_use[s->out[k]] = i;
        }
        for (uint32_t k = 0; k < s->n_in; k++) {
            if (s->in[k] != ASH_NONE) l->last_use[s->in[k]] = i;
        }
    }
}

static void make_classes(struct layout *l) {
    for (uint32_t i = 0; i < l->n; i++) {
        const struct ash_step *s = &l->steps[i];
        for (uint32_t k = 0; k < s->n_out; k++) {
            uint32_t o = s->out[k];
            if (!in_segment_slab(l, o)) continue;
            l->classes[o] = (struct class){.parent = o,
                                           .first = i,
                                           .last = l->later[o] ? FOREVER : l->last_use[o],
                                           .output = ASH_NONE,
                                           .whole = ASH_NONE,
                                           .size = l->p->places[o].room};
        }
    }
}

/* The root scope's outputs, as far as they have been computed. */
static uint32_t output_place(const struct ash_plan *p, uint32_t i) {
    const struct ash_walk *s = p->scope;
    if (!s) return p->outputs[i];
    while (s->parent) s = s->parent;
    return s->map[s->graph->outputs[i]];
}

static void bind_outputs(struct layout *l) {
    for (uint32_t i = 0; i < l->p->n_outputs; i++) {
        uint32_t o = l->p->outputs[i] = output_place(l->p, i);
        if (!in_segment_slab(l, o) || !ash_info_exact(&l->p->places[o].info)) continue;
        if (l->p->places[o].narrow) continue; /* converted in a later segment */
        struct class *c = &l->classes[root(l, o)];
        if (c->output == ASH_NONE) c->output = i;
    }
}

/* Joins the class of place `from` (older) with that of `to`.  Refused when both are outputs. */
static bool join(struct layout *l, uint32_t from, uint32_t to) {
    uint32_t a = root(l, from), b = root(l, to);
    struct class *x = &l->classes[a], *y = &l->classes[b];
    if (a == b || (x->output != ASH_NONE && y->output != ASH_NONE)) return false;
    if (y->first < x->first) x->first = y->first;
    if (y->last > x->last) x->last = y->last;
    if (y->size > x->size) x->size = y->size;
    if (y->output != ASH_NONE) x->output = y->output;
    y->parent = a;
    return true;
}

/* A view takes no step when its input lies in this slab or in an input of the plan. */
static bool alias_view(struct layout *l, struct ash_step *s) {
    if (!(s->node->op->flags & ASH_OP_VIEW) || s->in[0] == ASH_NONE) return false;
    struct ash_place *from = &l->p->places[s->in[0]], *to = &l->p->places[s->out[0]];
    if (!in_segment_slab(l, s->out[0]) || !ash_info_exact(&to->info)) return false;
    if (in_segment_slab(l, s->in[0])) {
        return ash_info_exact(&from->info) && join(l, s->in[0], s->out[0]);
    }
    if (from->where != ASH_AT_INPUT || l->classes[root(l, s->out[0])].output != ASH_NONE)
        return false;
    to->where = ASH_AT_INPUT;
    to->offset = from->offset;
    return true;
}

/* Step numbers are lifetimes: what is dropped keeps its number until all is laid out. */
static void drop_views(struct layout *l) {
    for (uint32_t i = 0; i < l->n; i++) {
        if (alias_view(l, &l->steps[i])) l->steps[i].node = NULL;
    }
}

static bool can_overwrite(const struct layout *l, const struct ash_step *s, uint32_t step,
                          uint32_t k) {
    uint32_t in = s->in[k], out = s->out[0];
    if (!in_segment_slab(l, in) || !in_segment_slab(l, out)) return false;
    const struct ash_type *a = &l->p->places[in].info.type, *b = &l->p->places[out].info.type;
    if (ash_dtype_size(a->dtype) != ash_dtype_size(b->dtype) || a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (!ash_dim_same(a->dim[i], b->dim[i]) || a->dim[i].kind != ASH_DIM_EXACT) return false;
    }
    uint32_t r = root(l, in);
    if (l->classes[r].last != step || l->classes[r].output != ASH_NONE) return false;
    for (uint32_t j = 0; j < s->n_in; j++) {
        bool other = j != k && s->in[j] != in && in_segment_slab(l, s->in[j]);
        if (other && root(l, s->in[j]) == r) return false;
    }
    for (uint32_t j = 1; j < s->n_out; j++) {
        if (in_segment_slab(l, s->out[j]) && root(l, s->out[j]) == r) return false;
    }
    return true;
}

static void share_in_place(struct layout *l) {
    for (uint32_t i = 0; i < l->n; i++) {
        const struct ash_step *s = &l->steps[i];
        if (!s->node || s->n_out == 0 || s->out[0] == ASH_NONE) continue;
        for (uint32_t k = 0; k < s->n_in && k < 8; k++) {
            if ((s->node->op->inplace >> k & 1) && can_overwrite(l, s, i, k) &&
                join(l, s->in[k], s->out[0]))
                break;
        }
    }
}

/* Natively: a page's bytes are better spent. */
#if !defined(__wasm__)

/* The dimension along which Concat joins inputs of these types. */
static int joined_axis(const struct ash_type *part, const struct ash_type *whole) {
    int axis = 0;
    while (axis < whole->rank - 1 && ash_dim_same(part->dim[axis], whole->dim[axis])) axis++;
    return axis;
}

static uint32_t count_uses(const struct layout *l, uint32_t place) {
    uint32_t uses = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        for (uint32_t k = 0; k < l->steps[i].n_in; k++) uses += l->steps[i].in[k] == place;
    }
    return uses;
}

/* Whether place v, which Concat `step` reads and nothing else does, can be computed inside of the
 * result: its rows are dense there, or the step that makes it leaves gaps. */
static bool fits_inside(const struct layout *l, uint32_t v, uint32_t step, bool dense) {
    const struct class *c = &l->classes[v];
    if (!in_segment_slab(l, v) || c->parent != v || c->output != ASH_NONE || l->later[v] ||
        c->last != step || c->first >= step || !ash_info_exact(&l->p->places[v].info) ||
        l->p->places[v].narrow)
        return false;
    const struct ash_step *maker = &l->steps[c->first];
    return maker->n_out && maker->out[0] == v && (dense || maker->out_strided) &&
           count_uses(l, v) == 1;
}

/* What Concat joins is computed where it will lie, as far as possible. */
static void write_parts(struct layout *l, uint32_t step) {
    const struct ash_step *s = &l->steps[step];
    uint32_t o = s->out[0], left = s->n_in;
    const struct ash_type *t = &l->p->places[o].info.type;
    struct class *whole = &l->classes[root(l, o)];
    size_t at = 0, size = ash_dtype_size(t->dtype), outer = 1, inner = 1;
    if (!in_segment_slab(l, o) || !ash_info_exact(&l->p->places[o].info) || s->n_in < 2 ||
        t->dtype == ASHORE_STRING || whole->output != ASH_NONE)
        return;
    int axis = joined_axis(&l->p->places[s->in[0]].info.type, t);
    for (int i = 0; i < t->rank; i++) {
        if (i < axis) outer *= (size_t)t->dim[i].value;
        if (i > axis) inner *= (size_t)t->dim[i].value;
    }
    for (uint32_t k = 0; k < s->n_in; k++) {
        uint32_t v = s->in[k];
        const struct ash_type *part = &l->p->places[v].info.type;
        if (part->rank != t->rank || part->dim[axis].kind != ASH_DIM_EXACT) return;
        if ((outer == 1 || inner == 1) && fits_inside(l, v, step, outer == 1)) {
            struct class *c = &l->classes[v];
            if (outer != 1) l->steps[c->first].out_step = (size_t)t->dim[axis].value;
            if (c->first < whole->first) whole->first = c->first;
            c->size = 0;
            c->whole = o;
            c->at = at;
            left--;
        }
        at += (size_t)part->dim[axis].value * inner * size;
    }
    if (left == 0) l->steps[step].node = NULL;
}

static void join_parts(struct layout *l) {
    for (uint32_t i = 0; i < l->n; i++) {
        const struct ash_node *n = l->steps[i].node;
        if (n && !*n->domain && !strcmp(n->op->name, "Concat")) write_parts(l, i);
    }
}

/* Whether a step reads input k as another input as well. */
static bool reads_twice(const struct ash_step *s, uint32_t k) {
    for (uint32_t j = 0; j < s->n_in; j++) {
        if (j != k && s->in[j] == s->in[k]) return true;
    }
    return false;
}

/* In place are then what kernels, and not all of an operator's, may write over: what is computed
 * inside of another value stays there. */
static void share_residuals(struct layout *l) {
    for (uint32_t i = 0; i < l->n; i++) {
        const struct ash_step *s = &l->steps[i];
        if (!s->node || !s->inplace || !in_segment_slab(l, s->out[0])) continue;
        const struct class *out = &l->classes[s->out[0]];
        if (out->parent != s->out[0] || out->whole != ASH_NONE) continue;
        for (uint32_t k = 0; k < s->n_in && k < 8; k++) {
            if ((s->inplace >> k & 1) && !reads_twice(s, k) && can_overwrite(l, s, i, k) &&
                join(l, s->in[k], s->out[0]))
                break;
        }
    }
}

#else
static void join_parts(struct layout *l) { (void)l; }
static void share_residuals(struct layout *l) { (void)l; }
#endif

static void add_buffer(struct layout *l, size_t size, uint32_t first, uint32_t last,
                       uint32_t owner) {
    if (size)
        l->buffers[l->n_buffers++] = (struct buffer){ash_align_up(size), 0, first, last, owner};
}

static void collect(struct layout *l) {
    for (uint32_t i = l->d->segment.first_place; i < l->p->n_places; i++) {
        struct class *c = &l->classes[i];
        if (!in_segment_slab(l, i) || !c->size || c->parent != i) continue;
        if (c->output == ASH_NONE)
            add_buffer(l, c->size, c->first, c->last, i);
        else if (l->p->options.nested)
            add_buffer(l, c->size, c->first, FOREVER, i);
    }
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->steps[i].node) add_buffer(l, l->steps[i].scratch_size, i, i, ASH_NONE);
    }
}

/* Merge sort by size, largest first; equal sizes keep their order. */
static void sort_buffers(struct buffer *b, uint32_t n, struct buffer *tmp) {
    if (n < 2) return;
    uint32_t h = n / 2, i = 0, j = h, k = 0;
    sort_buffers(b, h, tmp);
    sort_buffers(b + h, n - h, tmp);
    while (i < h || j < n) tmp[k++] = j == n || (i < h && b[i].size >= b[j].size) ? b[i++] : b[j++];
    memcpy(b, tmp, n * sizeof *b);
}

/* The lowest offset at which b overlaps none of the placed buffers that live at the same time.
 * placed[] is sorted by offset. */
static size_t lowest(const struct buffer *b, struct buffer *const *placed, uint32_t n) {
    size_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct buffer *o = placed[i];
        if (o->first > b->last || o->last < b->first) continue;
        if (o->offset >= at && o->offset - at >= b->size) break;
        if (o->offset + o->size > at) at = o->offset + o->size;
    }
    return at;
}

static int pack(struct layout *l) {
    struct buffer *tmp = ash_arena_array(l->d->arena, l->n_buffers, sizeof *tmp);
    struct buffer **placed = ash_arena_array(l->d->arena, l->n_buffers, sizeof *placed);
    if (!tmp || !placed) return ash_fail_nomem(l->d->err, l->n_buffers * sizeof *tmp);
    sort_buffers(l->buffers, l->n_buffers, tmp);
    size_t slab = 0;
    for (uint32_t i = 0; i < l->n_buffers; i++) {
        struct buffer *b = &l->buffers[i];
        b->offset = lowest(b, placed, i);
        uint32_t at = i;
        for (; at > 0 && placed[at - 1]->offset > b->offset; at--) placed[at] = placed[at - 1];
        placed[at] = b;
        size_t end = ash_size_add(b->offset, b->size);
        ASH_FAIL_IF(end > SIZE_MAX / 2, l->d->err, LIMIT,
                    "intermediate values take more memory than can be addressed");
        if (end > slab) slab = end;
        if (b->owner == ASH_NONE)
            l->steps[b->first].scratch = b->offset;
        else
            l->classes[b->owner].offset = b->offset;
    }
    l->d->segment.slab = slab;
    return ASHORE_OK;
}

static void settle(struct layout *l) {
    for (uint32_t i = l->d->segment.first_place; i < l->p->n_places; i++) {
        struct ash_place *place = &l->p->places[i];
        bool slab = place->where == ASH_AT_SLAB;
        if (slab && l->last_use[i] == ASH_NONE) place->where = ASH_AT_NOTHING;
        if (!slab || l->last_use[i] == ASH_NONE) continue;
        const struct class *c = &l->classes[root(l, i)];
        place->offset = c->offset;
        if (c->whole != ASH_NONE) place->offset = c->at + l->classes[root(l, c->whole)].offset;
        if (c->output == ASH_NONE) continue;
        place->where = ASH_AT_OUTPUT;
        place->offset = c->output;
        l->p->out_offset[c->output] = c->offset;
    }
}

/* Values that are read here for the last time are let go of by the step that reads them. */
static int make_kills(struct layout *l) {
    uint32_t *count = ash_arena_array(l->d->arena, l->n, sizeof *count);
    if (!count) return ash_fail_nomem(l->d->err, l->n * sizeof *count);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < l->p->n_places; i++) {
            uint32_t at = l->last_use[i];
            if (l->p->places[i].where != ASH_AT_VALUE || l->later[i] || at == ASH_NONE) continue;
            if (pass == 0)
                count[at]++;
            else
                ((uint32_t *)(uintptr_t)l->steps[at].kill)[l->steps[at].n_kill++] = i;
        }
        for (uint32_t i = 0; i < l->n && pass == 0; i++) {
            if (!count[i]) continue;
            l->steps[i].kill = ash_arena_array(l->d->arena, count[i], sizeof(uint32_t));
            if (!l->steps[i].kill) return ash_fail_nomem(l->d->err, count[i] * sizeof(uint32_t));
        }
    }
    return ASHORE_OK;
}

static void compact_steps(struct layout *l) {
    uint32_t to = 0;
    for (uint32_t i = 0; i < l->n; i++) {
        if (l->steps[i].node) l->steps[to++] = l->steps[i];
    }
    l->d->segment.n_steps = to;
}

int ash_plan_layout(struct ash_draft *d) {
    struct ash_plan *p = d->plan;
    struct layout l = {.d = d, .p = p, .steps = d->segment.steps, .n = d->segment.n_steps};
    unsigned char *needed = ash_arena_alloc(d->arena, p->n_places);
    l.later = ash_arena_alloc(d->arena, p->n_places);
    l.classes = ash_arena_array(d->arena, p->n_places, sizeof *l.classes);
    l.last_use = ash_arena_array(d->arena, p->n_places, sizeof *l.last_use);
    l.buffers = ash_arena_array(d->arena, (size_t)p->n_places + l.n, sizeof *l.buffers);
    if (!needed || !l.later || !l.classes || !l.last_use || !l.buffers)
        return ash_fail_nomem(d->err, (size_t)p->n_places * sizeof *l.classes);
    mark_later(p, l.later);
    drop_dead(&l, needed);
    find_uses(&l);
    for (uint32_t i = 0; i < p->n_places; i++) l.classes[i].parent = i;
    make_classes(&l);
    bind_outputs(&l);
    drop_views(&l);
    share_in_place(&l);
    join_parts(&l);
    share_residuals(&l);
    collect(&l);
    ASH_TRY(pack(&l));
    ASH_TRY(make_kills(&l));
    settle(&l);
    compact_steps(&l);
    return ASHORE_OK;
}
