#include "ops/ml.h"

#include <string.h>

struct ash_key ash_key_at(const struct ash_tensor *t, int64_t i) {
    if (t->dtype != ASHORE_STRING) return (struct ash_key){.number = ash_get_i64(t, i)};
    struct ash_str s = ((const struct ash_str *)t->data)[i];
    return (struct ash_key){.text = {s.length ? t->chars + s.offset : "", s.length}};
}

static struct ash_key label_at(const struct ash_labels *l, size_t i) {
    if (l->texts) return (struct ash_key){.text = l->texts[i]};
    return (struct ash_key){.number = l->ints[i]};
}

static bool same_key(struct ash_key a, struct ash_key b) {
    if (!a.text.data || !b.text.data) return a.text.data == b.text.data && a.number == b.number;
    return ash_text_same(a.text, b.text);
}

static uint64_t load_chars(const char *from, size_t n) {
    uint32_t part[2];
    uint64_t chars;
    const unsigned char *c = (const unsigned char *)from;
    if (n >= sizeof chars) {
        memcpy(&chars, from, sizeof chars);
        return chars;
    }
    if (n < sizeof part[0])
        return n ? (uint64_t)c[0] | (uint64_t)c[n / 2] << 8 | (uint64_t)c[n - 1] << 16 : 0;
    memcpy(&part[0], from, sizeof part[0]);
    memcpy(&part[1], from + n - sizeof part[1], sizeof part[1]);
    return (uint64_t)part[0] << 32 | part[1];
}

/* By eight characters at a time. */
size_t ash_hash_text(struct ash_text text) {
    enum { STEP = sizeof(uint64_t) };
    uint64_t hash = text.length;
    const char *at = text.data;
    size_t n = text.length;
    for (; n > STEP; n -= STEP, at += STEP)
        hash = (hash ^ load_chars(at, n) ^ hash >> 32) * UINT64_C(0xff51afd7ed558ccd);
    return ash_hash_number(hash ^ load_chars(at, n) ^ hash >> 32);
}

static size_t hash_key(struct ash_key k) {
    return k.text.data ? ash_hash_text(k.text) : ash_hash_number((uint64_t)k.number);
}

int ash_labels_parse(const struct ash_parse *c, const char *ints, const char *texts,
                     struct ash_labels *l) {
    size_t n_texts = 0;
    ASH_TRY(ash_parse_ints(c, ints, &l->ints, &l->n));
    ASH_TRY(ash_parse_strings(c, texts, &l->texts, &n_texts));
    ASH_FAIL_IF(l->n && n_texts, c->err, ATTR, "both '%s' and '%s' are given, expected one", ints,
                texts);
    if (n_texts)
        l->n = n_texts;
    else
        l->texts = NULL;
    ASH_FAIL_IF(l->n > INT32_MAX, c->err, LIMIT, "%zu labels", l->n);
    return ASHORE_OK;
}

/* Where the key is in the table, or goes to. */
static size_t slot_of(const struct ash_labels *l, struct ash_key key) {
    size_t at = hash_key(key) & l->mask;
    while (l->slot[at] && !same_key(label_at(l, l->slot[at] - 1), key)) at = (at + 1) & l->mask;
    return at;
}

int ash_labels_index(const struct ash_parse *c, struct ash_labels *l) {
    size_t size = 4;
    while (size < 2 * l->n) size *= 2;
    l->mask = size - 1;
    l->slot = ash_arena_array(c->arena, size, sizeof *l->slot);
    l->same = ash_arena_array(c->arena, l->n, sizeof *l->same);
    if (!l->slot || !l->same) return ash_fail_nomem(c->err, size * sizeof *l->slot);
    memset(l->slot, 0, size * sizeof *l->slot);
    for (size_t i = 0; i < l->n; i++) {
        uint32_t *slot = &l->slot[slot_of(l, label_at(l, i))];
        l->same[i] = *slot;
        *slot = (uint32_t)i + 1;
    }
    return ASHORE_OK;
}

int64_t ash_labels_find(const struct ash_labels *l, struct ash_key key) {
    return (int64_t)l->slot[slot_of(l, key)] - 1;
}

void ash_labels_find_all(const struct ash_labels *l, const struct ash_tensor *x, int64_t start,
                         size_t n, int64_t *number) {
    if (x->dtype == ASHORE_STRING) {
        for (size_t i = 0; i < n; i++) {
            struct ash_text text = ash_key_at(x, start + (int64_t)i).text;
            size_t at = ash_hash_text(text) & l->mask;
            while (l->slot[at] && !ash_text_same(l->texts[l->slot[at] - 1], text))
                at = (at + 1) & l->mask;
            number[i] = (int64_t)l->slot[at] - 1;
        }
        return;
    }
    ash_load_i64(x->dtype, ash_at(x, start), n, number);
    for (size_t i = 0; i < n; i++) {
        size_t at = ash_hash_number((uint64_t)number[i]) & l->mask;
        while (l->slot[at] && l->ints[l->slot[at] - 1] != number[i]) at = (at + 1) & l->mask;
        number[i] = (int64_t)l->slot[at] - 1;
    }
}

