#include "rt/session.h"

#include "base/pool.h"

#include <string.h>

#if defined(__wasm__)
static size_t core_count(void) { return 1; }
#else
#    include <unistd.h>
static size_t core_count(void) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > ASH_POOL_MAX ? ASH_POOL_MAX : (size_t)n;
}
#endif

void ashore_session_options_init(struct ashore_session_options *options) {
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
}

static int session_init(struct ashore_session *s, struct ashore_error *err) {
    struct ashore_model *m = s->model;
    const struct ash_graph *g = m->graph;
    ASH_TRY(ash_model_supported(g, err));
    atomic_store(&m->gives, true);
    ASH_TRY(ash_packs_watch(m->packs, g, err));
    size_t threads = s->options.threads > 0 ? (size_t)s->options.threads : core_count();
    ASH_FAIL_IF(threads > ASH_POOL_MAX, err, ARGUMENT, "%d threads, at most %d are possible",
                s->options.threads, ASH_POOL_MAX);
    ASH_TRY(ash_pool_create(m->heap, threads, &s->pool, err));
    ash_exec_init(&s->exec, m->heap, s->pool);
    s->args = ash_alloc_zero(m->heap, (g->n_inputs + 1) * sizeof *s->args);
    s->held = ash_alloc_zero(m->heap, (g->n_inputs + 1) * sizeof *s->held);
    s->bind = ash_alloc_zero(m->heap, (g->n_outputs + 1) * sizeof *s->bind);
    if (!s->args || !s->held || !s->bind) return ash_fail_nomem(err, sizeof *s->args);
    if (s->options.profile) {
        s->exec.stats = ash_alloc_zero(m->heap, (m->n_nodes + 1) * sizeof *s->exec.stats);
        if (!s->exec.stats) return ash_fail_nomem(err, m->n_nodes * sizeof *s->exec.stats);
    }
    return ASHORE_OK;
}

int ashore_session_create(ashore_model *model, const struct ashore_session_options *options,
                          ashore_session **session, struct ashore_error *err) {
    struct ashore_session *s = ash_alloc_zero(model->heap, sizeof *s);
    if (!s) return ash_fail_nomem(err, sizeof *s);
    s->model = model;
    ashore_session_options_init(&s->options);
    int rc = ASHORE_OK;
    if (options)
        rc = ash_options_take(&s->options, sizeof s->options, options, options->struct_size, err);
    if (rc == ASHORE_OK) rc = session_init(s, err);
    if (rc != ASHORE_OK) {
        ash_model_error(model, rc, err);
        ashore_session_destroy(&s);
        return rc;
    }
    *session = s;
    return ASHORE_OK;
}

static void forget_plan(struct ashore_session *s, struct ash_planned *p) {
    ash_plan_destroy(&p->plan);
    ash_free(s->model->heap, p->shapes, (s->model->graph->n_inputs + 1) * sizeof *p->shapes);
    memset(p, 0, sizeof *p);
}

static void let_go(struct ashore_session *s) {
    for (uint32_t i = 0; i < s->model->graph->n_inputs; i++) ash_value_release(&s->held[i]);
}

void ashore_session_destroy(ashore_session **session) {
    struct ashore_session *s = *session;
    *session = NULL;
    if (!s) return;
    struct ash_heap *heap = s->model->heap;
    const struct ash_graph *g = s->model->graph;
    if (s->exec.heap) ash_exec_deinit(&s->exec);
    if (s->held) let_go(s);
    for (int i = 0; i < ASH_PLANS_KEPT; i++) forget_plan(s, &s->plans[i]);
    ash_free(heap, s->exec.stats, (s->model->n_nodes + 1) * sizeof *s->exec.stats);
    ash_free(heap, s->args, (g->n_inputs + 1) * sizeof *s->args);
    ash_free(heap, s->held, (g->n_inputs + 1) * sizeof *s->held);
    ash_free(heap, s->bind, (g->n_outputs + 1) * sizeof *s->bind);
    ash_pool_destroy(&s->pool);
    ash_free(heap, s, sizeof *s);
}

int ashore_session_threads(const ashore_session *s) { return (int)ash_pool_threads(s->pool); }

/* ---- plans ---- */

static bool planned_for(const struct ashore_session *s, const struct ash_planned *p) {
    for (uint32_t i = 0; i < s->model->graph->n_inputs; i++) {
        const struct ash_tensor *a = &p->shapes[i], *b = &s->args[i].tensor;
        if (a->dtype != b->dtype) return false;
        if (a->dtype && !ash_tensor_same_shape(a, b)) return false;
    }
    return true;
}

