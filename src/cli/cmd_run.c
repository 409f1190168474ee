/* ashore run: a model on tensors from files. */
#include "cli.h"
#include "cli_dims.h"
#include "cli_element.h"
#include "cli_file.h"
#include "cli_json.h"
#include "cli_tensor_file.h"

#include <string.h>

/* Everything that a run holds. */
struct job {
    ashore_model *model;
    ashore_session *session;
    size_t in_count, out_count;
    const char **in_names, **out_names;
    const char **in_files;
    ashore_value **in_values, **out_values;
    struct cli_list taken; /* names of files written so far */
    double seconds;
};

static const char *input_names(struct cli *cli, const ashore_model *model) {
    struct cli_list list = {0};
    for (size_t i = 0; i < ashore_model_input_count(model); i++) {
        cli_list_add(cli, &list, ashore_model_input(model, i)->name);
    }
    return cli_list_text(cli, &list);
}

/* Splits NAME=FILE, names may hold '=' as well; the name may be missing when there is one input. */
static int split_input(struct cli *cli, const ashore_model *model, const char *text, size_t *input,
                       const char **file) {
    size_t count = ashore_model_input_count(model), longest = 0;
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        const char *name = ashore_model_input(model, i)->name;
        size_t n = strlen(name);
        if (strncmp(text, name, n) != 0 || text[n] != '=' || (found && n < longest)) continue;
        found = true;
        longest = n;
        *input = i;
    }
    if (found) {
        *file = text + longest + 1;
        return CLI_OK;
    }
    const char *equals = strchr(text, '=');
    if (count == 1 && (!equals || cli_is_file(text))) {
        *input = 0;
        *file = text;
        return CLI_OK;
    }
    if (count == 0) return cli_give_up(cli, CLI_USAGE, "-i: the model has no inputs");
    if (!equals) {
        return cli_give_up(cli, CLI_USAGE,
                           "-i %s: which input? The model has %zu: %s; write NAME=FILE",
                           cli_clean(cli, text), count, input_names(cli, model));
    }
    return cli_give_up(cli, CLI_USAGE, "-i %s: the model has no such input; it has: %s",
                       cli_clean(cli, text), input_names(cli, model));
}

/* The usual mistakes, said in the words of the command line; the engine checks everything. */
static int check_input(struct cli *cli, const struct ashore_value_info *info, const char *file,
                       const ashore_value *value) {
    char got[200];
    cli_value_text(value, got, sizeof got);
    bool fits = ashore_value_kind(value) == info->kind;
    if (fits && info->kind == ASHORE_TENSOR) {
        fits = info->dtype == ASHORE_UNDEFINED || ashore_value_dtype(value) == info->dtype;
        if (info->rank >= 0) fits = fits && ashore_value_rank(value) == info->rank;
        for (int i = 0; fits && i < info->rank; i++) {
            int64_t want = info->shape[i].extent;
            fits = want < 0 || want == ashore_value_shape(value)[i];
        }
    }
    if (fits) return CLI_OK;
    return cli_give_up(cli, CLI_INPUT, "input '%s' is %s, but %s holds %s",
                       cli_clean(cli, info->name), cli_clean(cli, info->type_text),
                       cli_clean(cli, file), got);
}

static int check_dims(struct cli *cli, const struct job *job, const struct cli_dims *dims, size_t k,
                      const struct ashore_value_info *info) {
    if (info->kind != ASHORE_TENSOR) return CLI_OK;
    const int64_t *shape = ashore_value_shape(job->in_values[k]);
    for (int axis = 0; axis < info->rank; axis++) {
        int64_t want = cli_dims_extent(dims, info, axis);
        if (want < 0 || want == shape[axis]) continue;
        return cli_give_up(
            cli, CLI_INPUT, "%s: dimension %s of input '%s' is %lld, but --dim says %lld",
            cli_clean(cli, job->in_files[k]), cli_clean(cli, cli_dims_name(cli, info, axis)),
            cli_clean(cli, info->name), (long long)shape[axis], (long long)want);
    }
    return CLI_OK;
}