void ash_ml_text(struct ash_tensor *t, int64_t i, size_t *at, struct ash_text text) {
    if (text.length) memcpy((char *)(uintptr_t)t->chars + *at, text.data, text.length);
    ((struct ash_str *)t->data)[i] = (struct ash_str){(uint32_t)*at, (uint32_t)text.length};
    *at += text.length;
}

static struct ash_text text_of(const struct ash_texts *t, int64_t i) {
    return i < 0 ? t->other : t->text[i];
}

/* Fewer texts than elements: each is there once, for all that have it. */
static int give_shared(struct ash_run *c, int o, const struct ash_texts *texts, int rank,
                       const int64_t *dim, const int64_t *number) {
    int64_t count = ash_dims_product(dim, 0, rank), n = (int64_t)texts->n;
    size_t total = 0, at = 0, bytes = (size_t)(n + 1) * sizeof(struct ash_str);
    for (int64_t i = -1; i < n; i++) total = ash_size_add(total, text_of(texts, i).length);
    ASH_TRY(ash_run_strings(c, o, rank, dim, total));
    struct ash_str *place = ash_alloc(c->heap, bytes), *to = c->out[o]->data;
    if (!place) return ash_fail_nomem(c->err, bytes);
    struct ash_tensor all = {.data = place, .chars = c->out[o]->chars};
    for (int64_t i = -1; i < n; i++) ash_ml_text(&all, i + 1, &at, text_of(texts, i));
    for (int64_t i = 0; i < count; i++) to[i] = place[number[i] + 1];
    ash_free(c->heap, place, bytes);
    return ASHORE_OK;
}

int ash_ml_give_texts(struct ash_run *c, int o, const struct ash_texts *texts, int rank,
                      const int64_t *dim, const int64_t *number) {
    int64_t count = ash_dims_product(dim, 0, rank);
    size_t total = 0, at = 0;
    if ((int64_t)texts->n < count) return give_shared(c, o, texts, rank, dim, number);
    for (int64_t i = 0; i < count; i++)
        total = ash_size_add(total, text_of(texts, number[i]).length);
    ASH_TRY(ash_run_strings(c, o, rank, dim, total));
    for (int64_t i = 0; i < count; i++) ash_ml_text(c->out[o], i, &at, text_of(texts, number[i]));
    return ASHORE_OK;
}

int ash_labels_give(struct ash_run *c, int o, const struct ash_labels *l, int rank,
                    const int64_t *dim, const int64_t *number) {
    int64_t count = ash_dims_product(dim, 0, rank);
    if (!c->out[o]) return ASHORE_OK;
    if (l->texts) {
        const struct ash_texts texts = {.text = l->texts, .n = l->n};
        return ash_ml_give_texts(c, o, &texts, rank, dim, number);
    }
    ASH_TRY(ash_run_alloc(c, o, ASHORE_INT64, rank, dim));
    int64_t *to = c->out[o]->data;
    for (int64_t i = 0; i < count; i++) to[i] = l->ints[number[i]];
    return ASHORE_OK;
}

int ash_infer_rows(struct ash_infer *c, struct ash_dim *rows, struct ash_dim *features) {
    const struct ash_type *t = &c->in[0]->type;
    int dtype;
    *rows = *features = ash_dim_unknown();
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_NUMBER, &dtype));
    if (t->rank < 0) return ASHORE_OK;
    ASH_MISFIT_IF(t->rank < 1 || t->rank > 2, c->err, SHAPE,
                  "an input of rank %d, expected rows of features", t->rank);
    *rows = t->rank == 2 ? t->dim[0] : ash_dim_exact(1);
    *features = t->dim[t->rank - 1];
    return ASHORE_OK;
}

void ash_rows_of(const struct ash_tensor *t, int64_t *rows, int64_t *features) {
    *rows = t->rank == 2 ? t->dim[0] : 1;
    *features = t->dim[t->rank - 1];
}

int ash_run_rows(const struct ash_run *c, size_t features, int64_t *rows) {
    int64_t given;
    ash_rows_of(c->in[0], rows, &given);
    ASH_FAIL_IF(given != (int64_t)features, c->err, SHAPE, "features: %lld, expected %zu",
                (long long)given, features);
    return ASHORE_OK;
}
