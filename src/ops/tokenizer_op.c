/* Tokenizer of com.microsoft: texts become rows of tokens, which are filled up to one length.
 *
 * As in onnxruntime: 'tokenexp' says what tokens are; or 'separators' what lies between them, one
 * after the other cutting what the others have left; a single empty separator makes each character
 * a token. */
#include "base/heap.h"
#include "ops/ml.h"
#include "ops/regex.h"

#include <string.h>

enum { SEPARATORS_MAX = 64 }; /* each is a level of calls */

struct tokenizer_attrs {
    const struct ash_regex **regex; /* of tokens, or of separators */
    size_t n;                       /* separators; 0: characters */
    bool tokens, mark;
    int64_t least; /* characters of a token */
    struct ash_text pad;
};

static int regex_parse(const struct ash_parse *c, struct tokenizer_attrs *a,
                       const struct ash_text *text, size_t n) {
    a->regex = ash_arena_array(c->arena, n, sizeof *a->regex);
    if (!a->regex) return ash_fail_nomem(c->err, n * sizeof *a->regex);
    for (a->n = 0; a->n < n; a->n++)
        ASH_TRY(ash_regex_compile(text[a->n].data, text[a->n].length, c->arena, &a->regex[a->n],
                                  c->err));
    return ASHORE_OK;
}

static int tokenizer_parse(const struct ash_parse *c, void *attrs) {
    struct tokenizer_attrs *a = attrs;
    const struct ash_attr *tokens = ash_node_attr(c->node, "tokenexp");
    const struct ash_attr *pad = ash_node_attr(c->node, "pad_value");
    const struct ash_text *separators;
    int64_t mark;
    size_t n;
    ASH_TRY(ash_parse_int(c, "mark", 0, &mark));
    ASH_TRY(ash_parse_int(c, "mincharnum", 1, &a->least));
    ASH_TRY(ash_parse_strings(c, "separators", &separators, &n));
    ASH_FAIL_IF(!pad || pad->type != ASH_ATTR_STRING, c->err, ATTR,
                "attribute 'pad_value' is missing, or no text");
    ASH_FAIL_IF(tokens && tokens->type != ASH_ATTR_STRING, c->err, ATTR,
                "attribute 'tokenexp' is no text");
    a->tokens = tokens && tokens->v.s.length;
    ASH_FAIL_IF(a->tokens == (n != 0), c->err, ATTR, "%s",
                n ? "both 'tokenexp' and 'separators' are given, expected one"
                  : "neither 'tokenexp' nor 'separators' is given");
    ASH_FAIL_IF(n > SEPARATORS_MAX, c->err, LIMIT, "%zu separators, expected at most %d", n,
                SEPARATORS_MAX);
    ASH_FAIL_IF(a->least < 1, c->err, ATTR, "attribute 'mincharnum' is %lld", (long long)a->least);
    a->mark = mark != 0;
    a->pad = pad->v.s;
    if (a->tokens) return regex_parse(c, a, &tokens->v.s, 1);
    if (n == 1 && !separators[0].length) return ASHORE_OK;
    for (size_t i = 0; i < n; i++)
        ASH_FAIL_IF(!separators[i].length, c->err, ATTR, "separator %zu is empty", i);
    return regex_parse(c, a, separators, n);
}

static int tokenizer_infer(struct ash_infer *c) {
    const struct ash_type *t = &c->in[0]->type;
    struct ash_dim dim[3];
    int dtype;
    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_STRING, &dtype));
    ash_infer_set(c, 0, ASHORE_STRING, -1, NULL);
    if (t->rank < 0) return ASHORE_OK;
    ASH_MISFIT_IF(t->rank < 1 || t->rank > 2, c->err, SHAPE, "an input of rank %d, expected 1 or 2",
                  t->rank);
    for (int i = 0; i < t->rank; i++) dim[i] = t->dim[i];
    dim[t->rank] = ash_dim_unknown();
    ash_infer_set(c, 0, ASHORE_STRING, t->rank + 1, dim);
    return ASHORE_OK;
}

/* Where tokens go: they are counted, and written where there is an output. */
struct writer {
    const struct tokenizer_attrs *a;
    struct ash_tensor *y; /* NULL: counted alone */
    int64_t row, width;   /* tokens of this text; room for those of each */
    int64_t first;        /* elements before this text's */
    size_t bytes;
    void *memory;
};

static void put(struct writer *w, const char *text, size_t length) {
    if (w->y)
        ash_ml_text(w->y, w->first + w->row, &w->bytes, (struct ash_text){text, length});
    else
        w->bytes = ash_size_add(w->bytes, length);
    w->row++;
}

