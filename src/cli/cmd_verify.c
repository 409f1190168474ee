/* ashore verify: a model's answers against those that are stored beside it. */
#include "cli.h"
#include "cli_element.h"
#include "cli_file.h"
#include "cli_json.h"
#include "cli_tensor_file.h"

#include <math.h>
#include <string.h>

enum { CASE_DEPTH = 8 }; /* folders below the one that was named */

enum outcome { PASSED, FAILED, SKIPPED };

struct suite {
    struct cli *cli;
    struct cli_tolerance tolerance;
    size_t count[3]; /* by outcome */
    json_t *cases;   /* with --json */
};

/* One folder with a model.onnx. */
struct test_case {
    const char *dir;
    ashore_model *model;
    ashore_session *session;
    enum outcome outcome;
    const char *reason;
    double max_abs, max_rel;
};

/* What is read and made for one data set. */
struct data_set {
    const char *dir;
    size_t in_count, out_count;
    const char **in_names, **out_names;
    ashore_value **in_values, **expected, **actual;
};

static void conclude(struct test_case *test, enum outcome outcome, const char *reason) {
    test->outcome = outcome;
    test->reason = reason;
}

/* What the engine does not support is skipped, unless --strict; all else is a failure. */
static void conclude_error(struct suite *suite, struct test_case *test, const char *where,
                           const struct ashore_error *err) {
    bool skip = err->code == ASHORE_ERR_UNSUPPORTED && !suite->cli->options.strict;
    const char *text = err->text[0] ? err->text : ashore_status_text(err->code);
    conclude(test, skip ? SKIPPED : FAILED,
             cli_format(suite->cli, "%s%s", where, cli_clean(suite->cli, text)));
}

/* Reads PREFIX_0.pb, PREFIX_1.pb, ... of a data set: those that are there. */
static int read_values(struct suite *suite, struct data_set *set, bool outputs,
                       const ashore_model *model, struct ashore_error *err) {
    struct cli *cli = suite->cli;
    const char *prefix = outputs ? "output" : "input";
    size_t count = outputs ? ashore_model_output_count(model) : ashore_model_input_count(model);
    size_t read = 0;
    const char **names = cli_alloc(cli, (count + 1) * sizeof *names);
    ashore_value **values = cli_alloc(cli, (count + 1) * sizeof(ashore_value *));
    if (outputs) {
        set->out_names = names;
        set->expected = values;
    } else {
        set->in_names = names;
        set->in_values = values;
    }
    const char *extra = cli_format(cli, "%s/%s_%zu.pb", set->dir, prefix, count);
    if (cli_is_file(extra)) {
        return cli_fail(err, ASHORE_ERR_NAME, "%s is there, but the model has %zu %ss", extra,
                        count, prefix);
    }
    for (size_t i = 0; i < count; i++) {
        const struct ashore_value_info *info =
            outputs ? ashore_model_output(model, i) : ashore_model_input(model, i);
        const char *path = cli_format(cli, "%s/%s_%zu.pb", set->dir, prefix, i);
        if (!cli_is_file(path)) continue;
        int rc = cli_tensor_read(path, info->kind, info->dtype, &values[read], err);
        if (rc) return rc;
        names[read++] = info->name;
        if (outputs)
            set->out_count = read;
        else
            set->in_count = read;
    }
    return ASHORE_OK;
}

static void compare_outputs(struct suite *suite, struct test_case *test, const struct data_set *set,
                            const char *where) {
    for (size_t i = 0; i < set->out_count; i++) {
        struct cli_difference diff = {0};
        bool same = cli_value_compare(set->actual[i], set->expected[i], &suite->tolerance, &diff);
        test->max_abs = fmax(test->max_abs, diff.max_abs);
        test->max_rel = fmax(test->max_rel, diff.max_rel);
        if (same) continue;
        conclude(test, FAILED,
                 cli_format(suite->cli, "%soutput '%s' %s", where,
                            cli_clean(suite->cli, set->out_names[i]), diff.text));
        return;
    }
}