static int read_inputs(struct cli *cli, struct job *job, const struct cli_dims *dims) {
    const struct cli_list *given = &cli->options.inputs;
    job->in_names = cli_alloc(cli, (given->count + 1) * sizeof *job->in_names);
    job->in_files = cli_alloc(cli, (given->count + 1) * sizeof *job->in_files);
    job->in_values = cli_alloc(cli, (given->count + 1) * sizeof *job->in_values);
    for (size_t k = 0; k < given->count; k++) {
        size_t input = 0;
        const char *file = NULL;
        int rc = split_input(cli, job->model, given->items[k], &input, &file);
        if (rc) return rc;
        const struct ashore_value_info *info = ashore_model_input(job->model, input);
        for (size_t i = 0; i < k; i++) {
            if (strcmp(job->in_names[i], info->name) != 0) continue;
            return cli_give_up(cli, CLI_USAGE, "input '%s' is given twice",
                               cli_clean(cli, info->name));
        }
        struct ashore_error err = {0};
        job->in_names[k] = info->name;
        job->in_files[k] = file;
        if (cli_tensor_read(file, info->kind, info->dtype, &job->in_values[k], &err)) {
            return cli_report(cli, &err);
        }
        job->in_count = k + 1;
        rc = check_input(cli, info, file, job->in_values[k]);
        if (rc == CLI_OK) rc = check_dims(cli, job, dims, k, info);
        if (rc) return rc;
    }
    return CLI_OK;
}

/* "'x' float32[N,3], 'h' float32[2,N,64]", empty when every input was given. */
static const char *missing_inputs(struct cli *cli, const struct job *job) {
    const char *text = "";
    for (size_t i = 0; i < ashore_model_input_count(job->model); i++) {
        const struct ashore_value_info *info = ashore_model_input(job->model, i);
        size_t k = 0;
        while (k < job->in_count && strcmp(job->in_names[k], info->name) != 0) k++;
        if (k < job->in_count) continue;
        text = cli_format(cli, "%s%s'%s' %s", text, *text ? ", " : "", cli_clean(cli, info->name),
                          cli_clean(cli, info->type_text));
    }
    return text;
}

static int execute(struct cli *cli, struct job *job) {
    struct ashore_error err = {0};
    job->out_count = ashore_model_output_count(job->model);
    job->out_names = cli_alloc(cli, (job->out_count + 1) * sizeof *job->out_names);
    job->out_values = cli_alloc(cli, (job->out_count + 1) * sizeof *job->out_values);
    for (size_t i = 0; i < job->out_count; i++) {
        job->out_names[i] = ashore_model_output(job->model, i)->name;
    }
    if (cli_open_session(cli, job->model, 0, false, &job->session, &err)) {
        return cli_report(cli, &err);
    }
    double start = cli_now();
    int rc = ashore_session_run(job->session, job->in_count, job->in_names, job->in_values,
                                job->out_count, job->out_names, job->out_values, &err);
    job->seconds = cli_now() - start;
    if (rc == ASHORE_OK) return CLI_OK;
    /* The engine knows which inputs have defaults; it stops at the first that is missing. */
    const char *missing = missing_inputs(cli, job);
    if (rc == ASHORE_ERR_NAME && *missing) {
        return cli_give_up(cli, CLI_USAGE, "missing input: %s (give it with -i NAME=FILE)",
                           missing);
    }
    return cli_report(cli, &err);
}

/* ---- outputs -------------------------------------------------------------------------------- */

/* A file name that no other output of this run has. */
static const char *output_path(struct cli *cli, struct job *job, const char *name, size_t number) {
    const char *safe = cli_safe_name(cli, name, cli_format(cli, "output_%zu", number));
    const char *unique = safe;
    for (size_t i = 0, copy = 2; i < job->taken.count; i++) {
        if (strcmp(job->taken.items[i], unique) != 0) continue;
        unique = cli_format(cli, "%s_%zu", safe, copy++);
        i = (size_t)-1; /* from the beginning with the new name */
    }
    cli_list_add(cli, &job->taken, unique);
    return cli_format(cli, "%s/%s.npy", cli->options.out, unique);
}

