/* The decision table: rows in order, of which the first that applies fires. */
#include "decide.h"

#include <math.h>

bool assess_needs_client(const struct assess_case *c) {
    return c->evidence->must_run_on_client ||
           (c->missed && c->missed->target->kind == ASSESS_TARGET_CLIENT);
}

static bool missed_kind(const struct assess_case *c, enum assess_target_kind kind) {
    return c->missed && c->missed->target->kind == kind;
}

static bool missed_timed(const struct assess_case *c) {
    return c->missed && assess_is_timed(c->missed->target);
}

static const char *percent(struct assess_case *c, double share) {
    return assess_percent_text(c->pool, share);
}

/* ---- where it has to run, and what it takes to start ---------------------------------------- */

static bool client(struct assess_case *c, const char **why) {
    bool yes = assess_needs_client(c);
    *why = yes ? "it must run on the user's device, which no server can satisfy"
               : "nothing says that it must run on the user's device";
    return yes;
}

/* Of a cold start or of memory, the part that a native program would have as well: the model's. */
struct footprint {
    bool asked, known;
    double all, stays, limit;
    assess_text_of *text;
    const char *what, *stays_as; /* "memory"; "the model in the native engine" */
};

static bool has_no_model(const struct assess_case *c) {
    return !c->evidence->model && c->profiled && c->share[ASSESS_COMPUTE] < 0.05;
}

static struct footprint cold_footprint(const struct assess_case *c) {
    const struct assess_evidence *e = c->evidence;
    struct footprint f = {.asked = true,
                          .all = e->cold_start,
                          .limit = c->missed->target->limit,
                          .text = assess_time_text,
                          .what = "cold start"};
    if (assess_is_given(e->first_import) && e->first_import <= e->cold_start) {
        f.known = true;
        f.stays = e->cold_start - e->first_import;
        f.stays_as = "what follows the imports";
        return f;
    }
    f.known = has_no_model(c);
    f.stays_as = "the rest, for there is no model to load,";
    if (e->model && assess_is_given(e->model->load_native)) {
        f.known = true;
        f.stays = e->model->load_native;
        f.stays_as = "loading the model natively";
    }
    return f;
}

static struct footprint memory_footprint(const struct assess_case *c) {
    const struct assess_model_timing *model = c->evidence->model;
    struct footprint f = {.asked = true,
                          .all = c->evidence->peak_bytes,
                          .limit = c->missed->target->limit,
                          .text = assess_bytes_text,
                          .what = "memory",
                          .known = has_no_model(c),
                          .stays_as = "the rest, for there is no model,"};
    if (model && assess_is_given(model->peak_bytes)) {
        f.known = true;
        f.stays = model->peak_bytes;
        f.stays_as = "the model in the native engine";
    } else if (model && model->bytes > 0) {
        f.known = true;
        f.stays = (double)model->bytes;
        f.stays_as = "the model's weights, the least that it takes,";
    }
    return f;
}

static struct footprint find_footprint(const struct assess_case *c) {
    if (!c->missed) return (struct footprint){0};
    if (missed_kind(c, ASSESS_TARGET_COLD_START)) return cold_footprint(c);
    if (missed_kind(c, ASSESS_TARGET_MEMORY)) return memory_footprint(c);
    return (struct footprint){0};
}

static bool judge_footprint(struct assess_case *c, bool fits, const char **why) {
    struct footprint f = find_footprint(c);
    struct assess_pool *pool = c->pool;
    if (!f.asked) {
        *why = "neither cold start nor memory is what is missed";
        return false;
    }
    if (!f.known) {
        *why = assess_say(pool,
                          "how much of %s (%s) is Python's and how much the model's was not "
                          "measured; give --model",
                          f.what, f.text(pool, f.all));
        return false;
    }
    double python = fmax(0, 1 - f.stays / f.all);
    *why = assess_say(pool,
                      "of %s (%s) the interpreter and its imports are %s; %s takes %s, where %s "
                      "are allowed",
                      f.what, f.text(pool, f.all), percent(c, python), f.stays_as,
                      f.text(pool, f.stays), f.text(pool, f.limit));
    return (f.stays <= f.limit) == fits;
}

static bool footprint(struct assess_case *c, const char **why) {
    return judge_footprint(c, true, why);
}

