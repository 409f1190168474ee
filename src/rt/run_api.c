/* A run in slices, and what a session tells: memory and times. */
#include "rt/session.h"

#include "base/error.h"
#include "base/pool.h"

#include <string.h>

struct ashore_run {
    struct ashore_session *session;
    int rc; /* of the last advance */
    _Atomic uint32_t own;
    _Atomic uint32_t *cancel; /* own, or a word of the caller's */
};

int ashore_run_create(ashore_session *session, size_t in_count, const char *const *in_names,
                      ashore_value *const *in_values, ashore_run **run, struct ashore_error *err) {
    struct ashore_model *m = session->model;
    if (session->run)
        return ash_model_error(m, ash_fail(err, ASHORE_ERR_STATE, "a run is in progress"), err);
    struct ashore_run *r = ash_alloc_zero(m->heap, sizeof *r);
    if (!r) return ash_fail_nomem(err, sizeof *r);
    r->cancel = &r->own;
    session->exec.cancel = r->cancel;
    int rc = ash_session_begin(session, in_count, in_names, in_values, err);
    if (rc != ASHORE_OK) {
        ash_session_end(session);
        ash_free(m->heap, r, sizeof *r);
        return ash_model_error(m, rc, err);
    }
    r->session = session;
    r->rc = ASHORE_PENDING;
    session->run = r;
    *run = r;
    return ASHORE_OK;
}

void ashore_run_cancel(ashore_run *run) { atomic_store(run->cancel, 1); }

void ashore_run_watch(ashore_run *run, uint32_t *word) {
    run->cancel = (_Atomic uint32_t *)word;
    run->session->exec.cancel = run->cancel;
    ash_pool_watch(run->session->pool, run->cancel);
}

int ashore_run_advance(ashore_run *run, size_t max_steps, struct ashore_error *err) {
    if (run->rc != ASHORE_PENDING) return ash_fail(err, ASHORE_ERR_STATE, "the run is at its end");
    run->rc = ash_exec_advance(&run->session->exec, max_steps, err);
    return ash_model_error(run->session->model, run->rc, err);
}

void ashore_run_progress(const ashore_run *run, size_t *done, size_t *known) {
    const struct ash_exec *x = &run->session->exec;
    *done = x->steps_done;
    *known = x->steps_known;
}

int ashore_run_output(ashore_run *run, size_t i, ashore_value **value, struct ashore_error *err) {
    struct ash_exec *x = &run->session->exec;
    ASH_FAIL_IF(run->rc != ASHORE_OK, err, STATE, "the run is not done");
    ASH_FAIL_IF(i >= x->n_out, err, INDEX, "there is no output %zu", i);
    *value = ash_value_retain(x->out[i]);
    return ASHORE_OK;
}

void ashore_run_destroy(ashore_run **run) {
    struct ashore_run *r = *run;
    *run = NULL;
    if (!r) return;
    ash_session_end(r->session);
    r->session->run = NULL;
    ash_free(r->session->model->heap, r, sizeof *r);
}

/* ---- memory ---- */

/* Bytes of the outputs whose extents are known. */
static uint64_t output_bytes(const struct ash_plan *plan) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < plan->n_outputs; i++) {
        if (plan->outputs[i] != ASH_NONE) bytes += plan->places[plan->outputs[i]].room;
    }
    return bytes;
}