static int make_plan(struct ashore_session *s, struct ash_planned *p, struct ashore_error *err) {
    struct ashore_model *m = s->model;
    const struct ash_graph *g = m->graph;
    struct ash_plan_options options = {.heap = m->heap,
                                       .packs = m->packs,
                                       .threads = ash_pool_threads(s->pool),
                                       .reference = s->options.reference};
    size_t bytes = (g->n_inputs + 1) * sizeof(struct ash_info);
    struct ash_info *in = ash_alloc(m->heap, bytes);
    p->shapes = ash_alloc_zero(m->heap, (g->n_inputs + 1) * sizeof *p->shapes);
    int rc = in && p->shapes ? ASHORE_OK : ash_fail_nomem(err, bytes);
    for (uint32_t i = 0; rc == ASHORE_OK && i < g->n_inputs; i++) {
        in[i] = ash_model_declared(g, i);
        p->shapes[i] = s->args[i].tensor;
        if (!p->shapes[i].dtype) continue;
        in[i] = ash_info_const(&p->shapes[i]);
        in[i].data = NULL;
    }
    ash_packs_enter(m->packs);
    if (rc == ASHORE_OK) rc = ash_plan_create(&options, g, in, &p->plan, err);
    ash_packs_leave(m->packs);
    ash_free(m->heap, in, bytes);
    if (rc != ASHORE_OK) return rc;
    size_t need = p->plan->segments[0].slab + ash_packs_bytes(m->packs);
    ASH_FAIL_IF(
        s->options.memory_limit && need > s->options.memory_limit, err, LIMIT,
        "a run needs %zu bytes for packed weights and intermediate values, the limit is %zu", need,
        s->options.memory_limit);
    return ASHORE_OK;
}

int ash_session_plan(struct ashore_session *s, struct ash_plan **plan, struct ashore_error *err) {
    struct ash_planned *oldest = &s->plans[0];
    s->clock++;
    for (int i = 0; i < ASH_PLANS_KEPT; i++) {
        struct ash_planned *p = &s->plans[i];
        if (p->plan && planned_for(s, p)) {
            p->used = s->clock;
            *plan = p->plan;
            return ASHORE_OK;
        }
        if (p->used < oldest->used) oldest = p;
    }
    forget_plan(s, oldest);
    int rc = make_plan(s, oldest, err);
    if (rc != ASHORE_OK) {
        forget_plan(s, oldest);
        return rc;
    }
    oldest->used = s->clock;
    *plan = oldest->plan;
    return ASHORE_OK;
}

/* ---- inputs and outputs ---- */

static int find_name(const struct ashore_value_info *info, size_t n, const char *name, size_t *at,
                     const char *what, struct ashore_error *err) {
    for (*at = 0; *at < n; ++*at) {
        if (!strcmp(info[*at].name, name)) return ASHORE_OK;
    }
    return ash_fail(err, ASHORE_ERR_NAME, "there is no %s '%s'; the first is '%s'", what, name,
                    n ? info[0].name : "");
}

/* A value given for an input: its kind, element type, rank and exact extents must fit. */
static int check_input(const struct ashore_session *s, size_t i, const struct ashore_value *v,
                       struct ashore_error *err) {
    const struct ashore_value_info *want = &s->model->inputs[i];
    static const char *const kind[] = {"a tensor", "a sequence", "an optional", "a map"};
    bool wrapped = want->kind == ASHORE_OPTIONAL && v->kind != ASHORE_OPTIONAL;
    ASH_FAIL_IF(v->kind != want->kind && !wrapped, err, TYPE, "input '%s' is %s, expected %s (%s)",
                want->name, kind[v->kind & 3], kind[want->kind & 3], want->type_text);
    if (v->kind != ASHORE_TENSOR) return ASHORE_OK;
    const struct ash_tensor *t = &v->tensor;
    bool fits =
        (!want->dtype || t->dtype == want->dtype) && (want->rank < 0 || t->rank == want->rank);
    for (int k = 0; fits && k < want->rank; k++)
        fits = want->shape[k].extent < 0 || want->shape[k].extent == t->dim[k];
    if (fits) return ASHORE_OK;
    char got[160];
    ash_shape_text(got, sizeof got, t->dtype, t->rank, t->dim);
    return ash_fail(err,
                    want->dtype && t->dtype != want->dtype ? ASHORE_ERR_TYPE : ASHORE_ERR_SHAPE,
                    "input '%s' is %s, expected %s", want->name, got, want->type_text);
}

static int take_inputs(struct ashore_session *s, size_t n, const char *const *names,
                       ashore_value *const *values, struct ashore_error *err) {
    const struct ashore_model *m = s->model;
    let_go(s);
    for (size_t i = 0; i < n; i++) {
        size_t at;
        ASH_TRY(find_name(m->inputs, m->graph->n_inputs, names[i], &at, "input", err));
        ASH_FAIL_IF(s->held[at], err, ARGUMENT, "input '%s' is given twice", names[i]);
        ASH_TRY(check_input(s, at, values[i], err));
        s->held[at] = ash_value_retain(values[i]);
    }
    for (uint32_t i = 0; i < m->graph->n_inputs; i++) {
        ASH_FAIL_IF(!s->held[i], err, NAME, "input '%s' (%s) is missing", m->inputs[i].name,
                    m->inputs[i].type_text);
        memset(&s->args[i], 0, sizeof s->args[i]);
        s->args[i].tensor = s->held[i]->tensor;
        s->args[i].value = s->held[i];
        if (s->held[i]->kind != ASHORE_TENSOR) s->args[i].tensor.dtype = 0;
    }
    return ASHORE_OK;
}