static bool weight(struct assess_case *c, const char **why) {
    return judge_footprint(c, false, why);
}

static const char *footprint_advice(struct assess_case *c) {
    struct footprint f = find_footprint(c);
    return assess_say(c->pool,
                      "build a compiled binary (or a WebAssembly module) that does without Python, "
                      "for which about %s of %s remain",
                      f.text(c->pool, f.stays), f.what);
}

static bool judge_download(struct assess_case *c, bool mostly_model, const char **why) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    if (!missed_kind(c, ASSESS_TARGET_DOWNLOAD)) {
        *why = "the download is not what is missed";
        return false;
    }
    double model = e->model ? (double)e->model->bytes : 0;
    double share = fmin(1, model / e->download_bytes);
    *why = model > 0 ? assess_say(pool, "the model's file is %s, %s of the download",
                                  assess_bytes_text(pool, model), percent(c, share))
                     : "no model is part of the download";
    return (share >= 0.5) == mostly_model;
}

static bool download_model(struct assess_case *c, const char **why) {
    return judge_download(c, true, why);
}

static bool download_runtime(struct assess_case *c, const char **why) {
    return judge_download(c, false, why);
}

/* ---- devices, workers ----------------------------------------------------------------------- */

static bool device_busy(struct assess_case *c, const char **why) {
    const struct assess_profile *p = c->evidence->profile;
    if (!p || !p->has_device) {
        *why = "the profile has no device in it";
        return false;
    }
    bool yes = p->device_busy >= ASSESS_DEVICE_BUSY && p->device_busy <= 1;
    *why = assess_say(c->pool, "the device was busy %s of the time; %s makes it the bottleneck",
                      percent(c, p->device_busy), percent(c, ASSESS_DEVICE_BUSY));
    return yes && missed_timed(c);
}

static bool device_starved(struct assess_case *c, const char **why) {
    const struct assess_profile *p = c->evidence->profile;
    if (!p || !p->has_device) {
        *why = "the profile has no device in it";
        return false;
    }
    bool yes = p->device_starved >= ASSESS_DEVICE_STARVED && p->device_starved <= 1;
    *why = assess_say(c->pool,
                      "the device stood still with work to come %s of the time; from %s on it "
                      "counts as starved",
                      percent(c, p->device_starved), percent(c, ASSESS_DEVICE_STARVED));
    return yes && missed_timed(c);
}

/* Less than one core is used and threads have nothing to do: the load does not reach them. */
static bool workers(struct assess_case *c, const char **why) {
    const double most_cores = 0.7, least_idle = 0.5;
    double cores = c->evidence->cores_used;
    if (!missed_kind(c, ASSESS_TARGET_THROUGHPUT)) {
        *why = "throughput is not what is missed";
        return false;
    }
    if (!assess_is_given(cores)) {
        *why = "how much of the processor the program used was not measured";
        return false;
    }
    bool waits = c->first == ASSESS_IO || c->first == ASSESS_GIL_WAIT ||
                 c->first == ASSESS_LOCK_WAIT || c->first == ASSESS_DEVICE_WAIT;
    *why = assess_say(c->pool,
                      "the program used %s cores, and its request threads had nothing to do %s of "
                      "the time; below %s cores and from %s on the work is too little spread%s",
                      assess_number_text(c->pool, cores), percent(c, c->idle),
                      assess_number_text(c->pool, most_cores), percent(c, least_idle),
                      waits ? "; but when they work, they wait" : "");
    return cores < most_cores && c->idle >= least_idle && !waits;
}

/* ---- the interpreter ------------------------------------------------------------------------ */

static const char *speedup(struct assess_case *c, int ceiling) {
    return assess_times_text(c->pool, c->verdict->ceilings[ceiling].speedup);
}

static bool enough_glue(struct assess_case *c, const char **why) {
    double glue = c->share[ASSESS_INTERPRETER];
    if (!missed_timed(c)) {
        *why = "neither latency nor throughput nor cost is what is missed";
        return false;
    }
    if (glue < ASSESS_SMALL_SHARE) {
        *why = assess_say(c->pool,
                          "interpreter is %s of the work, less than the %s from which a port can "
                          "pay: even if all Python vanished, at most %s",
                          percent(c, glue), percent(c, ASSESS_SMALL_SHARE),
                          speedup(c, ASSESS_OPTIMISTIC));
        return false;
    }
    return true;
}

