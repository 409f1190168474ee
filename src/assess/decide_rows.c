/* The decision table: rows in order, of which the first that applies fires. */
#include "decide_rows.h"

enum trust {
    ANY,
    CLOCK /* noise spoils it */,
    SHARES /* so do few samples */,
    LEAD /* and ties */
};

static const struct rule {
    const char *id, *dominant, *missed, *intervention, *port_pays;
    enum assess_outcome outcome;
    enum trust trust;
    bool (*applies)(struct assess_case *, const char **why);
    const char *(*advice)(struct assess_case *); /* NULL: the text */
    const char *text, *place;
} rules[] = {
    {"client", "anything: it must run on the client", "deployable at all without a server",
     "WebAssembly: a compiled module, or Pyodide", "yes: only this does it", ASSESS_PORT, ANY,
     assess_when_client, assess_say_client, NULL, "WebAssembly in the browser"},
    {"footprint", "process footprint, cold start", "memory, cold start",
     "compiled binary or WebAssembly, smaller runtime", "yes: a port-class win", ASSESS_PORT, CLOCK,
     assess_when_footprint, assess_say_footprint, NULL, "native C/C++"},
    {"weight", "the model itself", "memory, cold start",
     "smaller or quantised model, weights mapped and not read", "no: the model stays",
     ASSESS_DONT_PORT, CLOCK, assess_when_weight, NULL,
     "quantise the model or choose a smaller one, and map its weights instead of reading them",
     NULL},
    {"download-model", "the model itself", "download", "quantise to INT8 or FP16",
     "no: the model stays", ASSESS_DONT_PORT, ANY, assess_when_download_model, NULL,
     "quantise the model to INT8 or FP16 before it is shipped", NULL},
    {"download-runtime", "the runtime and its packages", "download",
     "compiled WebAssembly module instead of Python in the page", "yes: a port-class win",
     ASSESS_PORT, ANY, assess_when_download_runtime, NULL,
     "ship a compiled WebAssembly module instead of an interpreter and its packages",
     "WebAssembly in the browser"},
    {"device-busy", "model compute on a device that is busy some 85 % of the time",
     "latency, throughput", "quantise, fuse kernels, compiled graph (TensorRT)",
     "no: the kernels are native already", ASSESS_DONT_PORT, CLOCK, assess_when_device_busy, NULL,
     "quantise the model, fuse its kernels or compile its graph (TensorRT)", NULL},
    {"device-starved", "a device that starves while Python prepares or waits",
     "throughput, latency", "async pipeline, batching, prefetch",
     "no: the data path is the problem", ASSESS_DONT_PORT, CLOCK, assess_when_device_starved, NULL,
     "feed the device: prefetch and prepare in an async pipeline, and batch", NULL},
    {"workers", "nothing: threads are idle", "throughput", "more workers, more concurrency",
     "no: nothing is busy", ASSESS_DONT_PORT, SHARES, assess_when_workers, assess_say_workers, NULL,
     NULL},
    {"helper", "interpreter and glue, in one place", "latency, throughput, cost",
     "C helper for the hot loop, the rest stays Python", "yes, in part", ASSESS_PORT, LEAD,
     assess_when_helper, assess_say_helper, NULL, "Python with a C helper"},
    {"interpreter", "interpreter and glue, spread out", "latency, throughput, cost",
     "C, C++ or Rust serving path, or WebAssembly", "yes", ASSESS_PORT, LEAD, assess_when_whole,
     assess_say_whole, NULL, "native C/C++"},
    {"too-far", "interpreter and glue, but the target is out of reach", "latency, throughput, cost",
     "change the work itself: cache, batch, do less per request",
     "no: even without Python it is missed", ASSESS_DONT_PORT, LEAD, assess_when_too_far, NULL,
     "change the work itself (cache answers, batch, do less per request), or the target", NULL},
    {"compute", "model compute", "latency, throughput, cost",
     "quantise, fuse kernels, better runtime, batching", "no: the kernels are native already",
     ASSESS_DONT_PORT, LEAD, assess_when_compute, assess_say_compute, NULL, NULL},
    {"io", "IO, loading", "latency, throughput, cost", "async pipeline, prefetch, batching",
     "no: a port does not touch IO", ASSESS_DONT_PORT, LEAD, assess_when_io, NULL,
     "overlap the waiting: an async pipeline, prefetch, batched calls", NULL},
    {"marshalling", "copies, conversions, serialising", "latency, throughput, cost",
     "fewer copies, batched crossings, shared memory", "no: the copies are native already",
     ASSESS_DONT_PORT, LEAD, assess_when_copies, NULL,
     "copy less: batch the crossings, share memory, choose a binary format", NULL},
    {"gil-wait", "waiting for the interpreter's lock", "latency, throughput",
     "more processes, or release the GIL", "no: processes do it sooner", ASSESS_DONT_PORT, LEAD,
     assess_when_gil, NULL,
     "run more processes instead of threads, or release the GIL in native code", NULL},
    {"lock-wait", "waiting for another thread", "latency, throughput", "pool sizes, finer locks",
     "no: the design is the problem", ASSESS_DONT_PORT, LEAD, assess_when_locks, NULL,
     "look at pool sizes and at what the locks protect", NULL},
    {"device-wait", "waiting for a GPU or other device", "latency, throughput",
     "optimise on the device: kernels, transfers, streams", "no: the device sets the pace",
     ASSESS_DONT_PORT, LEAD, assess_when_device, NULL,
     "optimise on the device (kernels, transfers, streams); import a device trace to see which",
     NULL},
    {"gc", "garbage collection", "latency", "gc.freeze, thresholds, fewer objects",
     "no: tuning does it sooner", ASSESS_DONT_PORT, LEAD, assess_when_garbage, NULL,
     "call gc.freeze() after start-up, raise the thresholds, and make fewer objects", NULL},
    {"spread", "nothing dominates", "latency, throughput, cost",
     "several small changes, the largest first", "no: no bucket is large enough", ASSESS_DONT_PORT,
     LEAD, assess_when_spread, NULL,
     "take the largest buckets one by one; no single change will do", NULL},
};
enum { RULES = sizeof rules / sizeof *rules };

