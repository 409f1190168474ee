/* RegexFullMatch. */
#include "base/heap.h"
#include "ops/elementwise.h"
#include "ops/regex.h"

struct match_attrs {
    const struct ash_regex *regex;
};

static int match_parse(const struct ash_parse *c, void *attrs) {
    struct match_attrs *a = attrs;
    const struct ash_attr *pattern = ash_node_attr(c->node, "pattern");

    ASH_FAIL_IF(!pattern || pattern->type != ASH_ATTR_STRING, c->err, ATTR, "no pattern");
    return ash_regex_compile(pattern->v.s.data, pattern->v.s.length, c->arena, &a->regex, c->err);
}

static int match_infer(struct ash_infer *c) {
    int dtype;

    ASH_TRY(ash_infer_types(c, 0, 1, ASH_TAKES_STRING, &dtype));
    ash_infer_like(c, 0, ASHORE_BOOL, 0);
    return ASHORE_OK;
}

static int match_ref(struct ash_run *c) {
    const struct match_attrs *a = c->attrs;
    const struct ash_tensor *x = c->in[0];
    const struct ash_str *s = x->data;
    uint8_t *y = c->out[0]->data;
    int64_t count = ash_tensor_count(x);
    size_t bytes = ash_regex_memory(a->regex);
    void *memory = c->scratch ? c->scratch : ash_alloc(c->heap, bytes);

    if (!memory) return ash_fail_nomem(c->err, bytes);
    for (int64_t i = 0; i < count; i++)
        y[i] = ash_regex_match(a->regex, s[i].length ? x->chars + s[i].offset : "", s[i].length,
                               memory);
    if (!c->scratch) ash_free(c->heap, memory, bytes);
    return ASHORE_OK;
}

static int match_lower(struct ash_lower *c) {
    const struct match_attrs *a = c->attrs;

    c->scratch = ash_regex_memory(a->regex);
    c->run = match_ref;
    c->kernel = "automaton";
    return ASHORE_OK;
}

extern const struct ash_op ash_ops_regex_op[];
const struct ash_op ash_ops_regex_op[] = {
    {.name = "RegexFullMatch",
     .domain = "",
     .since = 20,
     .in_min = 1,
     .in_max = 1,
     .out_min = 1,
     .out_max = 1,
     .attrs_size = sizeof(struct match_attrs),
     .parse = match_parse,
     .infer = match_infer,
     .ref = match_ref,
     .lower = match_lower},
    {0},
};