static const char *predicted(struct assess_case *c, struct assess_interval latency) {
    const struct assess_target *t = c->missed->target;
    if (t->kind != ASSESS_TARGET_LATENCY || isnan(latency.high)) return "";
    return assess_say(c->pool, " (predicted %s: %s)", assess_quantile_text(c->pool, t->quantile),
                      assess_range_text(c->pool, latency, assess_time_text));
}

static bool helper(struct assess_case *c, const char **why) {
    struct assess_pool *pool = c->pool;
    if (!enough_glue(c, why)) return false;
    const char *share = assess_share_words(c, ASSESS_INTERPRETER);
    if (!c->hot.name) {
        *why = assess_say(pool, "%s, but no one place holds half of it (the largest holds %s)",
                          share, percent(c, c->hot.best_share));
        return false;
    }
    *why = assess_say(pool,
                      "%s, and %s of that is within %s; native code there would give %s%s, which "
                      "%s the target",
                      share, percent(c, c->hot.share), c->hot.name,
                      assess_times_text(pool, c->helper_speedup), predicted(c, c->helper_latency),
                      c->helper_meets ? "meets" : "does not surely meet");
    return c->helper_meets;
}

static const char *helper_advice(struct assess_case *c) {
    return assess_say(c->pool,
                      "write %s, which holds %s of the interpreter's time, as a C helper (C or "
                      "Cython extension) and leave the rest in Python: a request would be %s as "
                      "fast%s",
                      c->hot.name, percent(c, c->hot.share),
                      assess_times_text(c->pool, c->helper_speedup),
                      predicted(c, c->helper_latency));
}

static bool whole(struct assess_case *c, const char **why) {
    if (!enough_glue(c, why)) return false;
    *why = assess_say(c->pool,
                      "%s; a native serving path would realistically give %s%s, which %s "
                      "the target",
                      assess_share_words(c, ASSESS_INTERPRETER), speedup(c, ASSESS_REALISTIC),
                      predicted(c, c->verdict->ceilings[ASSESS_REALISTIC].latency),
                      c->meets[ASSESS_REALISTIC] ? "meets" : "does not surely meet");
    return c->meets[ASSESS_REALISTIC];
}

static const char *whole_advice(struct assess_case *c) {
    const char *web =
        c->meets[ASSESS_WEB]
            ? assess_say(c->pool, "; WebAssembly would do as well (%s)", speedup(c, ASSESS_WEB))
            : "; WebAssembly is not known to be enough";
    return assess_say(c->pool,
                      "move the serving path to C, C++ or Rust, whole, since the interpreter's "
                      "time is spread over it: a request would be %s as fast%s%s",
                      speedup(c, ASSESS_REALISTIC),
                      predicted(c, c->verdict->ceilings[ASSESS_REALISTIC].latency), web);
}

static bool leads(struct assess_case *c, enum assess_bucket b, const char **why) {
    struct assess_pool *pool = c->pool;
    const char *share = assess_share_words(c, b);
    if (!missed_timed(c)) {
        *why = "neither latency nor throughput nor cost is what is missed";
        return false;
    }
    if (c->first != b) {
        *why = assess_say(pool, "%s; %s leads with %s", share, assess_bucket_names[c->first],
                          percent(c, c->share[c->first]));
        return false;
    }
    if (c->share[b] < ASSESS_SMALL_SHARE) {
        *why = assess_say(pool, "%s, the most of all, but below %s nothing dominates", share,
                          percent(c, ASSESS_SMALL_SHARE));
        return false;
    }
    *why =
        assess_say(pool,
                   "%s, the most of all; interpreter is %s, and even if all Python "
                   "vanished, a request would be at most %s as fast",
                   share, percent(c, c->share[ASSESS_INTERPRETER]), speedup(c, ASSESS_OPTIMISTIC));
    return true;
}

static bool too_far(struct assess_case *c, const char **why) {
    if (!leads(c, ASSESS_INTERPRETER, why)) return false;
    *why = assess_say(c->pool,
                      "%s, the most of all, but even if all Python vanished (%s%s), the "
                      "target %s",
                      assess_share_words(c, ASSESS_INTERPRETER), speedup(c, ASSESS_OPTIMISTIC),
                      predicted(c, c->verdict->ceilings[ASSESS_OPTIMISTIC].latency),
                      c->cannot[ASSESS_OPTIMISTIC] ? "would still be missed" : "may be met");
    return c->cannot[ASSESS_OPTIMISTIC];
}

