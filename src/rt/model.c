#include "rt/model.h"

#include "opt/passes.h"

#include <string.h>

void ashore_model_options_init(struct ashore_model_options *options) {
    memset(options, 0, sizeof *options);
    options->struct_size = sizeof *options;
    options->optimize = 1;
}

int ash_options_take(void *to, size_t size, const void *from, size_t given,
                     struct ashore_error *err) {
    ASH_FAIL_IF(given < sizeof given, err, ARGUMENT, "options without their size: use the _init");
    memcpy(to, from, given < size ? given : size);
    return ASHORE_OK;
}

int ash_model_error(const struct ashore_model *m, int rc, struct ashore_error *err) {
    if (rc < 0) ash_error_prefix(err, "%s: ", m->name);
    return rc;
}

void ashore_model_destroy(ashore_model **model) {
    struct ashore_model *m = *model;
    *model = NULL;
    if (!m) return;
    ash_packs_destroy(&m->packs);
    ash_onnx_model_deinit(&m->onnx);
    ash_arena_deinit(&m->arena);
    ash_mapping_deinit(&m->file);
    struct ash_heap *heap = m->heap;
    ash_free(heap, m, sizeof *m);
    ash_heap_release(heap);
}

/* ---- giving constants back ---- */

static bool within(const void *data, const void *start, size_t size) {
    return (uintptr_t)data - (uintptr_t)start < size;
}

static void count_less(struct ashore_model *m, size_t size) {
    atomic_fetch_sub(&m->file_held, size);
    ash_heap_count(m->heap, 0, size);
}

/* Bytes of its message before the data of a constant.  With them, the packed form fits where the
 * constant has been, though data lies at any address and blocks do not. */
static size_t lead(const struct ash_onnx_model *m, const unsigned char *data) {
    size_t low = 0, high = m->n_spans;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->spans[middle].data < data)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < m->n_spans && m->spans[low].data == data;
    return found ? (size_t)(data - m->spans[low].message) : 0;
}

static enum ash_given give_caller(struct ashore_model *m, const void *data, size_t size,
                                  enum ash_give how) {
    if (!m->give_back || how == ASH_GIVE_READABLE || !atomic_load(&m->gives)) return ASH_GIVEN_NOT;
    size_t more = lead(&m->onnx, data);
    m->give_back(m->give_back_user, (const unsigned char *)data - more, size + more);
    count_less(m, size + more);
    return ASH_GIVEN_AWAY;
}

static enum ash_given give_mapped(struct ashore_model *m, const struct ash_mapping *file,
                                  const void *data, size_t size, enum ash_give how) {
    if (!file->mapped) return ASH_GIVEN_NOT;
    ash_mapping_release(file, data, size);
    if (how != ASH_GIVE_UNUSED) return ASH_GIVEN_BACK;
    count_less(m, size);
    return ASH_GIVEN_AWAY;
}

static enum ash_given give_arena(struct ashore_model *m, const void *data, enum ash_give how) {
    bool given = how != ASH_GIVE_READABLE && ash_arena_release(&m->arena, data);
    return given ? ASH_GIVEN_AWAY : ASH_GIVEN_NOT;
}

static enum ash_given give(void *user, const void *data, size_t size, enum ash_give how) {
    struct ashore_model *m = user;
    /* First: the heap may have made constants of what has been given back. */
    if (m->give_back && ash_arena_owns(&m->arena, data)) return give_arena(m, data, how);
    if (within(data, m->bytes, m->bytes_size))
        return m->file.size ? give_mapped(m, &m->file, data, size, how)
                            : give_caller(m, data, size, how);
    for (const struct ash_onnx_external *e = m->onnx.external; e; e = e->next) {
        if (!within(data, e->data, e->size)) continue;
        return e->mapping.size ? give_mapped(m, &e->mapping, data, size, how)
                               : give_caller(m, data, size, how);
    }
    return give_arena(m, data, how);
}

int ash_model_supported(const struct ash_graph *g, struct ashore_error *err) {
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const struct ash_node *n = g->nodes[i];
        if (!n->op) {
            ash_fail(err, ASHORE_ERR_UNSUPPORTED, "this operator is not supported");
            ash_error_node(err, n);
            return ASHORE_ERR_UNSUPPORTED;
        }
        for (uint32_t k = 0; k < n->n_sub; k++) ASH_TRY(ash_model_supported(n->sub[k].graph, err));
    }
    return ASHORE_OK;
}

/* Numbers the nodes and, with a list, writes them there. */
static uint32_t number_nodes(struct ash_graph *g, uint32_t next, const struct ash_node **list) {
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        g->nodes[i]->id = next++;
        if (list) list[g->nodes[i]->id] = g->nodes[i];
        for (uint32_t k = 0; k < g->nodes[i]->n_sub; k++)
            next = number_nodes(g->nodes[i]->sub[k].graph, next, list);
    }
    return next;
}

/* Rewrites may make another value an output; its name stays. */
static int keep_output_names(struct ashore_model *m, struct ashore_error *err) {
    const struct ash_graph *g = m->graph;
    m->output_names = ash_arena_array(&m->arena, g->n_outputs, sizeof *m->output_names);
    if (!m->output_names) return ash_fail_nomem(err, g->n_outputs * sizeof *m->output_names);
    for (uint32_t i = 0; i < g->n_outputs; i++) m->output_names[i] = g->values[g->outputs[i]].name;
    return ASHORE_OK;
}