/* Min, max, mean and the first elements; for strings the first elements. */
static void print_summary(struct cli *cli, const ashore_value *value) {
    size_t count = ashore_value_elements(value);
    if (ashore_value_dtype(value) != ASHORE_STRING && count > 0) {
        struct cli_summary s;
        cli_value_summary(value, &s);
        if (s.finite) printf("  min %.7g, max %.7g, mean %.7g", s.least, s.greatest, s.mean);
        if (s.nan) printf("%s%zu NaN", s.finite ? ", " : "  ", s.nan);
        if (s.infinite) printf("%s%zu infinite", s.finite || s.nan ? ", " : "  ", s.infinite);
    }
    printf("\n");
    if (count == 0 || cli->options.out) return;
    printf("   ");
    for (size_t i = 0; i < count && i < 8; i++) {
        char text[80];
        cli_element_text(value, i, text, sizeof text);
        printf(" %s", text);
    }
    printf("%s\n", count > 8 ? " ..." : "");
}

static json_t *json_output(const char *name, const ashore_value *value, const char *file) {
    json_t *object = cli_json_value(value);
    json_object_set_new(object, "name", cli_json_text(name));
    json_object_set_new(object, "file", cli_json_text(file));
    if (ashore_value_kind(value) != ASHORE_TENSOR) return object;
    if (ashore_value_dtype(value) == ASHORE_STRING) return object;
    struct cli_summary s;
    cli_value_summary(value, &s);
    bool any = s.finite > 0;
    json_object_set_new(object, "min", any ? cli_json_real(s.least) : json_null());
    json_object_set_new(object, "max", any ? cli_json_real(s.greatest) : json_null());
    json_object_set_new(object, "mean", any ? cli_json_real(s.mean) : json_null());
    json_object_set_new(object, "nan", cli_json_count(s.nan));
    json_object_set_new(object, "infinite", cli_json_count(s.infinite));
    return object;
}

/* One tensor: written with -o, told about in any case. */
static int give_tensor(struct cli *cli, struct job *job, const char *name, size_t number,
                       const ashore_value *value, json_t *list) {
    const char *path = NULL;
    if (cli->options.out) {
        struct ashore_error err = {0};
        path = output_path(cli, job, name, number);
        if (cli_tensor_write(cli, path, value, &err)) return cli_report_output(cli, &err);
    }
    if (list) {
        json_array_append_new(list, json_output(name, value, path));
        return CLI_OK;
    }
    char type[200];
    cli_value_text(value, type, sizeof type);
    if (path)
        printf("%s  ", cli_clean(cli, path));
    else
        printf("%s  ", cli_clean(cli, name));
    printf("%s", type);
    print_summary(cli, value);
    return CLI_OK;
}

/* "    'a': 0.25, 'b': 0.75", the first entries of a map. */
static void print_entries(const ashore_value *map) {
    const ashore_value *keys = ashore_value_item(map, 0), *values = ashore_value_item(map, 1);
    size_t count = ashore_value_elements(keys);
    bool numbers = ashore_value_kind(values) == ASHORE_TENSOR;
    if (count == 0) return;
    printf("   ");
    for (size_t i = 0; i < count && i < 8; i++) {
        char key[80], text[200];
        cli_element_text(keys, i, key, sizeof key);
        if (numbers)
            cli_element_text(values, i, text, sizeof text);
        else
            cli_value_text(ashore_value_item(values, i), text, sizeof text);
        printf("%s %s: %s", i ? "," : "", key, text);
    }
    printf("%s\n", count > 8 ? ", ..." : "");
}

/* Items of sequences and optionals go to NAME_0, NAME_1, ..., those of maps to NAME_keys and
 * NAME_values. */