/* ---- where a port does not help ------------------------------------------------------------- */

static bool compute(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_COMPUTE, why);
}
static bool io(struct assess_case *c, const char **why) { return leads(c, ASSESS_IO, why); }
static bool copies(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_MARSHALLING, why);
}
static bool gil(struct assess_case *c, const char **why) { return leads(c, ASSESS_GIL_WAIT, why); }
static bool locks(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_LOCK_WAIT, why);
}
static bool device(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_DEVICE_WAIT, why);
}
static bool garbage(struct assess_case *c, const char **why) { return leads(c, ASSESS_GC, why); }

static bool spread(struct assess_case *c, const char **why) {
    struct assess_pool *pool = c->pool;
    if (!missed_timed(c)) {
        *why = "neither latency nor throughput nor cost is what is missed";
        return false;
    }
    double most = c->share[c->first];
    *why =
        assess_say(pool, "%s leads with %s of the work; below %s nothing dominates",
                   assess_bucket_names[c->first], percent(c, most), percent(c, ASSESS_SMALL_SHARE));
    return c->profiled && most < ASSESS_SMALL_SHARE;
}

static const char *compute_advice(struct assess_case *c) {
    struct assess_pool *pool = c->pool;
    const struct assess_model_timing *m = c->evidence->model;
    const char *timing =
        m && assess_is_given(m->native)
            ? assess_say(pool, " (Ashore runs this model in %s)", assess_time_text(pool, m->native))
            : "";
    return assess_say(pool,
                      "quantise the model, change to a better runtime such as Ashore or ONNX "
                      "Runtime%s, or batch requests",
                      timing);
}

static const char *workers_advice(struct assess_case *c) {
    return assess_say(c->pool,
                      "let more requests run at a time (worker processes, a larger pool, a longer "
                      "queue), since the program used only %s cores",
                      assess_number_text(c->pool, c->evidence->cores_used));
}

