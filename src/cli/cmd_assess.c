/* ashore assess: would a port help?  Measured against a target. */
#include "cli.h"
#include "cli_file.h"

#if defined(ASH_HAVE_ASSESS)

#    include "assess/environment.h"
#    include "assess/http_request.h"
#    include "assess/measure.h"
#    include "assess/report.h"

#    include <errno.h>
#    include <math.h>
#    include <signal.h>
#    include <stdlib.h>
#    include <string.h>
#    include <time.h>
#    include <unistd.h>

enum { DEFAULT_HZ = 99, SEED = 1 };

struct assess {
    struct cli *cli;
    struct assess_pool pool;
    struct assess_target *targets;
    struct assess_measure_options options;
    struct assess_evidence evidence;
    struct assess_verdict verdict;
    struct assess_report report;
    struct assess_machine machine;
    struct assess_environment environment;
    const char *folder; /* for traces; removed at the end */
};

static volatile sig_atomic_t stop_asked;
static void on_signal(int number) { stop_asked = number; }

static void say_progress(void *with, const char *text) {
    struct assess *a = with;
    cli_say(a->cli, "%s", cli_clean(a->cli, text));
}

/* ---- the command line ----------------------------------------------------------------------- */

static int read_targets(struct assess *a) {
    struct cli *cli = a->cli;
    const struct cli_options *o = &cli->options;
    if (o->targets.count == 0) {
        return cli_give_up(cli, CLI_USAGE,
                           "no target, no verdict: say what has to be reached, as in --target "
                           "p99=40ms --rate 200 (see 'ashore assess --help')");
    }
    a->targets = cli_alloc(cli, o->targets.count * sizeof *a->targets);
    bool costs = false;
    for (size_t i = 0; i < o->targets.count; i++) {
        struct ashore_error err = {0};
        if (assess_target_parse(o->targets.items[i], &a->targets[i], &err)) {
            return cli_give_up(cli, CLI_USAGE, "--target: %s", cli_clean(cli, err.text));
        }
        costs = costs || a->targets[i].kind == ASSESS_TARGET_COST;
        if (a->targets[i].kind == ASSESS_TARGET_CLIENT) a->evidence.must_run_on_client = true;
    }
    a->evidence.targets = a->targets;
    a->evidence.target_count = o->targets.count;
    struct ashore_error err = {0};
    if (o->price && assess_price_parse(o->price, &a->evidence.price, &err)) {
        return cli_give_up(cli, CLI_USAGE, "--price: %s", cli_clean(cli, err.text));
    }
    if (costs && !o->price) {
        return cli_give_up(cli, CLI_USAGE,
                           "a cost target needs the price of a core: --price "
                           "0.17/core-hour");
    }
    return CLI_OK;
}

/* Without --rate: the rate of a throughput target. */
static double target_rate(const struct assess *a) {
    const struct cli_options *o = &a->cli->options;
    if (o->rate > 0) return o->rate;
    for (size_t i = 0; i < a->evidence.target_count; i++) {
        if (a->targets[i].kind == ASSESS_TARGET_THROUGHPUT) return a->targets[i].limit;
    }
    return 0;
}

static enum assess_load_mode load_mode(const struct assess *a) {
    const char *mode = a->cli->options.mode;
    if (!mode) return target_rate(a) > 0 ? ASSESS_OPEN : ASSESS_SINGLE;
    return mode[0] == 's'                 ? ASSESS_SINGLE
           : strcmp(mode, "offline") == 0 ? ASSESS_OFFLINE
                                          : ASSESS_OPEN;
}

static int read_bodies(struct assess *a) {
    struct cli *cli = a->cli;
    const struct cli_list *given = &cli->options.bodies;
    struct assess_body *bodies = cli_alloc(cli, (given->count + 1) * sizeof *bodies);
    for (size_t i = 0; i < given->count; i++) {
        const char *text = given->items[i];
        bodies[i] = (struct assess_body){text, strlen(text)};
        if (text[0] != '@') continue;
        struct cli_bytes bytes;
        struct ashore_error err = {0};
        if (cli_file_read(text + 1, &bytes, &err)) return cli_report(cli, &err);
        bodies[i].bytes = assess_copy_text(&a->pool, (const char *)bytes.data, bytes.size);
        bodies[i].size = bytes.size;
        cli_file_free(&bytes);
        if (!bodies[i].bytes) return cli_give_up(cli, CLI_INTERNAL, "out of memory");
    }
    a->options.request.bodies = bodies;
    a->options.request.body_count = given->count;
    return CLI_OK;
}

