/* Before committing to the client: five numbers, written down. */
#include "decide.h"

#include <math.h>

static const char *target_text(struct assess_case *c, enum assess_target_kind kind,
                               assess_text_of *text) {
    for (size_t i = 0; i < c->verdict->finding_count; i++) {
        const struct assess_target *t = c->verdict->findings[i].target;
        if (t->kind == kind) {
            return assess_say(c->pool, "the budget is %s", text(c->pool, t->limit));
        }
    }
    return "write the budget down";
}

static const char *footprint(struct assess_case *c) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    const char *model = e->model && e->model->bytes
                            ? assess_say(pool, ", the model's file is %s uncompressed",
                                         assess_bytes_text(pool, (double)e->model->bytes))
                            : "";
    const char *size =
        assess_is_given(e->download_bytes)
            ? assess_say(pool, "%s compressed%s", assess_bytes_text(pool, e->download_bytes), model)
            : assess_say(pool,
                         "not measured%s; add up everything that a page loads, "
                         "compressed with brotli",
                         model);
    return assess_say(pool, "Footprint of the real closure: %s; %s.", size,
                      target_text(c, ASSESS_TARGET_DOWNLOAD, assess_bytes_text));
}

static const char *cold_start(struct assess_case *c) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    const char *today =
        assess_is_given(e->cold_start)
            ? assess_say(pool, "the server takes %s today", assess_time_text(pool, e->cold_start))
            : "the server's own was not measured";
    return assess_say(pool,
                      "Cold start to the first inference on the client: not measured here (%s); "
                      "measure it on a mid-range phone with a cold and a warm cache, of which the "
                      "gap tells download from instantiation; %s.",
                      today, target_text(c, ASSESS_TARGET_COLD_START, assess_time_text));
}

static const char *inference(struct assess_case *c) {
    const struct assess_model_timing *m = c->evidence->model;
    struct assess_pool *pool = c->pool;
    if (!m || !assess_is_given(m->native)) {
        return "Latency of an inference against the same model native or served: not measured; "
               "give --model.";
    }
    const char *web =
        assess_is_given(m->wasm)
            ? assess_say(pool, "%s in WebAssembly, %s as long", assess_time_text(pool, m->wasm),
                         assess_times_text(pool, m->wasm / m->native))
            : assess_say(pool, "not measured in WebAssembly (%s)",
                         m->wasm_why ? m->wasm_why : "no reason was recorded");
    return assess_say(pool,
                      "Latency of an inference against the same model native: %s natively, %s, on "
                      "this machine; repeat it on the client's.",
                      assess_time_text(pool, m->native), web);
}

void assess_decide_checklist(struct assess_case *c) {
    enum { ITEMS = 5 };
    struct assess_verdict *v = c->verdict;
    v->checklist = assess_alloc_array(c->pool, ITEMS, sizeof *v->checklist);
    if (!v->checklist) return;
    v->checklist_count = ITEMS;
    v->checklist[0] = footprint(c);
    v->checklist[1] = cold_start(c);
    v->checklist[2] = inference(c);
    v->checklist[3] = "Threads and SharedArrayBuffer in the real hosting: not measured here; open "
                      "the page where it will be served and see that crossOriginIsolated is true "
                      "(it takes the COOP and COEP headers).";
    v->checklist[4] =
        "The fallback when a device misses the budget: decide now whether to degrade, "
        "to ask a server, or to exclude that class of device, and count how many "
        "users that is.";
}
