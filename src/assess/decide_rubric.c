/* Does a Pyodide page fit, and what does WebAssembly help?  A balance, not a checklist. */
#include "decide.h"

#include <math.h>

struct signal {
    const char *id, *signal, *pyodide, *server;
    /* Whether it applies, with how that is known; NULL: a question that only people can answer. */
    bool (*applies)(struct assess_case *, const char **why);
    const char *question;
};

static bool stays_on_client(struct assess_case *c, const char **why) {
    bool yes = assess_needs_client(c);
    *why = yes ? "given: it must run on the user's device" : "not given: a server is allowed";
    return yes;
}

static bool accelerated(struct assess_case *c, const char **why) {
    const struct assess_profile *p = c->evidence->profile;
    bool device = (p && p->has_device) || c->evidence->has_gpu;
    bool bound = c->share[ASSESS_COMPUTE] + c->share[ASSESS_DEVICE_WAIT] >= 0.5;
    if (!c->profiled) {
        *why = "there is no profile";
        return false;
    }
    *why = assess_say(
        c->pool, "compute and waiting for a device are %s of the work, %s a GPU",
        assess_percent_text(c->pool, c->share[ASSESS_COMPUTE] + c->share[ASSESS_DEVICE_WAIT]),
        device ? "with" : "without");
    return device && bound;
}

static bool small_work(struct assess_case *c, const char **why) {
    const double most_seconds = 0.1, most_bytes = 50e6; /* the client's envelope: 20 to 50 MB */
    const struct assess_model_timing *m = c->evidence->model;
    double request = c->verdict->request_seconds.value;
    if (isnan(request)) {
        *why = "how long a request takes was not measured";
        return false;
    }
    const char *size = m && m->bytes ? assess_say(c->pool, ", and the model's file is %s",
                                                  assess_bytes_text(c->pool, (double)m->bytes))
                                     : "";
    *why =
        assess_say(c->pool, "a request takes %s here%s; small is up to %s and %s",
                   assess_time_text(c->pool, request), size,
                   assess_time_text(c->pool, most_seconds), assess_bytes_text(c->pool, most_bytes));
    return request <= most_seconds && !(m && (double)m->bytes > most_bytes);
}

static bool pure_python(struct assess_case *c, const char **why) {
    if (!c->profiled) {
        *why = "there is no profile";
        return false;
    }
    *why = assess_say(c->pool, "native libraries compute for %s of the work",
                      assess_percent_text(c->pool, c->share[ASSESS_COMPUTE]));
    return c->share[ASSESS_COMPUTE] < 0.05;
}

static bool tight_latency(struct assess_case *c, const char **why) {
    const struct assess_model_timing *m = c->evidence->model;
    struct assess_pool *pool = c->pool;
    const struct assess_target *t = NULL;
    for (size_t i = 0; i < c->verdict->finding_count && !t; i++) {
        const struct assess_target *candidate = c->verdict->findings[i].target;
        if (candidate->kind == ASSESS_TARGET_LATENCY) t = candidate;
    }
    if (!t || !m || !assess_is_given(m->wasm)) {
        *why = t ? "how fast WebAssembly runs the model was not measured" : "no latency is wanted";
        return false;
    }
    *why = assess_say(pool, "the model takes %s in WebAssembly here, where %s is wanted",
                      assess_time_text(pool, m->wasm), assess_time_text(pool, t->limit));
    return m->wasm > t->limit;
}

static const struct signal signals[] = {
    {"client", "no server round trip allowed, data must stay on the client", "strong", "weak",
     stays_on_client, NULL},
    {"accelerated", "compute-bound, accelerated on a GPU natively", "poor", "strong", accelerated,
     NULL},
    {"small", "small, CPU-friendly work", "good", "often overkill", small_work, NULL},
    {"long-lived", "long-lived interaction (cold start amortises)", "tolerable", "", NULL,
     "not measured: how long does a user stay?"},
    {"one-shot", "one-shot interaction", "weak: cold start dominates", "", NULL,
     "not measured: how many inferences follow a page load?"},
    {"offline", "offline or intermittent network", "strong", "weak", NULL,
     "not measured: must it work without a network?"},
    {"pure-python", "a pure-Python stack to reuse verbatim", "direct", "needs a port", pure_python,
     NULL},
    {"tight", "latency target tighter than CPU WebAssembly can meet", "weak", "strong",
     tight_latency, NULL},
};

static void add_helps(struct assess_case *c) {
    static const struct {
        const char *id, *example, *answer;
        enum assess_bucket buckets[2];
    } helps[] = {
        {"interpreter",
         "loops before and after the model, tokenization, glue",
         "yes, often much on this bucket",
         {ASSESS_INTERPRETER, ASSESS_GC}},
        {"compute",
         "matmul, convolution, attention",
         "rarely: as fast as native at best, and slower than a GPU",
         {ASSESS_COMPUTE, ASSESS_DEVICE_WAIT}},
        {"IO and marshalling",
         "loading weights, crossing the sandbox, fetch",
         "no, often worse: every crossing copies in proportion to the tensor",
         {ASSESS_IO, ASSESS_MARSHALLING}},
    };
    enum { COUNT = sizeof helps / sizeof *helps };
    struct assess_row *rows = assess_alloc_array(c->pool, COUNT, sizeof *rows);
    if (!rows) return;
    double most = 0;
    for (size_t i = 0; i < COUNT; i++) {
        most = fmax(most, c->share[helps[i].buckets[0]] + c->share[helps[i].buckets[1]]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        double share = c->share[helps[i].buckets[0]] + c->share[helps[i].buckets[1]];
        rows[i] = (struct assess_row){
            .id = helps[i].id,
            .dominant = helps[i].id,
            .missed = helps[i].example,
            .intervention = "cross the boundary rarely, with large batches; keep state inside",
            .port_pays = helps[i].answer,
            .fired = c->profiled && share == most,
            .why = c->profiled ? assess_say(c->pool, "%s of the work%s",
                                            assess_percent_text(c->pool, share),
                                            share == most ? ", the most of the three" : "")
                               : "there is no profile",
        };
    }
    c->verdict->helps = rows;
    c->verdict->help_count = COUNT;
}

void assess_decide_rubric(struct assess_case *c) {
    enum { SIGNALS = sizeof signals / sizeof *signals };
    add_helps(c);
    struct assess_row *rows = assess_alloc_array(c->pool, SIGNALS, sizeof *rows);
    if (!rows) return;
    for (size_t i = 0; i < SIGNALS; i++) {
        const struct signal *s = &signals[i];
        rows[i] = (struct assess_row){
            .id = s->id,
            .dominant = s->signal,
            .missed = "",
            .intervention = s->server,
            .port_pays = s->pyodide,
            .why = s->question,
        };
        if (s->applies) rows[i].fired = s->applies(c, &rows[i].why);
    }
    c->verdict->rubric = rows;
    c->verdict->rubric_count = SIGNALS;
}
