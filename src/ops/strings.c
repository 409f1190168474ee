/* StringConcat, StringSplit, StringNormalizer.  Texts are UTF-8. */
#include "base/heap.h"
#include "ops/elementwise.h"

#include <string.h>

static const char *text_at(const struct ash_tensor *t, struct ash_str s) {
    return s.length ? t->chars + s.offset : "";
}

/* Appends n bytes to the text of output tensor y, of which `at` are there. */
static void append(const struct ash_tensor *y, size_t *at, const char *text, size_t n) {
    if (n) memcpy((char *)(uintptr_t)y->chars + *at, text, n);
    *at += n;
}

/* ---- StringConcat ---- */

static int concat_infer(struct ash_infer *c) {
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 2, ASH_TAKES_STRING, &dtype));
    return ash_infer_broadcast_all(c, 0, 2, ASHORE_STRING);
}

/* The extents that the inputs are broadcast to. */
static int broadcast(const struct ash_run *c, struct ash_tensor *y) {
    const struct ash_tensor *in[2] = {c->in[0], c->in[1]};

    *y = (struct ash_tensor){.rank = in[0]->rank > in[1]->rank ? in[0]->rank : in[1]->rank};
    for (int i = 0; i < y->rank; i++) {
        y->dim[i] = 1;
        for (int k = 0; k < 2; k++) {
            int at = i - (y->rank - in[k]->rank);

            if (at < 0 || in[k]->dim[at] == 1) continue;
            ASH_FAIL_IF(y->dim[i] != 1 && y->dim[i] != in[k]->dim[at], c->err, SHAPE,
                        "extents %lld and %lld cannot be broadcast", (long long)y->dim[i],
                        (long long)in[k]->dim[at]);
            y->dim[i] = in[k]->dim[at];
        }
    }
    return ASHORE_OK;
}

static int concat_ref(struct ash_run *c) {
    struct ash_str tile[2][ASH_TILE];
    struct ash_tensor like;
    size_t n, total = 0;

    ASH_TRY(broadcast(c, &like));
    int64_t count = ash_tensor_count(&like);
    for (int pass = 0; pass < 2; pass++) {
        size_t at = 0;

        if (pass) ASH_TRY(ash_run_strings(c, 0, like.rank, like.dim, total));
        for (int64_t first = 0; (n = ash_tile_size(count, first)); first += (int64_t)n) {
            const struct ash_str *a = ash_broadcast_tile(c->in[0], &like, first, n, tile[0]);
            const struct ash_str *b = ash_broadcast_tile(c->in[1], &like, first, n, tile[1]);

            for (size_t i = 0; i < n; i++) {
                size_t length = (size_t)a[i].length + b[i].length;

                total = pass ? total : ash_size_add(total, length);
                if (!pass) continue;
                *(struct ash_str *)ash_at(c->out[0], first + (int64_t)i) =
                    (struct ash_str){(uint32_t)at, (uint32_t)length};
                append(c->out[0], &at, text_at(c->in[0], a[i]), a[i].length);
                append(c->out[0], &at, text_at(c->in[1], b[i]), b[i].length);
            }
        }
        ASH_FAIL_IF(total > UINT32_MAX, c->err, LIMIT, "%zu bytes of text in one tensor", total);
    }
    return ASHORE_OK;
}

/* ---- StringSplit ---- */

struct split_attrs {
    struct ash_text delimiter; /* length 0: runs of white space */
    int64_t most;              /* cuts */
};

static int split_parse(const struct ash_parse *c, void *attrs) {
    struct split_attrs *a = attrs;
    const struct ash_attr *delimiter = ash_node_attr(c->node, "delimiter");

    ASH_FAIL_IF(delimiter && delimiter->type != ASH_ATTR_STRING, c->err, ATTR,
                "attribute 'delimiter' is no text");
    if (delimiter) a->delimiter = delimiter->v.s;
    ASH_TRY(ash_parse_int(c, "maxsplit", INT64_MAX, &a->most));
    if (a->most < 0) a->most = INT64_MAX;
    return ASHORE_OK;
}