/* A file that is installed with the program: beside it, or in lib/ashore of the prefix. */
static const char *companion(struct cli *cli, const char *name) {
    const char *dir = cli_program_dir(cli);
    if (!dir) return NULL;
    const char *beside = cli_format(cli, "%s/%s", dir, name);
    if (cli_is_file(beside)) return beside;
    const char *installed = cli_format(cli, "%s/../lib/ashore/%s", dir, name);
    return cli_is_file(installed) ? installed : NULL;
}

static int read_program(struct assess *a) {
    struct cli *cli = a->cli;
    const struct cli_options *o = &cli->options;
    if (o->operands.count == 0 && !o->import && !o->call && !o->model) {
        return cli_give_up(cli, CLI_USAGE, "no program: usage: ashore assess %s",
                           cli->command->usage);
    }
    const char **argv = cli_alloc(cli, (o->operands.count + 2) * sizeof *argv);
    for (size_t i = 0; i < o->operands.count; i++) argv[i] = o->operands.items[i];
    if (o->call && o->operands.count == 0) argv[0] = "python3";
    a->options.argv = argv[0] ? argv : NULL;
    a->options.sampler = companion(cli, "libashore_sampler.so");
    a->options.call_driver = companion(cli, "call_driver.py");
    if (a->options.argv && !o->import && !a->options.sampler) {
        return cli_give_up(cli, CLI_INTERNAL,
                           "libashore_sampler.so is not beside the program; "
                           "build it with 'make'");
    }
    if (o->call && (!a->options.call_driver || !strchr(o->call, ':'))) {
        return cli_give_up(cli, CLI_USAGE,
                           a->options.call_driver ? "--call is '%s', but must be MODULE:FUNCTION"
                                                  : "--call %s: call_driver.py is not beside the "
                                                    "program; build it with 'make'",
                           cli_clean(cli, o->call));
    }
    return CLI_OK;
}

static int read_options(struct assess *a) {
    struct cli *cli = a->cli;
    const struct cli_options *o = &cli->options;
    int rc = read_targets(a);
    if (!rc) rc = read_program(a);
    if (!rc) rc = read_bodies(a);
    if (rc) return rc;
    if (o->rate == 0 || o->seconds == 0 || o->timeout == 0) {
        return cli_give_up(cli, CLI_USAGE, "--rate, --seconds and --timeout must be above 0");
    }
    if (load_mode(a) == ASSESS_OPEN && !(target_rate(a) > 0)) {
        return cli_give_up(cli, CLI_USAGE, "--mode open needs a rate: --rate 200");
    }
    struct ashore_error err = {0};
    struct assess_url url;
    if (o->url && assess_url_parse(o->url, &url, &err)) {
        return cli_give_up(cli, CLI_USAGE, "--url: %s", cli_clean(cli, err.text));
    }
    struct assess_measure_options *to = &a->options;
    to->rules = o->rules;
    to->import = o->import;
    to->call = o->call;
    to->request.url = o->url;
    to->request.method = o->method;
    to->request.headers = o->headers.items;
    to->request.header_count = o->headers.count;
    to->request.timeout = o->timeout > 0 ? o->timeout : 10;
    to->mode = load_mode(a);
    to->connections = o->connections > 0 ? (size_t)o->connections : 0;
    to->seconds = o->seconds > 0 ? o->seconds : 0;
    to->startup = o->startup > 0 ? o->startup : 60;
    to->sweep = !o->no_sweep;
    to->hz = o->hz > 0 ? (int)o->hz : DEFAULT_HZ;
    to->seed = o->seed >= 0 ? (uint64_t)o->seed : SEED;
    to->model = o->model;
    to->program = "/proc/self/exe";
    to->package = cli_js_dir(cli);
    to->stop = &stop_asked;
    to->say = say_progress;
    to->say_with = a;
    const char **dims = cli_alloc(cli, (2 * o->dims.count + 1) * sizeof *dims);
    for (size_t i = 0; i < o->dims.count; i++) {
        dims[2 * i] = "--dim";
        dims[2 * i + 1] = o->dims.items[i];
    }
    to->model_arguments = dims;
    a->evidence.rate = to->mode == ASSESS_OPEN ? target_rate(a) : 0;
    a->evidence.port_days = o->port_days;
    a->evidence.upkeep_days = o->upkeep_days;
    a->evidence.day_cost = o->day_cost;
    a->evidence.has_gpu = access("/dev/nvidiactl", F_OK) == 0 || access("/dev/kfd", F_OK) == 0;
    return CLI_OK;
}

