/* ashore inspect: what a model is and needs, without running it. */
#include "cli.h"
#include "cli_dims.h"
#include "cli_json.h"

#include <stdlib.h>
#include <string.h>

/* What there is to say about memory: figures, or why there are none. */
struct prediction {
    bool known;
    struct ashore_memory memory;
    const char *why;
    struct cli_list missing; /* dimensions to be given */
};

static int64_t *input_shape(struct cli *cli, const struct cli_dims *dims,
                            const struct ashore_value_info *info) {
    int64_t *shape = cli_alloc(cli, (size_t)(info->rank > 0 ? info->rank : 1) * sizeof *shape);
    for (int axis = 0; axis < info->rank; axis++) shape[axis] = cli_dims_extent(dims, info, axis);
    return shape;
}

static void predict(struct cli *cli, ashore_model *model, const struct cli_dims *dims,
                    struct prediction *p) {
    size_t count = ashore_model_input_count(model);
    const int64_t **shapes = cli_alloc(cli, (count + 1) * sizeof *shapes);
    for (size_t i = 0; i < count; i++) {
        const struct ashore_value_info *info = ashore_model_input(model, i);
        if (info->kind != ASHORE_TENSOR || info->rank < 0) {
            p->why = cli_format(cli, "input '%s' has no known shape", cli_clean(cli, info->name));
            return;
        }
        shapes[i] = input_shape(cli, dims, info);
    }
    cli_dims_missing(cli, model, dims, &p->missing);
    if (p->missing.count) {
        p->why = cli_format(cli, "needs --dim for %s", cli_list_text(cli, &p->missing));
        return;
    }
    struct ashore_error err = {0};
    ashore_session *session = NULL;
    int rc = cli_open_session(cli, model, 1, false, &session, &err);
    if (rc == ASHORE_OK) rc = ashore_session_predict(session, shapes, &p->memory, &err);
    ashore_session_destroy(&session);
    p->known = rc == ASHORE_OK;
    if (rc) p->why = cli_format(cli, "%s", cli_clean(cli, err.text));
}

/* By falling count, then by name. */
static int compare_ops(const void *pa, const void *pb) {
    const struct ashore_op_count *a = *(const struct ashore_op_count *const *)pa;
    const struct ashore_op_count *b = *(const struct ashore_op_count *const *)pb;
    if (a->count != b->count) return a->count < b->count ? 1 : -1;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->domain, b->domain);
}

static const struct ashore_op_count **sorted_ops(struct cli *cli, const ashore_model *model,
                                                 size_t *count) {
    *count = ashore_model_op_kinds(model);
    const struct ashore_op_count **ops = cli_alloc(cli, (*count + 1) * sizeof *ops);
    for (size_t i = 0; i < *count; i++) ops[i] = ashore_model_op(model, i);
    if (*count) qsort(ops, *count, sizeof *ops, compare_ops);
    return ops;
}