/* Bytes of the character at s. */
static size_t step(const char *s, size_t n) {
    size_t i = 1;
    while (i < n && ((unsigned char)s[i] & 0xc0) == 0x80) i++;
    return i;
}

static void put_token(struct writer *w, const char *text, size_t length) {
    int64_t chars = 0;
    for (size_t i = 0; i < length; chars++) i += step(text + i, length - i);
    if (chars >= w->a->least) put(w, text, length);
}

/* What separators k and those behind it leave of the text. */
static void cut(struct writer *w, size_t k, const char *text, size_t length) {
    struct ash_str found;
    size_t from = 0, at = 0;
    if (k == w->a->n) {
        put_token(w, text, length);
        return;
    }
    while (at < length && ash_regex_find(w->a->regex[k], text, length, at, &found, w->memory)) {
        size_t end = found.offset + found.length;
        at = found.length ? end : end + (end < length ? step(text + end, length - end) : 1);
        if (!found.length) continue;
        if (found.offset > from) cut(w, k + 1, text + from, found.offset - from);
        from = end;
    }
    if (from < length) cut(w, k + 1, text + from, length - from);
}

static void find_tokens(struct writer *w, const char *text, size_t length) {
    struct ash_str found;
    size_t at = 0;
    while (at < length && ash_regex_find(w->a->regex[0], text, length, at, &found, w->memory)) {
        size_t end = found.offset + found.length;
        if (found.length) put_token(w, text + found.offset, found.length);
        at = found.length ? end : end + (end < length ? step(text + end, length - end) : 1);
    }
}

static void one_text(struct writer *w, struct ash_key key) {
    const char *s = key.text.data;
    size_t n = key.text.length;
    w->row = 0;
    if (w->a->mark) put(w, "\x02", 1);
    if (w->a->tokens)
        find_tokens(w, s, n);
    else if (w->a->n)
        cut(w, 0, s, n);
    else
        for (size_t i = 0, k; i < n; i += k) put_token(w, s + i, k = step(s + i, n - i));
    if (w->a->mark) put(w, "\x03", 1);
    while (w->y && w->row < w->width) put(w, w->a->pad.data, w->a->pad.length);
}

/* Tokens are found twice: to know how many there are, and to write them. */
static int write_all(struct ash_run *c, struct writer *w) {
    const struct ash_tensor *x = c->in[0];
    int64_t count = ash_tensor_count(x), dim[3], marks = w->a->mark ? 2 : 0, tokens = 0;
    for (int64_t i = 0; i < count; i++) {
        one_text(w, ash_key_at(x, i));
        w->width = w->row > w->width ? w->row : w->width;
        tokens += w->row;
    }
    if (w->width == marks) w->width = 0; /* no token anywhere: no marks either */
    size_t pads = (size_t)(w->width * count - tokens);
    for (int i = 0; i < x->rank; i++) dim[i] = x->dim[i];
    dim[x->rank] = w->width;
    if (!w->width) return ash_run_strings(c, 0, x->rank + 1, dim, 0);
    ASH_TRY(ash_run_strings(c, 0, x->rank + 1, dim,
                            ash_size_add(w->bytes, ash_size_mul(pads, w->a->pad.length))));
    w->y = c->out[0];
    w->bytes = 0;
    for (int64_t i = 0; i < count; i++) {
        w->first = i * w->width;
        one_text(w, ash_key_at(x, i));
    }
    return ASHORE_OK;
}

static int tokenizer_ref(struct ash_run *c) {
    struct writer w = {.a = c->attrs};
    size_t bytes = 1;
    ASH_FAIL_IF(c->in[0]->rank < 1 || c->in[0]->rank > 2, c->err, SHAPE,
                "an input of rank %d, expected 1 or 2", c->in[0]->rank);
    for (size_t i = 0; i < w.a->n; i++) {
        size_t needed = ash_regex_memory(w.a->regex[i]);
        bytes = needed > bytes ? needed : bytes;
    }
    w.memory = ash_alloc(c->heap, bytes);
    if (!w.memory) return ash_fail_nomem(c->err, bytes);
    int rc = write_all(c, &w);
    ash_free(c->heap, w.memory, bytes);
    return rc;
}

extern const struct ash_op ash_ops_tokenizer_op[];
const struct ash_op ash_ops_tokenizer_op[] = {
    {.name = "Tokenizer",
     .domain = "com.microsoft",
     .since = 1,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct tokenizer_attrs),
     .parse = tokenizer_parse,
     .infer = tokenizer_infer,
     .ref = tokenizer_ref},
    {0},
};