/* ---- folders -------------------------------------------------------------------------------- */

/* Says early that a report could not be written, not after minutes of measuring. */
static int make_folders(struct assess *a) {
    struct cli *cli = a->cli;
    const char *out = cli->options.out;
    struct ashore_error err = {0};
    if (out && cli_make_dir(cli, out, &err)) return cli_report_output(cli, &err);
    if (out && access(out, W_OK)) {
        return cli_give_up(cli, CLI_INTERNAL, "%s: cannot be written: %s", cli_clean(cli, out),
                           strerror(errno));
    }
    const char *temporary = getenv("TMPDIR");
    char *folder =
        cli_format(cli, "%s/ashore-assess-XXXXXX", temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) {
        return cli_give_up(cli, CLI_INTERNAL, "no folder for traces, %s: %s",
                           cli_clean(cli, folder), strerror(errno));
    }
    a->folder = a->options.folder = folder;
    return CLI_OK;
}

static void remove_folder(struct assess *a) {
    if (!a->folder) return;
    struct cli_list names = {0};
    if (cli_list_dir(a->cli, a->folder, &names, NULL) == ASHORE_OK) {
        for (size_t i = 0; i < names.count; i++) {
            unlink(cli_format(a->cli, "%s/%s", a->folder, names.items[i]));
        }
    }
    rmdir(a->folder);
}

/* ---- the report ----------------------------------------------------------------------------- */

/* Words as a shell would take them. */
static const char *command_line(struct assess *a, const char *first, const char *const *argv) {
    struct assess_text text = {0};
    assess_text_add(&text, first);
    for (size_t i = 0; argv && argv[i]; i++) {
        bool plain = argv[i][0] && !argv[i][strcspn(argv[i], " \t\n\"'\\$`&|;<>()*?[]#~!{}")];
        if (text.length) assess_text_add(&text, " ");
        if (!plain) assess_text_add(&text, "'");
        for (const char *p = argv[i]; *p; p++) {
            if (*p == '\'' && !plain) assess_text_add(&text, "'\\'");
            assess_text_add_bytes(&text, p, 1);
        }
        if (!plain) assess_text_add(&text, "'");
    }
    const char *copy = assess_copy_text(&a->pool, text.bytes ? text.bytes : "", text.length);
    assess_text_deinit(&text);
    return copy;
}

static void describe(struct assess *a) {
    struct assess_report *r = &a->report;
    time_t now = time(NULL);
    struct tm utc;
    char when[32] = "";
    if (gmtime_r(&now, &utc)) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    r->when = assess_copy_text(&a->pool, when, strlen(when));
    r->version = ashore_version();
    r->command = command_line(a, "", a->options.argv);
    r->repeat = command_line(a, "ashore assess", (const char *const *)a->cli->argv);
    r->machine = a->machine.machine;
    r->system = a->machine.system;
    r->processor = a->machine.processor;
    r->memory = a->machine.memory;
    const char **lines = cli_alloc(a->cli, (a->machine.line_count + 1) * sizeof *lines);
    for (size_t i = 0; i < a->machine.line_count; i++) lines[i] = a->machine.lines[i];
    lines[a->machine.line_count] = assess_environment_words(&a->environment, &a->pool);
    r->environment = lines;
    r->environment_count = a->machine.line_count + 1;
    r->evidence = &a->evidence;
    r->verdict = &a->verdict;
}

/* Each file stands for itself: one that cannot be written does not take the others along. */
static int write_files(struct assess *a) {
    struct cli *cli = a->cli;
    const char *dir = cli->options.out;
    if (!dir) return CLI_OK;
    int code = CLI_OK;
    struct ashore_error err = {0};
    const struct assess_profile *profile = a->evidence.profile;
    if (assess_report_html(&a->report, cli_format(cli, "%s/report.html", dir), &err)) {
        code = cli_report_output(cli, &err);
    }
    if (assess_report_json(&a->report, cli_format(cli, "%s/report.json", dir), &err)) {
        code = cli_report_output(cli, &err);
    }
    if (!profile) return code;
    if (assess_export_speedscope(profile, cli_format(cli, "%s/profile.speedscope.json", dir),
                                 &err)) {
        code = cli_report_output(cli, &err);
    }
    if (assess_export_perfetto(profile, cli_format(cli, "%s/trace.perfetto", dir), &err)) {
        code = cli_report_output(cli, &err);
    }
    return code;
}

