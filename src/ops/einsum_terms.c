#include "ops/einsum_terms.h"

#include <string.h>

static int letter_axis(char l) {
    if (l >= 'A' && l <= 'Z') return EINSUM_LETTERS + l - 'A';
    return l >= 'a' && l <= 'z' ? EINSUM_LETTERS + 26 + l - 'a' : -1;
}

/* One term, up to `,`, `-` or the end; *text is moved behind it. */
static int parse_term(const char **text, const char *end, struct einsum_term *t,
                      struct ashore_error *err) {
    const char *p = *text;

    t->n = 0;
    t->ellipsis = -1;
    for (; p < end && *p != ',' && *p != '-'; p++) {
        int axis = letter_axis(*p);

        if (*p == ' ') continue;
        if (*p == '.') {
            ASH_FAIL_IF(end - p < 3 || p[1] != '.' || p[2] != '.' || t->ellipsis >= 0, err, ATTR,
                        "a '.' in the equation that is not the one '...' of its term");
            t->ellipsis = t->n;
            p += 2;
            continue;
        }
        ASH_FAIL_IF(axis < 0, err, ATTR, "character %d in the equation", (unsigned char)*p);
        ASH_FAIL_IF(t->n == ASH_MAX_RANK, err, LIMIT, "a term of more than %d letters",
                    ASH_MAX_RANK);
        t->axis[t->n++] = (uint8_t)axis;
    }
    *text = p;
    return ASHORE_OK;
}

/* Letters that are there once, in order, behind an ellipsis where there is one. */
static int implicit_output(struct einsum_attrs *a, const int *count, struct ashore_error *err) {
    a->out.n = 0;
    a->out.ellipsis = -1;
    for (int k = 0; k < a->n; k++)
        if (a->in[k].ellipsis >= 0) a->out.ellipsis = 0;
    for (int i = 0; i < EINSUM_AXES; i++) {
        if (count[i] != 1) continue;
        ASH_FAIL_IF(a->out.n == ASH_MAX_RANK, err, LIMIT, "a result of more than %d dimensions",
                    ASH_MAX_RANK);
        a->out.axis[a->out.n++] = (uint8_t)i;
    }
    return ASHORE_OK;
}

int ash_einsum_parse(const struct ash_parse *c, void *attrs) {
    struct einsum_attrs *a = attrs;
    const struct ash_attr *equation = ash_node_attr(c->node, "equation");
    int count[EINSUM_AXES] = {0};

    ASH_FAIL_IF(!equation || equation->type != ASH_ATTR_STRING, c->err, ATTR, "no equation");
    const char *p = equation->v.s.data, *end = p + equation->v.s.length;
    for (;; p++) {
        ASH_FAIL_IF(a->n == EINSUM_OPERANDS, c->err, LIMIT, "more than %d operands",
                    EINSUM_OPERANDS);
        ASH_TRY(parse_term(&p, end, &a->in[a->n], c->err));
        for (int i = 0; i < a->in[a->n].n; i++) count[a->in[a->n].axis[i]]++;
        a->n++;
        if (p == end || *p != ',') break;
    }
    ASH_FAIL_IF((uint32_t)a->n != c->node->n_formal, c->err, ATTR,
                "an equation of %d terms for %u inputs", a->n, c->node->n_formal);
    if (p == end) return implicit_output(a, count, c->err);
    ASH_FAIL_IF(end - p < 2 || p[1] != '>', c->err, ATTR, "a '-' in the equation without '>'");
    p += 2;
    ASH_TRY(parse_term(&p, end, &a->out, c->err));
    ASH_FAIL_IF(p != end, c->err, ATTR, "an equation that goes on behind its result");
    for (int i = 0; i < a->out.n; i++) {
        ASH_FAIL_IF(!count[a->out.axis[i]], c->err, ATTR,
                    "letter %d of the result is in no other term, or there twice", i);
        count[a->out.axis[i]] = 0; /* the second one is not found */
    }
    return ASHORE_OK;
}

int ash_einsum_axis(const struct einsum_term *t, int rank, int i) {
    int dots = rank - t->n;

    if (t->ellipsis < 0 || i < t->ellipsis) return t->axis[i];
    if (i < t->ellipsis + dots) return t->ellipsis + dots - 1 - i;
    return t->axis[i - dots];
}

int ash_einsum_add(const struct einsum_attrs *a, int k, const struct ash_type *type,
                   struct einsum_axes *axes, struct ashore_error *err) {
    const struct einsum_term *t = &a->in[k];
    int dots = type->rank - t->n;

    ASH_FAIL_IF(t->ellipsis < 0 ? dots != 0 : dots < 0, err, SHAPE,
                "operand %d has %d dimensions, its term %d letters", k, type->rank, t->n);
    if (dots > axes->ellipsis) axes->ellipsis = dots;
    for (int i = 0; i < type->rank; i++) {
        int id = ash_einsum_axis(t, type->rank, i);
        struct ash_dim d = type->dim[i], *is = &axes->extent[id];
        bool exact = d.kind == ASH_DIM_EXACT && d.value != 1;
        bool known = is->kind == ASH_DIM_EXACT && is->value != 1;

        ASH_FAIL_IF(axes->used[id] && exact && known && d.value != is->value, err, SHAPE,
                    "dimension %d of operand %d has extent %lld, elsewhere the axis has %lld", i, k,
                    (long long)d.value, (long long)is->value);
        if (!axes->used[id] || ash_dim_is(*is, 1) || exact)
            *is = d;
        else if (!known && !ash_dim_is(d, 1) && !ash_dim_same(d, *is))
            *is = ash_dim_unknown();
        axes->used[id] = true;
    }
    return ASHORE_OK;
}