static void run_data_set(struct suite *suite, struct test_case *test, const char *name) {
    struct cli *cli = suite->cli;
    struct ashore_error err = {0};
    struct data_set set = {.dir = cli_format(cli, "%s/%s", test->dir, name)};
    const char *where = cli_format(cli, "%s: ", cli_clean(cli, name));
    int rc = read_values(suite, &set, false, test->model, &err);
    if (rc == ASHORE_OK) rc = read_values(suite, &set, true, test->model, &err);
    set.actual = cli_alloc(cli, (set.out_count + 1) * sizeof(ashore_value *));
    if (rc == ASHORE_OK) {
        rc = ashore_session_run(test->session, set.in_count, set.in_names, set.in_values,
                                set.out_count, set.out_names, set.actual, &err);
    }
    if (rc) {
        conclude_error(suite, test, where, &err);
    } else if (set.out_count == 0) {
        conclude(test, FAILED, cli_format(cli, "%sno output_*.pb to compare with", where));
    } else {
        compare_outputs(suite, test, &set, where);
    }
    for (size_t i = 0; i < set.in_count; i++) ashore_value_release(&set.in_values[i]);
    for (size_t i = 0; i < set.out_count; i++) {
        ashore_value_release(&set.expected[i]);
        ashore_value_release(&set.actual[i]);
    }
}

static void run_data_sets(struct suite *suite, struct test_case *test) {
    struct ashore_error err = {0};
    struct cli_list names;
    if (cli_list_dir(suite->cli, test->dir, &names, &err)) {
        conclude_error(suite, test, "", &err);
        return;
    }
    size_t sets = 0;
    for (size_t i = 0; i < names.count && test->outcome == PASSED; i++) {
        if (strncmp(names.items[i], "test_data_set_", 14) != 0) continue;
        sets++;
        run_data_set(suite, test, names.items[i]);
    }
    if (sets == 0) conclude(test, SKIPPED, "no test_data_set_* beside the model");
}

static void report_case(struct suite *suite, const struct test_case *test) {
    static const char *const words[] = {"pass", "fail", "skip"};
    suite->count[test->outcome]++;
    if (suite->cases) {
        json_t *object = json_object();
        json_object_set_new(object, "name", cli_json_text(test->dir));
        json_object_set_new(object, "outcome", json_string(words[test->outcome]));
        json_object_set_new(object, "reason", cli_json_text(test->reason));
        json_object_set_new(object, "max_abs", cli_json_real(test->max_abs));
        json_object_set_new(object, "max_rel", cli_json_real(test->max_rel));
        json_array_append_new(suite->cases, object);
    } else if (test->outcome != PASSED) {
        printf("%s %s: %s\n", words[test->outcome], cli_clean(suite->cli, test->dir), test->reason);
    }
}

static void run_case(struct suite *suite, const char *dir, const char *model_path) {
    struct test_case test = {.dir = dir};
    struct ashore_error err = {0};
    int rc = ashore_model_load_file(model_path, NULL, &test.model, &err);
    if (rc == ASHORE_OK) {
        rc = cli_open_session(suite->cli, test.model, 1, false, &test.session, &err);
    }
    if (rc) {
        conclude_error(suite, &test, "", &err);
    } else {
        run_data_sets(suite, &test);
    }
    ashore_session_destroy(&test.session);
    ashore_model_destroy(&test.model);
    report_case(suite, &test);
}