/* With --json the report is what goes to stdout, and its text to nobody. */
static int print_report(struct assess *a) {
    struct cli *cli = a->cli;
    struct ashore_error err = {0};
    if (!cli->options.json) {
        if (assess_report_text(&a->report, stdout)) return CLI_INTERNAL;
        if (cli->options.out) {
            printf("\nThe whole report: %s/report.html\n", cli_clean(cli, cli->options.out));
        }
        return CLI_OK;
    }
    const char *path = cli_format(cli, "%s/report.json", a->folder);
    struct cli_bytes bytes;
    if (assess_report_json(&a->report, path, &err) || cli_file_read(path, &bytes, &err)) {
        return cli_report_output(cli, &err);
    }
    fwrite(bytes.data, 1, bytes.size, stdout);
    cli_file_free(&bytes);
    return CLI_OK;
}

static double known(double value) { return isfinite(value) ? value : 0; }

static int judge(struct assess *a) {
    struct cli *cli = a->cli;
    struct ashore_error err = {0};
    assess_environment_end(&a->environment, "", getpid());
    a->evidence.other_cores = known(a->environment.other_cores);
    a->evidence.steal_share = known(a->environment.steal_share);
    a->evidence.cores = known(a->machine.cores);
    if (assess_decide(&a->evidence, &a->pool, &a->verdict, &err)) return cli_report(cli, &err);
    describe(a);
    int code = print_report(a);
    int written = write_files(a);
    if (code == CLI_OK) code = written;
    if (code != CLI_OK) return code;
    bool settled = a->verdict.outcome != ASSESS_INCONCLUSIVE && !a->evidence.partial;
    return settled ? CLI_OK : CLI_FAILED;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static int assess_program(struct cli *cli) {
    struct assess a = {.cli = cli};
    int code = read_options(&a);
    if (code == CLI_OK) code = make_folders(&a);
    if (code == CLI_OK) {
        catch_signals();
        assess_read_machine("", &a.pool, &a.machine);
        assess_environment_begin(&a.environment, "", getpid());
        struct ashore_error err = {0};
        int rc = assess_measure(&a.options, &a.pool, &a.evidence, &err);
        bool judged = rc == ASHORE_OK || a.evidence.run;
        if (rc) code = cli_report(cli, &err);
        if (rc == ASHORE_ERR_STATE) code = CLI_INPUT; /* what the program did, not we */
        if (rc && judged && !a.evidence.partial) {
            a.evidence.partial = assess_copy_text(&a.pool, err.text, strlen(err.text));
        }
        if (judged) {
            int verdict = judge(&a);
            if (code == CLI_OK) code = verdict;
        }
    }
    remove_folder(&a);
    assess_pool_deinit(&a.pool);
    if (stop_asked && code == CLI_FAILED) code = 128 + (int)stop_asked;
    return code;
}

#else

static int assess_program(struct cli *cli) {
    return cli_give_up(cli, CLI_UNSUPPORTED, "programs can be profiled on Linux alone");
}

#endif

const struct cli_command cli_assess = {
    .name = "assess",
    .bit = CLI_ASSESS,
    .group = "Measure",
    .usage = "--target WHAT=LIMIT [options] -- python app.py ...",
    .summary = "would a port help? measures a Python program against a target",
    .details =
        "Runs an unmodified CPython program (3.11 to 3.14) with a sampler in it, sends it "
        "requests\n"
        "at the rate that it has to bear, and says where the time of its request threads goes:\n"
        "interpreter, model compute, IO, marshalling, waiting for the GIL, for locks, for a "
        "device,\n"
        "garbage collection, idle. From that it computes what a port could gain at most, and "
        "gives\n"
        "a verdict, which may be \"don't port\", with what would help instead.\n"
        "\n"
        "The program serves HTTP, or is a function (--call), or runs to its end by itself. The\n"
        "report says how sure each number is; what was not measured is said to be so.\n",
    .examples = "  ashore assess --target p99=40ms --rate 200 -o report -- python app.py\n"
                "  ashore assess --target p99=40ms --rate 50 --url http://127.0.0.1:8000/read \\\n"
                "      --body @page.jpg --model model.onnx -o report -- gunicorn app:app\n"
                "  ashore assess --target throughput=500 --call features:extract -- python\n"
                "  ashore assess --target p99=40ms --import torch_trace.json\n",
    .least = 0,
    .most = SIZE_MAX,
    .run = assess_program,
};