int ashore_session_predict(ashore_session *s, const int64_t *const *shape,
                           struct ashore_memory *memory, struct ashore_error *err) {
    struct ashore_model *m = s->model;
    if (s->run)
        return ash_model_error(m, ash_fail(err, ASHORE_ERR_STATE, "a run is in progress"), err);
    for (uint32_t i = 0; i < m->graph->n_inputs; i++) {
        struct ash_tensor *t = &s->args[i].tensor;
        memset(&s->args[i], 0, sizeof s->args[i]);
        if (m->inputs[i].kind != ASHORE_TENSOR) continue;
        t->dtype = m->inputs[i].dtype;
        t->rank = m->inputs[i].rank;
        if (t->rank < 0)
            return ash_fail(err, ASHORE_ERR_SHAPE, "%s: the rank of input '%s' is not known",
                            m->name, m->inputs[i].name);
        for (int k = 0; k < t->rank; k++) t->dim[k] = shape[i][k];
        int rc = ash_shape_check(t->dtype, t->rank, t->dim, NULL, NULL, err);
        if (rc != ASHORE_OK) return ash_model_error(m, rc, err);
    }
    struct ash_plan *plan;
    int rc = ash_session_plan(s, &plan, err);
    if (rc != ASHORE_OK) return ash_model_error(m, rc, err);
    memory->weights = ash_model_bytes(m);
    memory->packed = ash_packs_bytes(m->packs);
    memory->slab = plan->segments[0].slab;
    memory->outputs = output_bytes(plan);
    memory->total = memory->weights + memory->packed + memory->slab + memory->outputs;
    /* Loading and packing are over, and may have taken more than a run does. */
    uint64_t peak = atomic_load(&m->heap->peak);
    if (memory->total < peak) memory->total = peak;
    memory->exact = ash_plan_static(plan);
    return ASHORE_OK;
}

int ashore_session_operand(const ashore_session *s, size_t i, size_t k,
                           struct ashore_operand *operand) {
    const struct ash_plan *plan = NULL;
    for (int n = 0; n < ASH_PLANS_KEPT; n++)
        if (s->plans[n].plan && s->plans[n].used == s->clock) plan = s->plans[n].plan;
    uint32_t part = 0;
    while (plan && part < plan->n_segments && i >= plan->segments[part].n_steps)
        i -= plan->segments[part++].n_steps;
    if (!plan || part == plan->n_segments) return 18;
    const struct ash_step *step = &plan->segments[part].steps[i];
    operand->op = step->node->op_type;
    operand->inputs = (int32_t)step->n_in;
    if (k >= step->n_in + step->n_out) return 17;
    uint32_t place = k < step->n_in ? step->in[k] : step->out[k - step->n_in];
    if (place == ASH_NONE) return 16;
    const struct ash_type *type = &plan->places[place].info.type;
    if (type->kind != ASHORE_TENSOR || type->rank < 0) return 16;
    for (int n = 0; n < type->rank; n++)
        operand->dim[n] = type->dim[n].kind == ASH_DIM_EXACT ? type->dim[n].value : -1;
    return type->rank;
}

void ashore_session_memory(const ashore_session *s, struct ashore_memory *memory) {
    struct ashore_model *m = s->model;
    memory->weights = ash_model_bytes(m);
    memory->packed = ash_packs_bytes(m->packs);
    memory->slab = s->exec.slab.size;
    memory->outputs = 0;
    memory->total = atomic_load(&m->heap->peak);
    memory->exact = 1;
}

/* ---- times ---- */

/* The id of the i-th node with a profile, or n_nodes. */
static uint32_t profiled(const struct ashore_session *s, size_t i) {
    uint32_t id = 0;
    for (; s->exec.stats && id < s->model->n_nodes; id++) {
        if (s->exec.stats[id].runs && i-- == 0) return id;
    }
    return s->model->n_nodes;
}

size_t ashore_session_steps(const ashore_session *s) {
    size_t n = 0;
    for (uint32_t id = 0; s->exec.stats && id < s->model->n_nodes; id++)
        n += s->exec.stats[id].runs != 0;
    return n;
}

int ashore_session_step(const ashore_session *s, size_t i, struct ashore_step_info *info) {
    uint32_t id = profiled(s, i);
    if (id == s->model->n_nodes) return ASHORE_ERR_INDEX;
    const struct ash_node *node = s->model->nodes[id];
    struct ash_stat *stat = &s->exec.stats[id];
    ash_type_text(NULL, &stat->type, stat->shape, sizeof stat->shape);
    *info = (struct ashore_step_info){.node = node->name,
                                      .op = node->label ? node->label : node->op_type,
                                      .kernel = stat->kernel,
                                      .shape = stat->shape,
                                      .seconds = stat->seconds,
                                      .runs = stat->runs};
    return ASHORE_OK;
}