static const char *op_name(struct cli *cli, const struct ashore_op_count *op) {
    const char *name = cli_clean(cli, op->name);
    if (!op->domain[0]) return name;
    return cli_format(cli, "%s.%s", cli_clean(cli, op->domain), name);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void print_values(struct cli *cli, const ashore_model *model, bool outputs) {
    size_t count = outputs ? ashore_model_output_count(model) : ashore_model_input_count(model);
    printf("\n%s:%s\n", outputs ? "outputs" : "inputs", count ? "" : " none");
    for (size_t i = 0; i < count; i++) {
        const struct ashore_value_info *info =
            outputs ? ashore_model_output(model, i) : ashore_model_input(model, i);
        printf("  %-24s  %s\n", cli_clean(cli, info->name), cli_clean(cli, info->type_text));
    }
}

static void print_ops(struct cli *cli, const ashore_model *model) {
    size_t count, nodes = 0, bad = 0;
    const struct ashore_op_count **ops = sorted_ops(cli, model, &count);
    for (size_t i = 0; i < count; i++) {
        nodes += ops[i]->count;
        bad += !ops[i]->supported;
    }
    printf("\noperators: %zu node%s of %zu kind%s, ", nodes, nodes == 1 ? "" : "s", count,
           count == 1 ? "" : "s");
    if (bad) {
        printf("%zu kind%s not supported\n", bad, bad == 1 ? "" : "s");
    } else {
        printf("all supported\n");
    }
    for (size_t i = 0; i < count; i++) {
        printf("  %-24s  %6zu", op_name(cli, ops[i]), ops[i]->count);
        if (!ops[i]->supported) {
            printf("   not supported, first at node '%s'", cli_clean(cli, ops[i]->first_node));
        }
        putchar('\n');
    }
}

static void print_weights(struct cli *cli, const ashore_model *model) {
    printf("\nweights:\n");
    bool any = false;
    for (int dtype = 1; dtype < ASHORE_DTYPE_COUNT; dtype++) {
        uint64_t bytes = 0;
        size_t elements = ashore_model_weights(model, dtype, &bytes);
        if (!elements) continue;
        any = true;
        printf("  %-24s  %zu element%s, %s\n", ashore_dtype_name(dtype), elements,
               elements == 1 ? "" : "s", cli_bytes_text(cli, bytes));
    }
    if (!any) printf("  none\n");
}

static void print_memory(struct cli *cli, const struct prediction *p) {
    if (!p->known) {
        printf("\npeak memory: not predicted: %s\n", p->why);
        return;
    }
    const struct ashore_memory *m = &p->memory;
    printf("\npeak memory: %s%s\n", m->exact ? "" : "at least ", cli_bytes_text(cli, m->total));
    printf("  %-24s  %s\n", "model as loaded", cli_bytes_text(cli, m->weights));
    printf("  %-24s  %s\n", "packed weights", cli_bytes_text(cli, m->packed));
    printf("  %-24s  %s\n", "intermediate values", cli_bytes_text(cli, m->slab));
    if (!m->exact)
        printf("  shapes inside of the model depend on data: these figures are a floor\n");
}

static int print_text(struct cli *cli, const ashore_model *model, const struct prediction *p) {
    struct ashore_model_info info;
    ashore_model_describe(model, &info);
    printf("%s: %s, IR version %lld", cli_clean(cli, cli->options.operands.items[0]),
           cli_bytes_text(cli, info.file_bytes), (long long)info.ir_version);
    if (info.producer && info.producer[0]) printf(", made by %s", cli_clean(cli, info.producer));
    printf("\noperator sets:");
    for (size_t i = 0; i < ashore_model_opset_count(model); i++) {
        int64_t version;
        const char *domain = ashore_model_opset(model, i, &version);
        printf("%s %s %lld", i ? "," : "", domain[0] ? cli_clean(cli, domain) : "ai.onnx",
               (long long)version);
    }
    putchar('\n');
    print_values(cli, model, false);
    print_values(cli, model, true);
    print_ops(cli, model);
    print_weights(cli, model);
    print_memory(cli, p);
    return CLI_OK;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *json_values(const ashore_model *model, bool outputs) {
    static const char *const kinds[] = {"tensor", "sequence", "optional", "map"};
    json_t *list = json_array();
    size_t count = outputs ? ashore_model_output_count(model) : ashore_model_input_count(model);
    for (size_t i = 0; i < count; i++) {
        const struct ashore_value_info *info =
            outputs ? ashore_model_output(model, i) : ashore_model_input(model, i);
        json_t *item = json_object(), *shape = info->rank < 0 ? json_null() : json_array();
        for (int axis = 0; axis < info->rank; axis++) {
            const struct ashore_dim *d = &info->shape[axis];
            json_array_append_new(shape, d->extent >= 0 ? json_integer(d->extent)
                                                        : cli_json_text(d->text));
        }
        json_object_set_new(item, "name", cli_json_text(info->name));
        json_object_set_new(item, "type", cli_json_text(info->type_text));
        json_object_set_new(item, "kind",
                            json_string(info->kind >= 0 && info->kind <= ASHORE_MAP
                                            ? kinds[info->kind]
                                            : "unknown"));
        json_object_set_new(item, "dtype", json_string(ashore_dtype_name(info->dtype)));
        json_object_set_new(item, "shape", shape);
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *json_ops(struct cli *cli, const ashore_model *model) {
    size_t count;
    const struct ashore_op_count **ops = sorted_ops(cli, model, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        json_object_set_new(item, "domain", cli_json_text(ops[i]->domain));
        json_object_set_new(item, "name", cli_json_text(ops[i]->name));
        json_object_set_new(item, "count", cli_json_count(ops[i]->count));
        json_object_set_new(item, "supported", json_boolean(ops[i]->supported));
        json_object_set_new(item, "first_node", cli_json_text(ops[i]->first_node));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *json_weights(const ashore_model *model) {
    json_t *object = json_object();
    for (int dtype = 1; dtype < ASHORE_DTYPE_COUNT; dtype++) {
        uint64_t bytes = 0;
        size_t elements = ashore_model_weights(model, dtype, &bytes);
        if (!elements) continue;
        json_t *row = json_object();
        json_object_set_new(row, "elements", cli_json_count(elements));
        json_object_set_new(row, "bytes", cli_json_count(bytes));
        json_object_set_new(object, ashore_dtype_name(dtype), row);
    }
    return object;
}

static json_t *json_prediction(const struct prediction *p) {
    json_t *object = json_object();
    if (p->known) {
        json_object_set_new(object, "total", cli_json_count(p->memory.total));
        json_object_set_new(object, "weights", cli_json_count(p->memory.weights));
        json_object_set_new(object, "packed", cli_json_count(p->memory.packed));
        json_object_set_new(object, "slab", cli_json_count(p->memory.slab));
        json_object_set_new(object, "exact", json_boolean(p->memory.exact));
        return object;
    }
    json_t *missing = json_array();
    for (size_t i = 0; i < p->missing.count; i++) {
        json_array_append_new(missing, cli_json_text(p->missing.items[i]));
    }
    json_object_set_new(object, "not_predicted", cli_json_text(p->why));
    json_object_set_new(object, "missing_dims", missing);
    return object;
}

static int print_json(struct cli *cli, const ashore_model *model, const struct prediction *p) {
    struct ashore_model_info info;
    ashore_model_describe(model, &info);
    json_t *object = json_object(), *opsets = json_object();
    bool supported = true;
    for (size_t i = 0; i < ashore_model_op_kinds(model); i++) {
        supported = supported && ashore_model_op(model, i)->supported;
    }
    for (size_t i = 0; i < ashore_model_opset_count(model); i++) {
        int64_t version;
        const char *domain = ashore_model_opset(model, i, &version);
        const char *key = domain[0] ? cli_clean(cli, domain) : "ai.onnx";
        json_object_set_new(opsets, key, json_integer(version));
    }
    json_object_set_new(object, "model", cli_json_text(cli->options.operands.items[0]));
    json_object_set_new(object, "bytes", cli_json_count(info.file_bytes));
    json_object_set_new(object, "ir_version", json_integer(info.ir_version));
    json_object_set_new(object, "producer", cli_json_text(info.producer));
    json_object_set_new(object, "opsets", opsets);
    json_object_set_new(object, "inputs", json_values(model, false));
    json_object_set_new(object, "outputs", json_values(model, true));
    json_object_set_new(object, "supported", json_boolean(supported));
    json_object_set_new(object, "operators", json_ops(cli, model));
    json_object_set_new(object, "weights", json_weights(model));
    json_object_set_new(object, "memory", json_prediction(p));
    return cli_json_print(cli, object, CLI_OK);
}

static int inspect(struct cli *cli) {
    ashore_model *model = NULL;
    int rc = cli_load_model(cli, cli->options.operands.items[0], &model);
    if (rc) return rc;
    struct cli_dims dims;
    struct prediction p = {0};
    rc = cli_dims_parse(cli, model, &dims);
    if (rc == CLI_OK) {
        predict(cli, model, &dims, &p);
        rc = cli->options.json ? print_json(cli, model, &p) : print_text(cli, model, &p);
    }
    ashore_model_destroy(&model);
    return rc;
}

const struct cli_command cli_inspect = {
    .name = "inspect",
    .bit = CLI_INSPECT,
    .group = "Measure",
    .usage = "[options] MODEL",
    .summary = "what a model is and needs: inputs, operators, weights, memory",
    .details =
        "Reads an ONNX model and says what it is: operator sets, inputs and outputs with their\n"
        "shapes, operators with counts, those that are not supported and where they are,\n"
        "weights by type, and the peak memory of a run, predicted without running it.\n"
        "The prediction needs an extent for every symbolic dimension of the inputs (--dim).\n"
        "A model with unsupported operators can be inspected; the exit code is still 0.\n",
    .examples = "  ashore inspect model.onnx\n"
                "  ashore inspect model.onnx --dim N=1 --dim W=320\n"
                "  ashore inspect model.onnx --json\n",
    .least = 1,
    .most = 1,
    .run = inspect,
};
