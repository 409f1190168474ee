/* TfIdfVectorizer: counts of the n-grams of a pool, found through a hash table made when the model
 * is loaded. */
#include "ops/elementwise.h"
#include "ops/move.h"

#include <string.h>

enum tfidf { MODE_TF, MODE_IDF, MODE_TFIDF };

/* One item of a sequence or of the pool: a number, or a text. */
struct item {
    int64_t number;
    const char *text; /* NULL: a number */
    size_t length;
};

struct tfidf_attrs {
    int mode;
    int64_t least, most, skips; /* items of an n-gram; how many may lie between two */
    const int64_t *numbers, *counts, *columns;
    const struct ash_text *texts;
    const float *weights;
    size_t n_items, n_counts, n_grams, n_weights;
    int64_t width;  /* columns of the result */
    uint32_t *slot; /* 1 + the n-gram's number, by its hash; 0: none */
    struct gram {
        size_t first, n;
    } *gram;
    size_t mask;
};

static struct item pool_item(const struct tfidf_attrs *a, size_t i) {
    if (a->numbers) return (struct item){.number = a->numbers[i]};
    return (struct item){.text = a->texts[i].data, .length = a->texts[i].length};
}

static bool same_item(struct item a, struct item b) {
    if (!a.text || !b.text) return !a.text && !b.text && a.number == b.number;
    return a.length == b.length && !memcmp(a.text, b.text, a.length);
}

/* FNV-1a over the items so far. */
static uint64_t hash_item(uint64_t hash, struct item x) {
    const unsigned char *p = x.text ? (const void *)x.text : (const void *)&x.number;
    size_t n = x.text ? x.length : sizeof x.number;

    for (size_t i = 0; i < n; i++) hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
    hash = (hash ^ 0xff) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 29;
}
#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

/* Puts n-gram g into the table; a later one replaces an equal one. */
static void put_gram(struct tfidf_attrs *a, size_t g) {
    uint64_t hash = HASH_BEGIN;
    size_t at;

    for (size_t i = 0; i < a->gram[g].n; i++)
        hash = hash_item(hash, pool_item(a, a->gram[g].first + i));
    for (at = hash & a->mask; a->slot[at]; at = (at + 1) & a->mask) {
        const struct gram *other = &a->gram[a->slot[at] - 1];
        size_t i = 0;

        if (other->n != a->gram[g].n) continue;
        while (i < other->n &&
               same_item(pool_item(a, other->first + i), pool_item(a, a->gram[g].first + i)))
            i++;
        if (i == other->n) break;
    }
    a->slot[at] = (uint32_t)g + 1;
}

/* counts[k] is where the pool's n-grams of k + 1 items begin. */
static int make_table(const struct ash_parse *c, struct tfidf_attrs *a) {
    size_t size = 4, made = 0;

    while (size < 2 * a->n_grams) size *= 2;
    a->mask = size - 1;
    a->slot = ash_arena_array(c->arena, size, sizeof *a->slot);
    a->gram = ash_arena_array(c->arena, a->n_grams, sizeof *a->gram);
    if (!a->slot || !a->gram) return ash_fail_nomem(c->err, size * sizeof *a->slot);
    memset(a->slot, 0, size * sizeof *a->slot);
    for (size_t k = 0; k < a->n_counts; k++) {
        int64_t first = a->counts[k], n = (int64_t)k + 1;
        int64_t end = k + 1 < a->n_counts ? a->counts[k + 1] : (int64_t)a->n_items;

        ASH_FAIL_IF(first < 0 || end < first || end > (int64_t)a->n_items, c->err, ATTR,
                    "n-grams of %lld items from %lld to %lld in a pool of %zu", (long long)n,
                    (long long)first, (long long)end, a->n_items);
        for (; end - first >= n; first += n) {
            ASH_FAIL_IF(made == a->n_grams, c->err, ATTR, "more n-grams than the %zu columns",
                        a->n_grams);
            a->gram[made] = (struct gram){(size_t)first, (size_t)n};
            if (n >= a->least && n <= a->most) put_gram(a, made);
            made++;
        }
    }
    return ASHORE_OK;
}