/* Cases in a folder and below; how many there were, or -1 after saying what is wrong. */
static long walk(struct suite *suite, const char *dir, int depth) {
    struct cli *cli = suite->cli;
    const char *model = cli_format(cli, "%s/model.onnx", dir);
    if (cli_is_file(model)) {
        run_case(suite, dir, model);
        return 1;
    }
    struct ashore_error err = {0};
    struct cli_list names;
    if (cli_list_dir(cli, dir, &names, &err)) {
        cli_report(cli, &err);
        return -1;
    }
    long found = 0;
    for (size_t i = 0; i < names.count && depth < CASE_DEPTH; i++) {
        const char *path = cli_format(cli, "%s/%s", dir, names.items[i]);
        if (!cli_is_dir(path)) continue;
        long below = walk(suite, path, depth + 1);
        if (below < 0) return -1;
        found += below;
    }
    return found;
}

static int print_result(struct suite *suite) {
    const size_t *n = suite->count;
    int code = n[FAILED] || n[PASSED] == 0 ? CLI_FAILED : CLI_OK;
    if (!suite->cases) {
        printf("%zu passed, %zu failed, %zu skipped\n", n[PASSED], n[FAILED], n[SKIPPED]);
    } else {
        json_t *object = json_object();
        json_object_set_new(object, "passed", cli_json_count(n[PASSED]));
        json_object_set_new(object, "failed", cli_json_count(n[FAILED]));
        json_object_set_new(object, "skipped", cli_json_count(n[SKIPPED]));
        json_object_set(object, "cases", suite->cases);
        code = cli_json_print(suite->cli, object, code);
    }
    if (code == CLI_FAILED && n[FAILED] == 0) cli_say(suite->cli, "nothing passed");
    return code;
}

static int verify(struct cli *cli) {
    const struct cli_options *o = &cli->options;
    if (o->target && strcmp(o->target, "native") != 0) return cli_run_node(cli, "verify.mjs");
    struct suite suite = {.cli = cli};
    bool given = o->rtol >= 0.0 || o->atol >= 0.0;
    suite.tolerance = (struct cli_tolerance){.rtol = o->rtol >= 0.0 ? o->rtol : 1e-3,
                                             .atol = o->atol >= 0.0 ? o->atol : 1e-7,
                                             .integers = given};
    if (o->json) suite.cases = json_array();
    int code = CLI_OK;
    for (size_t i = 0; i < o->operands.count && code == CLI_OK; i++) {
        char *dir = cli_format(cli, "%s", o->operands.items[i]);
        for (size_t n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--) dir[n - 1] = '\0';
        long found = walk(&suite, dir, 0);
        if (found < 0) code = CLI_INPUT;
        if (found == 0) {
            code = cli_give_up(cli, CLI_INPUT, "%s: no model.onnx in it or below",
                               cli_clean(cli, dir));
        }
    }
    if (code == CLI_OK) code = print_result(&suite);
    json_decref(suite.cases);
    return code;
}

const struct cli_command cli_verify = {
    .name = "verify",
    .bit = CLI_VERIFY,
    .group = "Verify",
    .usage = "[options] DIR...",
    .summary = "compare a model's answers with stored ones (ONNX suite layout)",
    .details =
        "DIR holds model.onnx and test_data_set_*/input_*.pb and output_*.pb, as in the ONNX\n"
        "conformance suite and the model zoo, or any number of such folders, which are taken in\n"
        "order. Prints a line for every case that fails or is skipped, and last\n"
        "'N passed, M failed, K skipped'. The exit code is 0 only when something passed and\n"
        "nothing failed. Skipped is what needs an operator, type or feature that is not\n"
        "supported, and folders without data.\n"
        "\n"
        "Types and shapes must be equal. Numbers agree when |got - expected| <=\n"
        "A + R * |expected|; NaN equals NaN. Integers must be equal unless --rtol or --atol is\n"
        "given; strings and booleans always.\n",
    .examples = "  ashore verify tests/onnx/node\n"
                "  ashore verify --rtol 1e-2 --atol 1e-3 my-model\n"
                "  ashore verify --target wasm my-model\n"
                "  ashore verify --target browser --threads 2 my-model\n",
    .least = 1,
    .most = (size_t)-1,
    .run = verify,
};