/* ---- the table ------------------------------------------------------------------------------ */

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
     client, NULL, "port to WebAssembly", "WebAssembly in the browser"},
    {"footprint", "process footprint, cold start", "memory, cold start",
     "compiled binary or WebAssembly, smaller runtime", "yes: a port-class win", ASSESS_PORT, CLOCK,
     footprint, footprint_advice, NULL, "native C/C++"},
    {"weight", "the model itself", "memory, cold start",
     "smaller or quantised model, weights mapped and not read", "no: the model stays",
     ASSESS_DONT_PORT, CLOCK, weight, NULL,
     "quantise the model or choose a smaller one, and map its weights instead of reading them",
     NULL},
    {"download-model", "the model itself", "download", "quantise to INT8 or FP16",
     "no: the model stays", ASSESS_DONT_PORT, ANY, download_model, NULL,
     "quantise the model to INT8 or FP16 before it is shipped", NULL},
    {"download-runtime", "the runtime and its packages", "download",
     "compiled WebAssembly module instead of Python in the page", "yes: a port-class win",
     ASSESS_PORT, ANY, download_runtime, NULL,
     "ship a compiled WebAssembly module instead of an interpreter and its packages",
     "WebAssembly in the browser"},
    {"device-busy", "model compute on a device that is busy some 85 % of the time",
     "latency, throughput", "quantise, fuse kernels, compiled graph (TensorRT)",
     "no: the kernels are native already", ASSESS_DONT_PORT, CLOCK, device_busy, NULL,
     "quantise the model, fuse its kernels or compile its graph (TensorRT)", NULL},
    {"device-starved", "a device that starves while Python prepares or waits",
     "throughput, latency", "async pipeline, batching, prefetch",
     "no: the data path is the problem", ASSESS_DONT_PORT, CLOCK, device_starved, NULL,
     "feed the device: prefetch and prepare in an async pipeline, and batch", NULL},
    {"workers", "nothing: threads are idle", "throughput", "more workers, more concurrency",
     "no: nothing is busy", ASSESS_DONT_PORT, SHARES, workers, workers_advice, NULL, NULL},
    {"helper", "interpreter and glue, in one place", "latency, throughput, cost",
     "C helper for the hot loop, the rest stays Python", "yes, in part", ASSESS_PORT, LEAD, helper,
     helper_advice, NULL, "Python with a C helper"},
    {"interpreter", "interpreter and glue, spread out", "latency, throughput, cost",
     "C, C++ or Rust serving path, or WebAssembly", "yes", ASSESS_PORT, LEAD, whole, whole_advice,
     NULL, "native C/C++"},
    {"too-far", "interpreter and glue, but the target is out of reach", "latency, throughput, cost",
     "change the work itself: cache, batch, do less per request",
     "no: even without Python it is missed", ASSESS_DONT_PORT, LEAD, too_far, NULL,
     "change the work itself (cache answers, batch, do less per request), or the target", NULL},
    {"compute", "model compute", "latency, throughput, cost",
     "quantise, fuse kernels, better runtime, batching", "no: the kernels are native already",
     ASSESS_DONT_PORT, LEAD, compute, compute_advice, NULL, NULL},
    {"io", "IO, loading", "latency, throughput, cost", "async pipeline, prefetch, batching",
     "no: a port does not touch IO", ASSESS_DONT_PORT, LEAD, io, NULL,
     "overlap the waiting: an async pipeline, prefetch, batched calls", NULL},
    {"marshalling", "copies, conversions, serialising", "latency, throughput, cost",
     "fewer copies, batched crossings, shared memory", "no: the copies are native already",
     ASSESS_DONT_PORT, LEAD, copies, NULL,
     "copy less: batch the crossings, share memory, choose a binary format", NULL},
    {"gil-wait", "waiting for the interpreter's lock", "latency, throughput",
     "more processes, or release the GIL", "no: processes do it sooner", ASSESS_DONT_PORT, LEAD,
     gil, NULL, "run more processes instead of threads, or release the GIL in native code", NULL},
    {"lock-wait", "waiting for another thread", "latency, throughput", "pool sizes, finer locks",
     "no: the design is the problem", ASSESS_DONT_PORT, LEAD, locks, NULL,
     "look at pool sizes and at what the locks protect", NULL},
    {"device-wait", "waiting for a GPU or other device", "latency, throughput",
     "optimise on the device: kernels, transfers, streams", "no: the device sets the pace",
     ASSESS_DONT_PORT, LEAD, device, NULL,
     "optimise on the device (kernels, transfers, streams); import a device trace to see which",
     NULL},
    {"gc", "garbage collection", "latency", "gc.freeze, thresholds, fewer objects",
     "no: tuning does it sooner", ASSESS_DONT_PORT, LEAD, garbage, NULL,
     "call gc.freeze() after start-up, raise the thresholds, and make fewer objects", NULL},
    {"spread", "nothing dominates", "latency, throughput, cost",
     "several small changes, the largest first", "no: no bucket is large enough", ASSESS_DONT_PORT,
     LEAD, spread, NULL, "take the largest buckets one by one; no single change will do", NULL},
};
enum { RULES = sizeof rules / sizeof *rules };

/* The second bucket may do as well where the first does not lead for sure. */
static const char *also(struct assess_case *c, const struct rule *fired) {
    if (fired->outcome != ASSESS_DONT_PORT || fired->trust != LEAD) return "";
    if (c->share[c->second] < ASSESS_SMALL_SHARE) return "";
    if (c->second == ASSESS_INTERPRETER || c->first == ASSESS_INTERPRETER) return "";
    if (c->share[c->first] - c->share[c->second] > c->lead_error) return "";
    return assess_say(c->pool, "; %s (%s) is as large as far as sampling can tell",
                      assess_bucket_names[c->second], percent(c, c->share[c->second]));
}

static const char *objection(struct assess_case *c, const struct rule *rule, const char *doubt) {
    if (rule->trust == ANY) return NULL;
    if (rule->trust == CLOCK)
        return c->noisy && !missed_kind(c, ASSESS_TARGET_MEMORY) ? doubt : NULL;
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
    if (missed_timed(c))
        fired.held_back = doubt ? doubt : assess_decide_tie(c);
    else if (find_footprint(c).asked)
        judge_footprint(c, true, &fired.held_back);
    if (c->missed && cut) fired.held_back = cut;
    return fired;
}
