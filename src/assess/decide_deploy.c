/* Rows about where it has to run, and what it takes to start. */
#include "decide_rows.h"

#include <math.h>

bool assess_needs_client(const struct assess_case *c) {
    return c->evidence->must_run_on_client ||
           (c->missed && c->missed->target->kind == ASSESS_TARGET_CLIENT);
}

bool assess_missed_kind(const struct assess_case *c, enum assess_target_kind kind) {
    return c->missed && c->missed->target->kind == kind;
}

bool assess_missed_timed(const struct assess_case *c) {
    return c->missed && assess_is_timed(c->missed->target);
}

bool assess_when_client(struct assess_case *c, const char **why) {
    bool yes = assess_needs_client(c);
    *why = yes ? "it must run on the user's device, and no server can satisfy that"
               : "nothing says that it must run on the user's device";
    return yes;
}

/* Of a cold start or of memory, the part that a native program would have as well: the model's. */
struct footprint {
    bool asked, known;
    double all, stays, limit;
    assess_text_of *text;
    const char *what, *goes, *stays_as; /* "memory"; "the model in the native engine" */
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
                          .what = "cold start",
                          .goes = "the interpreter and its imports"};
    if (assess_is_given(e->first_import) && e->first_import <= e->cold_start) {
        f.known = true;
        f.stays = e->cold_start - e->first_import;
        f.stays_as = "what follows them";
        /* A module may load the model while it is imported. */
        bool later = e->model && assess_is_given(e->model->load_native);
        if (!later || e->model->load_native <= f.stays) return f;
    }
    f.known = has_no_model(c);
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
                          .goes = "the interpreter, its imports and objects",
                          .known = has_no_model(c)};
    if (model && assess_is_given(model->peak_bytes)) {
        f.known = true;
        f.stays = model->peak_bytes;
        f.stays_as = "the model in the native engine";
    } else if (model && model->bytes > 0) {
        f.known = true;
        f.stays = (double)model->bytes;
        f.stays_as = "the model's file alone";
    }
    return f;
}

static struct footprint find_footprint(const struct assess_case *c) {
    if (!c->missed) return (struct footprint){0};
    if (assess_missed_kind(c, ASSESS_TARGET_COLD_START)) return cold_footprint(c);
    if (assess_missed_kind(c, ASSESS_TARGET_MEMORY)) return memory_footprint(c);
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
    if (f.stays == 0) {
        *why = assess_say(pool,
                          "all of %s (%s) is the interpreter's, its imports' and the "
                          "program's own, for there is no model",
                          f.what, f.text(pool, f.all));
        return fits;
    }
    double python = fmax(0, 1 - f.stays / f.all);
    *why = assess_say(pool,
                      "%s of %s (%s) is %s; %s takes %s, %s the %s "
                      "that is wanted",
                      percent(c, python), f.what, f.text(pool, f.all), f.goes, f.stays_as,
                      f.text(pool, f.stays), f.stays <= f.limit ? "within" : "beyond",
                      f.text(pool, f.limit));
    return (f.stays <= f.limit) == fits;
}

bool assess_when_footprint(struct assess_case *c, const char **why) {
    return judge_footprint(c, true, why);
}

bool assess_when_weight(struct assess_case *c, const char **why) {
    return judge_footprint(c, false, why);
}

const char *assess_say_footprint(struct assess_case *c) {
    struct footprint f = find_footprint(c);
    const char *left = f.stays > 0 ? assess_say(c->pool, "; about %s of %s would remain",
                                                f.text(c->pool, f.stays), f.what)
                                   : "";
    return assess_say(
        c->pool, "build a compiled binary (or a WebAssembly module) that does without Python%s",
        left);
}

const char *assess_say_client(struct assess_case *c) {
    const struct assess_model_timing *m = c->evidence->model;
    if (c->profiled && c->share[ASSESS_COMPUTE] < 0.05 && !m) {
        return "compile it to WebAssembly; since it is nearly all Python, Pyodide would run it as "
               "it is, at the price of an interpreter to download and start";
    }
    return "compile model and glue to one WebAssembly module; Pyodide would bring an interpreter "
           "to download and start, and does not make the model any faster";
}

static bool judge_download(struct assess_case *c, bool mostly_model, const char **why) {
    const struct assess_evidence *e = c->evidence;
    struct assess_pool *pool = c->pool;
    if (!assess_missed_kind(c, ASSESS_TARGET_DOWNLOAD)) {
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

bool assess_when_download_model(struct assess_case *c, const char **why) {
    return judge_download(c, true, why);
}

bool assess_when_download_runtime(struct assess_case *c, const char **why) {
    return judge_download(c, false, why);
}

const char *assess_say_no_footprint(struct assess_case *c) {
    const char *why = NULL;
    if (find_footprint(c).asked) judge_footprint(c, true, &why);
    return why;
}
