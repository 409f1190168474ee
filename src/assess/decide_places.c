/* Where it can run: the comparison that stands in every report. */
#include "decide.h"

#include <math.h>
#include <string.h>

static const struct assess_target *latency_target(const struct assess_case *c) {
    const struct assess_verdict *v = c->verdict;
    if (c->missed && c->missed->target->kind == ASSESS_TARGET_LATENCY) return c->missed->target;
    for (size_t i = 0; i < v->finding_count; i++) {
        if (v->findings[i].target->kind == ASSESS_TARGET_LATENCY) return v->findings[i].target;
    }
    return NULL;
}

static const char *predicted(struct assess_case *c, struct assess_interval latency, double speedup,
                             const char *otherwise) {
    struct assess_pool *pool = c->pool;
    const struct assess_target *t = latency_target(c);
    if (!isfinite(speedup)) return otherwise;
    if (!t || isnan(latency.low) || isinf(latency.low)) {
        return assess_say(pool, "predicted: %s as fast", assess_times_text(pool, speedup));
    }
    return assess_say(pool, "predicted: %s %s, %s as fast", assess_quantile_text(pool, t->quantile),
                      assess_range_text(pool, latency, assess_time_text),
                      assess_times_text(pool, speedup));
}

static const char *of_ceiling(struct assess_case *c, int number, const char *otherwise) {
    const struct assess_verdict *v = c->verdict;
    if ((size_t)number >= v->ceiling_count) return otherwise;
    return predicted(c, v->ceilings[number].latency, v->ceilings[number].speedup, otherwise);
}

static const char *measured(struct assess_case *c) {
    struct assess_pool *pool = c->pool;
    const struct assess_verdict *v = c->verdict;
    const struct assess_target *t = latency_target(c);
    for (size_t i = 0; t && i < v->finding_count; i++) {
        const struct assess_finding *f = &v->findings[i];
        if (f->target != t || isnan(f->measured.value)) continue;
        return assess_say(pool, "measured: %s %s", assess_quantile_text(pool, t->quantile),
                          assess_interval_text(pool, f->measured, assess_time_text));
    }
    if (isnan(v->request_seconds.value)) return "not measured";
    return assess_say(pool, "measured: a request takes %s (median)",
                      assess_time_text(pool, v->request_seconds.value));
}

static const char *cuda(struct assess_case *c) {
    const struct assess_profile *p = c->evidence->profile;
    struct assess_pool *pool = c->pool;
    if (p && p->has_device) {
        return assess_say(pool,
                          "from the imported trace: the device was busy %s and starved %s of "
                          "the time",
                          assess_percent_text(pool, p->device_busy),
                          assess_percent_text(pool, p->device_starved));
    }
    return c->evidence->has_gpu ? "not measured: import a trace of a run on the GPU"
                                : "not measured: no GPU";
}

static const char *web_words(struct assess_case *c) {
    const struct assess_model_timing *m = c->evidence->model;
    struct assess_pool *pool = c->pool;
    if (m && assess_is_given(m->wasm)) {
        return assess_say(pool, "near-native on the CPU: this model takes %s, native %s",
                          assess_time_text(pool, m->wasm), assess_time_text(pool, m->native));
    }
    return "near-native on the CPU, no GPU by itself; for interpreter-bound work that needs reach";
}

void assess_decide_places(struct assess_case *c, const char *recommended) {
    const char *no_profile = "not known: there is no profile", *no_ratio = "not measured";
    const char *no_hot = "not predicted: no one place holds half of the interpreter's time";
    const char *web = of_ceiling(c, ASSESS_WEB, no_ratio);
    const struct assess_place places[] = {
        {"Python", measured(c), "anywhere Python runs", "none", "prototypes, IO-bound paths",
         false},
        {"Python with a C helper",
         c->hot.name ? predicted(c, c->verdict->helper.latency, c->verdict->helper.speedup, no_hot)
                     : no_hot,
         "a binary per platform beside Python", "a call per use",
         c->hot.name ? assess_say(c->pool, "native code for %s", c->hot.name)
                     : "for a hot loop in one place",
         false},
        {"native C/C++", of_ceiling(c, ASSESS_REALISTIC, no_profile), "a binary per platform",
         "none", "latency-critical, controlled deployment; full SIMD and threads", false},
        {"CUDA", cuda(c), "hosts with a GPU", "host to device and back",
         "far ahead on parallel model compute; does nothing for the interpreter", false},
        {"WebAssembly in the browser", web, "browsers", "a copy per call", web_words(c), false},
        {"Pyodide", "not measured: the interpreter itself is slower there than here", "browsers",
         "a copy per call, and Python in the page",
         "reuses a pure-Python stack verbatim; some 10 MB and seconds of start-up", false},
        {"WebAssembly at the edge (WASI)", web, "edge runtimes and servers", "a copy per call",
         "fast starts; threads and SIMD depend on the host, wasi-nn on its backend", false},
    };
    enum { PLACES = sizeof places / sizeof *places };
    struct assess_place *copy = assess_alloc_array(c->pool, PLACES, sizeof *copy);
    if (!copy) return;
    memcpy(copy, places, sizeof places);
    const char *wanted = recommended ? recommended : "Python";
    for (size_t i = 0; i < PLACES; i++) copy[i].recommended = strcmp(copy[i].name, wanted) == 0;
    c->verdict->places = copy;
    c->verdict->place_count = PLACES;
}