int ash_session_begin(struct ashore_session *s, size_t n, const char *const *names,
                      ashore_value *const *values, struct ashore_error *err) {
    ASH_TRY(take_inputs(s, n, names, values, err));
    struct ash_plan *plan;
    ASH_TRY(ash_session_plan(s, &plan, err));
    return ash_exec_begin(&s->exec, plan, s->args, s->bind, err);
}

void ash_session_end(struct ashore_session *s) {
    ash_exec_abort(&s->exec);
    s->exec.cancel = NULL;
    let_go(s);
    memset(s->bind, 0, s->model->graph->n_outputs * sizeof *s->bind);
}

static int run_to_end(struct ashore_session *s, size_t n, const char *const *names,
                      ashore_value *const *values, struct ashore_error *err) {
    ASH_TRY(ash_session_begin(s, n, names, values, err));
    return ash_exec_advance(&s->exec, 0, err);
}

int ashore_session_run(ashore_session *s, size_t in_count, const char *const *in_names,
                       ashore_value *const *in_values, size_t out_count,
                       const char *const *out_names, ashore_value **out_values,
                       struct ashore_error *err) {
    const struct ashore_model *m = s->model;
    size_t at;
    int rc = s->run ? ash_fail(err, ASHORE_ERR_STATE, "a run is in progress") : ASHORE_OK;
    for (size_t i = 0; rc == ASHORE_OK && i < out_count; i++)
        rc = find_name(m->outputs, m->graph->n_outputs, out_names[i], &at, "output", err);
    if (rc != ASHORE_OK) return ash_model_error(m, rc, err);
    rc = run_to_end(s, in_count, in_names, in_values, err);
    for (size_t i = 0; rc == ASHORE_OK && i < out_count; i++) {
        (void)find_name(m->outputs, m->graph->n_outputs, out_names[i], &at, "output", NULL);
        out_values[i] = ash_value_retain(s->exec.out[at]);
    }
    ash_session_end(s);
    return ash_model_error(m, rc, err);
}

static bool overlap(const struct ashore_value *a, const struct ashore_value *b) {
    if (a->kind != ASHORE_TENSOR || b->kind != ASHORE_TENSOR) return false;
    uintptr_t x = (uintptr_t)a->tensor.data, y = (uintptr_t)b->tensor.data;
    size_t n = ash_tensor_bytes(&a->tensor), m = ash_tensor_bytes(&b->tensor);
    return n && m && x < y + m && y < x + n;
}

static bool in_use(const struct ashore_value *v, ashore_value *const *others, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (overlap(v, others[i])) return true;
    }
    return false;
}

int ashore_session_run_into(ashore_session *s, size_t in_count, const char *const *in_names,
                            ashore_value *const *in_values, size_t out_count,
                            const char *const *out_names, ashore_value *const *out_values,
                            struct ashore_error *err) {
    const struct ashore_model *m = s->model;
    int rc = ASHORE_OK;
    if (s->run)
        return ash_model_error(m, ash_fail(err, ASHORE_ERR_STATE, "a run is in progress"), err);
    for (size_t i = 0; rc == ASHORE_OK && i < out_count; i++) {
        size_t at;
        rc = find_name(m->outputs, m->graph->n_outputs, out_names[i], &at, "output", err);
        if (rc == ASHORE_OK && (out_values[i]->kind != ASHORE_TENSOR || !out_values[i]->owned ||
                                out_values[i]->tensor.dtype == ASHORE_STRING))
            rc = ash_fail(err, ASHORE_ERR_ARGUMENT,
                          "output '%s' can only be written to a numeric tensor of its own memory",
                          out_names[i]);
        if (rc == ASHORE_OK &&
            (in_use(out_values[i], in_values, in_count) || in_use(out_values[i], out_values, i)))
            rc =
                ash_fail(err, ASHORE_ERR_ARGUMENT,
                         "output '%s' shares memory with an input or another output", out_names[i]);
        if (rc == ASHORE_OK && s->bind[at])
            rc = ash_fail(err, ASHORE_ERR_ARGUMENT, "output '%s' is given twice", out_names[i]);
        if (rc == ASHORE_OK) s->bind[at] = &out_values[i]->tensor;
    }
    if (rc == ASHORE_OK) rc = run_to_end(s, in_count, in_names, in_values, err);
    ash_session_end(s);
    return ash_model_error(m, rc, err);
}