static int split_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[ASH_MAX_RANK];
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_STRING, &dtype));
    ash_infer_set(c, 0, ASHORE_STRING, -1, NULL);
    if (c->n_out > 1) ash_infer_like(c, 1, ASHORE_INT64, 0);
    if (t->rank < 0) return ASHORE_OK;
    ASH_FAIL_IF(t->rank == ASH_MAX_RANK, c->err, LIMIT,
                "rank %d: tensors have at most %d dimensions", t->rank + 1, ASH_MAX_RANK);
    for (int i = 0; i < t->rank; i++) dim[i] = t->dim[i];
    dim[t->rank] = ash_dim_unknown();
    ash_infer_set(c, 0, ASHORE_STRING, t->rank + 1, dim);
    return ASHORE_OK;
}

static bool is_space(char ch) { return ch == ' ' || (ch >= '\t' && ch <= '\r'); }

/* The next part of what is left at [*at, n): its bounds; false when there is none.  cuts counts
 * down; *at goes to the end with the last part. */
static bool next_part(const struct split_attrs *a, const char *s, size_t n, size_t *at,
                      int64_t *cuts, struct ash_str *part) {
    size_t width = a->delimiter.length, i;

    if (!width)
        while (*at < n && is_space(s[*at])) (*at)++;
    if (*at > n || (!width && *at == n)) return false;
    for (i = *at; i < n && *cuts > 0; i++) {
        bool cut =
            width ? n - i >= width && !memcmp(s + i, a->delimiter.data, width) : is_space(s[i]);
        if (cut) break;
    }
    if (*cuts <= 0) i = n;
    *part = (struct ash_str){(uint32_t)*at, (uint32_t)(i - *at)};
    (*cuts)--;
    *at = i == n ? n + 1 : i + (width ? width : 1);
    return true;
}

static int split_ref(struct ash_run *c) {
    const struct split_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    const struct ash_str *from = x->data;
    int64_t dim[ASH_MAX_RANK], count = ash_tensor_count(x), width = 0;
    size_t total = 0, written = 0;
    struct ash_str part;

    ASH_FAIL_IF(x->rank == ASH_MAX_RANK, c->err, LIMIT,
                "rank %d: tensors have at most %d dimensions", x->rank + 1, ASH_MAX_RANK);
    if (c->n_out > 1 && c->out[1]) ASH_TRY(ash_run_alloc(c, 1, ASHORE_INT64, x->rank, x->dim));
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; pass && i < x->rank; i++) dim[i] = x->dim[i];
        if (pass) {
            if (!c->out[0]) return ASHORE_OK;
            dim[x->rank] = width;
            ASH_TRY(ash_run_strings(c, 0, x->rank + 1, dim, total));
        }
        for (int64_t i = 0; i < count; i++) {
            const char *s = text_at(x, from[i]);
            int64_t cuts = a->most, n = 0;

            for (size_t at = 0; next_part(a, s, from[i].length, &at, &cuts, &part); n++) {
                if (!pass) total += part.length;
                if (!pass) continue;
                ((struct ash_str *)c->out[0]->data)[i * width + n] =
                    (struct ash_str){(uint32_t)written, part.length};
                append(c->out[0], &written, s + part.offset, part.length);
            }
            if (n > width) width = n;
            if (c->n_out > 1 && c->out[1]) ((int64_t *)c->out[1]->data)[i] = n;
            for (; pass && n < width; n++)
                ((struct ash_str *)c->out[0]->data)[i * width + n] = (struct ash_str){0, 0};
        }
    }
    return ASHORE_OK;
}

/* ---- StringNormalizer: elements that are stop words are left out, the others change case ---- */

enum { CASE_NONE, CASE_LOWER, CASE_UPPER };

struct normalizer_attrs {
    int change;
    bool exact; /* stop words are compared with their case */
    const struct ash_text *stop;
    size_t n_stop;
};

static int normalizer_parse(const struct ash_parse *c, void *attrs) {
    static const char *const changes[] = {"NONE", "LOWER", "UPPER", NULL};
    struct normalizer_attrs *a = attrs;
    int64_t exact;

    ASH_TRY(ash_parse_choice(c, "case_change_action", changes, CASE_NONE, &a->change));
    ASH_TRY(ash_parse_int(c, "is_case_sensitive", 0, &exact));
    a->exact = exact != 0;
    return ash_parse_strings(c, "stopwords", &a->stop, &a->n_stop);
}

static int normalizer_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[2] = {ash_dim_exact(1), ash_dim_unknown()};
    int dtype, rank = t->rank;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_STRING, &dtype));
    ASH_FAIL_IF(rank == 0 || rank > 2 ||
                    (rank == 2 && t->dim[0].kind == ASH_DIM_EXACT && t->dim[0].value != 1),
                c->err, SHAPE, "the input must be a vector or one row");
    ash_infer_set(c, 0, ASHORE_STRING, rank, rank == 1 ? dim + 1 : dim);
    return ASHORE_OK;
}