static int tfidf_parse(const struct ash_parse *c, void *attrs) {
    static const char *const modes[] = {"TF", "IDF", "TFIDF", NULL};
    struct tfidf_attrs *a = attrs;
    size_t n_texts = 0;

    ASH_TRY(ash_parse_choice(c, "mode", modes, -1, &a->mode));
    ASH_FAIL_IF(a->mode < 0, c->err, ATTR, "attribute 'mode' is missing");
    ASH_TRY(ash_parse_int_required(c, "min_gram_length", &a->least));
    ASH_TRY(ash_parse_int_required(c, "max_gram_length", &a->most));
    ASH_TRY(ash_parse_int_required(c, "max_skip_count", &a->skips));
    ASH_TRY(ash_parse_ints(c, "ngram_counts", &a->counts, &a->n_counts));
    ASH_TRY(ash_parse_ints(c, "ngram_indexes", &a->columns, &a->n_grams));
    ASH_TRY(ash_parse_ints(c, "pool_int64s", &a->numbers, &a->n_items));
    ASH_TRY(ash_parse_strings(c, "pool_strings", &a->texts, &n_texts));
    ASH_TRY(ash_parse_floats(c, "weights", &a->weights, &a->n_weights));
    ASH_FAIL_IF(a->least < 1 || a->most < a->least || a->skips < 0, c->err, ATTR,
                "n-grams of %lld to %lld items with up to %lld between two", (long long)a->least,
                (long long)a->most, (long long)a->skips);
    ASH_FAIL_IF((a->n_items != 0) == (n_texts != 0), c->err, ATTR, "no pool, or two");
    if (n_texts) {
        a->numbers = NULL;
        a->n_items = n_texts;
    }
    if (a->most > (int64_t)a->n_counts) a->most = (int64_t)a->n_counts;
    for (size_t i = 0; i < a->n_grams; i++) {
        ASH_FAIL_IF(a->columns[i] < 0 || a->columns[i] > INT32_MAX, c->err, ATTR, "column %lld",
                    (long long)a->columns[i]);
        if (a->columns[i] >= a->width) a->width = a->columns[i] + 1;
    }
    ASH_FAIL_IF(!a->n_grams || a->n_grams > INT32_MAX, c->err, ATTR, "%zu n-grams", a->n_grams);
    ASH_FAIL_IF(a->n_weights && a->n_weights < (size_t)a->width, c->err, ATTR,
                "%zu weights for %lld columns", a->n_weights, (long long)a->width);
    return make_table(c, a);
}

static int tfidf_infer(struct ash_infer *c) {
    const struct tfidf_attrs *a = c->attrs;
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[2];
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 1, a->numbers ? ASH_TAKES_INT : ASH_TAKES_STRING, &dtype));
    ash_infer_set(c, 0, ASHORE_FLOAT32, -1, NULL);
    if (t->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(t->rank > 2, c->err, SHAPE, "an input of rank %d", t->rank);
    if (t->rank == 2) dim[0] = t->dim[0];
    dim[t->rank == 2] = ash_dim_exact(a->width);
    ash_infer_set(c, 0, ASHORE_FLOAT32, 1 + (t->rank == 2), dim);
    return ASHORE_OK;
}

static struct item sequence_item(const struct ash_tensor *x, int64_t i) {
    if (x->dtype != ASHORE_STRING) return (struct item){.number = ash_get_i64(x, i)};
    struct ash_str s = ((const struct ash_str *)x->data)[i];
    return (struct item){.text = s.length ? x->chars + s.offset : "", .length = s.length};
}

/* The n-gram of n items of x, `step` apart from item `first` on; -1: it is not in the pool. */
static int64_t find_gram(const struct tfidf_attrs *a, const struct ash_tensor *x, int64_t first,
                         int64_t step, size_t n, uint64_t hash) {
    for (size_t at = hash & a->mask; a->slot[at]; at = (at + 1) & a->mask) {
        const struct gram *g = &a->gram[a->slot[at] - 1];
        size_t i = 0;

        if (g->n != n) continue;
        while (i < n &&
               same_item(pool_item(a, g->first + i), sequence_item(x, first + (int64_t)i * step)))
            i++;
        if (i == n) return a->slot[at] - 1;
    }
    return -1;
}

static void count_grams(const struct tfidf_attrs *a, const struct ash_tensor *x, int64_t begin,
                        int64_t length, float *row) {
    int64_t least = a->least, furthest = length > a->skips ? a->skips + 1 : length;

    for (int64_t step = 1; step <= furthest && least <= a->most; step++) {
        for (int64_t i = 0; i < length && (least - 1) <= (length - 1 - i) / step; i++) {
            uint64_t hash = HASH_BEGIN;

            for (int64_t n = 1; n <= a->most && (n - 1) <= (length - 1 - i) / step; n++) {
                hash = hash_item(hash, sequence_item(x, begin + i + (n - 1) * step));
                if (n < least) continue;
                int64_t g = find_gram(a, x, begin + i, step, (size_t)n, hash);
                if (g >= 0) row[a->columns[g]]++;
            }
        }
        if (least == 1) least = 2; /* single items have nothing between them: once is enough */
    }
}

static int tfidf_ref(struct ash_run *c) {
    const struct tfidf_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    float *y = c->out[0]->data;
    int64_t rows = x->rank == 2 ? x->dim[0] : 1;
    int64_t length = x->rank ? x->dim[x->rank - 1] : 1;

    ash_fill(y, sizeof *y, ash_tensor_count(c->out[0]), NULL);
    for (int64_t r = 0; r < rows; r++, y += a->width) {
        count_grams(a, x, r * length, length, y);
        for (int64_t i = 0; i < a->width; i++) {
            if (a->mode == MODE_IDF && y[i] > 0) y[i] = 1;
            if (a->mode != MODE_TF && a->n_weights) y[i] *= a->weights[i];
        }
    }
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_tfidf[];
const struct ash_op ash_ops_tfidf[] = {
    {.name = "TfIdfVectorizer",
     .domain = "",
     .since = 9,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct tfidf_attrs),
     .parse = tfidf_parse,
     .infer = tfidf_infer,
     .ref = tfidf_ref},
    {0},
};