/* The second bucket may do as well where the first does not lead for sure. */
static const char *also(struct assess_case *c, const struct rule *fired) {
    if (fired->outcome != ASSESS_DONT_PORT || fired->trust != LEAD) return "";
    if (c->weight[c->second] < ASSESS_SMALL_SHARE) return "";
    if (c->second == ASSESS_INTERPRETER || c->first == ASSESS_INTERPRETER) return "";
    if (c->weight[c->first] - c->weight[c->second] > c->lead_error) return "";
    return assess_say(c->pool, "; %s (%s) is as large as far as sampling can tell",
                      assess_bucket_titles[c->second], percent(c, c->share[c->second]));
}

static const char *objection(struct assess_case *c, const struct rule *rule, const char *doubt) {
    if (rule->trust == ANY) return NULL;
    if (rule->trust == CLOCK)
        return c->noisy && !assess_missed_kind(c, ASSESS_TARGET_MEMORY) ? doubt : NULL;
    if (doubt || rule->trust == SHARES) return doubt;
    return assess_decide_tie(c);
}

static struct assess_fired fire(struct assess_case *c, struct assess_row *rows, size_t number,
                                const char *doubt, const char *cut) {
    const struct rule *rule = &rules[number];
    struct assess_row *row = &rows[number];
    struct assess_fired fired = {.outcome = ASSESS_INCONCLUSIVE,
                                 .held_back = cut ? cut : objection(c, rule, doubt)};
    if (fired.held_back) {
        row->why = assess_say(c->pool, "held back, the evidence does not carry it: %s", row->why);
        return fired;
    }
    row->fired = true;
    row->why = assess_say(c->pool, "%s%s", row->why, also(c, rule));
    fired.row = row;
    fired.outcome = rule->outcome;
    fired.place = rule->place;
    fired.advice = rule->advice ? rule->advice(c) : rule->text;
    return fired;
}

struct assess_fired assess_decide_rows(struct assess_case *c, const char *doubt, const char *cut) {
    struct assess_fired fired = {.outcome = ASSESS_INCONCLUSIVE};
    struct assess_row *rows = assess_alloc_array(c->pool, RULES, sizeof *rows);
    if (!rows) return fired;
    c->verdict->rows = rows;
    c->verdict->row_count = RULES;
    size_t first = RULES;
    for (size_t i = 0; i < RULES; i++) {
        const struct rule *rule = &rules[i];
        struct assess_row *row = &rows[i];
        *row = (struct assess_row){.id = rule->id,
                                   .dominant = rule->dominant,
                                   .missed = rule->missed,
                                   .intervention = rule->intervention,
                                   .port_pays = rule->port_pays,
                                   .why = "no target is missed"};
        bool wanted = c->missed || (i == 0 && assess_needs_client(c));
        bool sees = c->profiled || rule->trust == ANY || rule->trust == CLOCK;
        if (wanted && !sees) row->why = "there is no profile";
        if (!wanted || !sees || !rule->applies(c, &row->why)) continue;
        if (first == RULES)
            first = i;
        else
            row->why = assess_say(c->pool, "applies too, but %s comes first: %s", rules[first].id,
                                  row->why);
    }
    if (first < RULES) return fire(c, rows, first, doubt, cut);
    fired.held_back = assess_say_no_footprint(c);
    if (assess_missed_timed(c)) fired.held_back = doubt ? doubt : assess_decide_tie(c);
    if (c->missed && cut) fired.held_back = cut;
    return fired;
}