/* Ranges of upper case letters, and how far below their lower case is. */
static const struct {
    uint16_t first, last, distance;
} cases[] = {{'A', 'Z', 32},     {0xc0, 0xd6, 32},   {0xd8, 0xde, 32},
             {0x391, 0x3ab, 32}, {0x400, 0x40f, 80}, {0x410, 0x42f, 32}};

/* The letter in the other case where it has that of the change: of ASCII, Latin-1, Greek and
 * Cyrillic, whose two cases have codes of one length. */
static unsigned change_case(unsigned letter, int change) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned d = cases[i].distance, low = change == CASE_UPPER ? d : 0;

        if (letter < cases[i].first + low || letter > cases[i].last + low) continue;
        return change == CASE_UPPER ? letter - d : letter + d;
    }
    return letter;
}

/* Byte i of a text in the other case. */
static char cased(const char *s, size_t n, size_t i, int change) {
    unsigned char byte = (unsigned char)s[i];
    bool second = i && (byte & 0xc0) == 0x80 && ((unsigned char)s[i - 1] & 0xe0) == 0xc0;
    bool first = (byte & 0xe0) == 0xc0 && i + 1 < n;
    unsigned lead = second ? (unsigned char)s[i - 1] : byte;
    unsigned trail = first ? (unsigned char)s[i + 1] : byte;

    if (change == CASE_NONE) return s[i];
    if (!second && !first) return (char)(byte < 0x80 ? change_case(byte, change) : byte);
    unsigned letter = change_case((lead & 0x1f) << 6 | (trail & 0x3f), change);
    return (char)(second ? 0x80 | (letter & 0x3f) : 0xc0 | letter >> 6);
}

static bool is_stop(const struct normalizer_attrs *a, const char *s, size_t n) {
    int fold = a->exact ? CASE_NONE : CASE_LOWER;

    for (size_t k = 0; k < a->n_stop; k++) {
        const struct ash_text *w = &a->stop[k];
        size_t i = 0;

        if (w->length != n) continue;
        while (i < n && cased(s, n, i, fold) == cased(w->data, n, i, fold)) i++;
        if (i == n) return true;
    }
    return false;
}

static int normalizer_ref(struct ash_run *c) {
    const struct normalizer_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    const struct ash_str *from = x->data;
    int64_t count = ash_tensor_count(x), kept = 0, dim[2] = {1, 1};
    size_t total = 0, at = 0;

    ASH_FAIL_IF(x->rank < 1 || x->rank > 2 || (x->rank == 2 && x->dim[0] != 1), c->err, SHAPE,
                "the input must be a vector or one row");
    for (int64_t i = 0; i < count; i++) {
        if (is_stop(a, text_at(x, from[i]), from[i].length)) continue;
        total = ash_size_add(total, from[i].length);
        kept++;
    }
    dim[x->rank - 1] = kept ? kept : 1; /* nothing left: one empty text */
    ASH_TRY(ash_run_strings(c, 0, x->rank, dim, total));
    struct ash_str *to = c->out[0]->data;
    char *text = (char *)(uintptr_t)c->out[0]->chars;
    to[0] = (struct ash_str){0, 0};
    for (int64_t i = 0; i < count; i++) {
        const char *s = text_at(x, from[i]);
        size_t n = from[i].length;

        if (is_stop(a, s, n)) continue;
        *to++ = (struct ash_str){(uint32_t)at, (uint32_t)n};
        for (size_t k = 0; k < n; k++) text[at++] = cased(s, n, k, a->change);
    }
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_strings[];
const struct ash_op ash_ops_strings[] = {
    {.name = "StringConcat",
     .domain = "",
     .since = 20,
     .in_min = 2,
     .in_max = 2,
     .out_min = 1,
     .out_max = 1,
     .infer = concat_infer,
     .ref = concat_ref},
    {.name = "StringSplit",
     .domain = "",
     .since = 20,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 2,
     .attrs_size = sizeof(struct split_attrs),
     .parse = split_parse,
     .infer = split_infer,
     .ref = split_ref},
    {.name = "StringNormalizer",
     .domain = "",
     .since = 10,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct normalizer_attrs),
     .parse = normalizer_parse,
     .infer = normalizer_infer,
     .ref = normalizer_ref},
    {0},
};