static int load(struct ashore_model *m, const struct ash_onnx_source *src,
                const struct ashore_model_options *options, struct ashore_error *err) {
    m->bytes = src->bytes;
    m->bytes_size = src->size;
    ASH_TRY(ash_onnx_read(src, &m->arena, &m->onnx, err));
    atomic_init(&m->file_held, (size_t)m->onnx.file_bytes);
    ash_heap_count(m->heap, (size_t)m->onnx.file_bytes, 0);
    if (m->file.mapped) ash_mapping_release(&m->file, m->file.data, m->file.size);
    m->graph = m->onnx.graph;
    m->syms = m->graph->syms;
    ASH_TRY(ash_graph_resolve(m->graph, err));
    ASH_TRY(keep_output_names(m, err));
    atomic_init(&m->gives, ash_model_supported(m->graph, NULL) == ASHORE_OK);
    struct ash_opt opt = {.graph = m->graph,
                          .arena = &m->arena,
                          .heap = m->heap,
                          .rewrite = options->optimize,
                          .give = give,
                          .give_user = m,
                          .err = err};
    ASH_TRY(ash_opt_run(&opt));
    m->n_nodes = number_nodes(m->graph, 0, NULL);
    m->nodes = ash_arena_array(&m->arena, m->n_nodes, sizeof *m->nodes);
    if (!m->nodes) return ash_fail_nomem(err, m->n_nodes * sizeof *m->nodes);
    number_nodes(m->graph, 0, m->nodes);
    if (m->file.mapped) {
        ash_mapping_release(&m->file, m->file.data, m->file.size);
        count_less(m, (size_t)(m->onnx.file_bytes - m->onnx.in_place));
    }
    ASH_TRY(ash_packs_create(m->heap, give, m, options->dry, &m->packs, err));
    return ash_model_describe_all(m, err);
}

static int model_new(const struct ashore_model_options *options, const char *name,
                     struct ashore_model **out, struct ashore_error *err) {
    struct ash_heap *heap = ash_heap_create(options->realloc, options->realloc_user);
    if (!heap) return ash_fail_nomem(err, sizeof *heap);
    struct ashore_model *m = ash_alloc_zero(heap, sizeof *m);
    if (!m) {
        ash_heap_release(heap);
        return ash_fail_nomem(err, sizeof *m);
    }
    m->heap = heap;
    ash_arena_init(&m->arena, m->heap);
    m->name = ash_arena_text(&m->arena, name, strlen(name));
    if (!m->name) {
        ashore_model_destroy(&m);
        return ash_fail_nomem(err, strlen(name));
    }
    *out = m;
    return ASHORE_OK;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int finish(struct ashore_model *m, int rc, ashore_model **model, struct ashore_error *err) {
    if (rc != ASHORE_OK) {
        ash_model_error(m, rc, err);
        ashore_model_destroy(&m);
        return rc;
    }
    *model = m;
    return ASHORE_OK;
}

int ashore_model_load_memory(const void *bytes, size_t size,
                             const struct ashore_model_options *options, ashore_model **model,
                             struct ashore_error *err) {
    struct ashore_model_options defaults;
    ashore_model_options_init(&defaults);
    if (options)
        ASH_TRY(ash_options_take(&defaults, sizeof defaults, options, options->struct_size, err));
    struct ashore_model *m;
    ASH_TRY(model_new(&defaults, defaults.name ? defaults.name : "model", &m, err));
    m->give_back = defaults.give_back;
    m->give_back_user = defaults.give_back_user;
    struct ash_onnx_source src = {.bytes = bytes,
                                  .size = size,
                                  .data_dir = defaults.data_dir,
                                  .external = defaults.external,
                                  .external_user = defaults.external_user};
    return finish(m, load(m, &src, &defaults, err), model, err);
}

int ashore_model_load_file(const char *path, const struct ashore_model_options *options,
                           ashore_model **model, struct ashore_error *err) {
    struct ashore_model_options defaults;
    ashore_model_options_init(&defaults);
    if (options)
        ASH_TRY(ash_options_take(&defaults, sizeof defaults, options, options->struct_size, err));
    struct ashore_model *m;
    ASH_TRY(model_new(&defaults, defaults.name ? defaults.name : base_name(path), &m, err));
    int rc = ash_mapping_init(&m->file, m->heap, path, err); /* its message names the path */
    if (rc != ASHORE_OK) {
        ashore_model_destroy(&m);
        return rc;
    }
    const char *slash = strrchr(path, '/');
    const char *dir = slash ? ash_arena_text(&m->arena, path, (size_t)(slash - path) + 1) : ".";
    if (!dir) rc = ash_fail_nomem(err, strlen(path));
    if (dir) {
        struct ash_onnx_source src = {.bytes = m->file.data,
                                      .size = m->file.size,
                                      .data_dir = defaults.data_dir ? defaults.data_dir : dir,
                                      .external = defaults.external,
                                      .external_user = defaults.external_user};
        rc = load(m, &src, &defaults, err);
    }
    return finish(m, rc, model, err);
}