static int give_value(struct cli *cli, struct job *job, const char *name, size_t number,
                      const ashore_value *value, json_t *list) {
    int kind = ashore_value_kind(value);
    if (kind == ASHORE_TENSOR) return give_tensor(cli, job, name, number, value, list);
    bool map = kind == ASHORE_MAP;
    size_t count = ashore_value_count(value);
    if (list) {
        json_array_append_new(list, json_output(name, value, NULL));
    } else {
        char type[200];
        cli_value_text(value, type, sizeof type);
        printf("%s  %s\n", cli_clean(cli, name), type);
        if (map && !cli->options.out) print_entries(value);
    }
    for (size_t i = 0; i < count && (!map || cli->options.out); i++) {
        const char *item = map ? cli_format(cli, "%s_%s", name, i ? "values" : "keys")
                               : cli_format(cli, "%s_%zu", name, i);
        int rc = give_value(cli, job, item, number, ashore_value_item(value, i), list);
        if (rc) return rc;
    }
    return CLI_OK;
}

static int give_outputs(struct cli *cli, struct job *job) {
    struct ashore_error err = {0};
    if (cli->options.out && cli_make_dir(cli, cli->options.out, &err)) {
        return cli_report_output(cli, &err);
    }
    json_t *list = cli->options.json ? json_array() : NULL;
    int rc = CLI_OK;
    for (size_t i = 0; i < job->out_count && rc == CLI_OK; i++) {
        rc = give_value(cli, job, job->out_names[i], i, job->out_values[i], list);
    }
    if (!list) return rc;
    json_t *object = json_object();
    json_object_set_new(object, "model", cli_json_text(cli->options.operands.items[0]));
    json_object_set_new(object, "seconds", cli_json_real(job->seconds));
    json_object_set_new(object, "threads", json_integer(ashore_session_threads(job->session)));
    json_object_set_new(object, "outputs", list);
    if (rc == CLI_OK) return cli_json_print(cli, object, rc);
    json_decref(object);
    return rc;
}

static int run(struct cli *cli) {
    struct job job = {0};
    int rc = cli_load_model(cli, cli->options.operands.items[0], &job.model);
    if (rc) return rc;
    struct cli_dims dims;
    rc = cli_dims_parse(cli, job.model, &dims);
    if (rc == CLI_OK) rc = read_inputs(cli, &job, &dims);
    if (rc == CLI_OK) rc = execute(cli, &job);
    if (rc == CLI_OK) rc = give_outputs(cli, &job);
    for (size_t i = 0; i < job.in_count; i++) ashore_value_release(&job.in_values[i]);
    for (size_t i = 0; i < job.out_count; i++) ashore_value_release(&job.out_values[i]);
    ashore_session_destroy(&job.session);
    ashore_model_destroy(&job.model);
    return rc;
}

const struct cli_command cli_run = {
    .name = "run",
    .bit = CLI_RUN,
    .group = "Verify",
    .usage = "[options] MODEL -i NAME=FILE...",
    .summary = "run a model on tensors from files",
    .details =
        "Runs a model once. Inputs are .npy files or ONNX TensorProto files (.pb); which one a\n"
        "file is, its content says. Every input that the model has no value for must be given.\n"
        "With -o each output is written to DIR/NAME.npy, whole or not at all; characters of a\n"
        "name that do not belong into a file name become '_', items of a sequence become\n"
        "NAME_0.npy, NAME_1.npy and so on, a map becomes NAME_keys.npy and NAME_values.npy, and\n"
        "types that NumPy does not have (bfloat16, float8, 2 and 4 bit integers) are widened to\n"
        "float32, int8 or uint8.\n"
        "Without -o the outputs' types, ranges and first elements are printed.\n",
    .examples = "  ashore run model.onnx -i picture.npy\n"
                "  ashore run model.onnx -i x=picture.npy -i sizes=sizes.pb -o out\n"
                "  ashore run model.onnx -i picture.npy --json\n",
    .least = 1,
    .most = 1,
    .run = run,
};
