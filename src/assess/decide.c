/* The outcome and its sentence. */
#include "decide.h"

#include <math.h>

/* What was seen, for a verdict that says no more. */
static const char *seen(struct assess_case *c) {
    struct assess_pool *pool = c->pool;
    if (!c->profiled) return "";
    const struct assess_profile *p = c->evidence->profile;
    const char *device =
        p->has_device ? assess_say(pool, ", the device was busy %s of the time and starved %s",
                                   assess_percent_text(pool, p->device_busy),
                                   assess_percent_text(pool, p->device_starved))
                      : "";
    const char *python = c->first == ASSESS_INTERPRETER
                             ? ""
                             : assess_say(pool, ", %s", assess_share_words(c, ASSESS_INTERPRETER));
    return assess_say(pool, "; seen so far: %s leads the work%s%s",
                      assess_weight_words(c, c->first), python, device);
}

static const char *partial(const struct assess_case *c) {
    const struct assess_evidence *e = c->evidence;
    if (e->partial) return e->partial;
    if (e->run && e->run->interrupted) return "the run was interrupted";
    return NULL;
}

static void inconclusive(struct assess_case *c, const char *because) {
    struct assess_verdict *v = c->verdict;
    v->outcome = ASSESS_INCONCLUSIVE;
    v->sentence = assess_say(c->pool, "Inconclusive: %s%s.", because, seen(c));
    v->intervention = "measure again, as the verdict says, before anything is changed";
}

static const char *unmeasured(struct assess_case *c) {
    if (c->verdict->finding_count == 0) {
        return "there is no target to hold it against; give --target, as in --target p99=40ms";
    }
    if (c->missed) return c->missed->words;
    return c->open ? c->open->words : "no target could be judged";
}

static void meets(struct assess_case *c) {
    struct assess_verdict *v = c->verdict;
    struct assess_pool *pool = c->pool;
    const char *shares = c->profiled
                             ? assess_say(pool, " (of its work, interpreter is %s and compute %s)",
                                          assess_percent_text(pool, c->share[ASSESS_INTERPRETER]),
                                          assess_percent_text(pool, c->share[ASSESS_COMPUTE]))
                             : "";
    v->outcome = ASSESS_MEETS_TARGET;
    v->intervention = "leave it as it is";
    v->sentence = assess_say(pool, "Nothing to port: %s%s.",
                             v->finding_count == 1
                                 ? assess_finding_brief(c, &v->findings[0])
                                 : assess_say(pool, "all %zu targets are met", v->finding_count),
                             shares);
}

static const char *reason(struct assess_case *c) {
    return c->missed ? assess_finding_brief(c, c->missed) : "it must run on the user's device";
}

static const char *others(struct assess_case *c) {
    const struct assess_verdict *v = c->verdict;
    size_t missed = 0, open = 0;
    for (size_t i = 0; i < v->finding_count; i++) {
        const struct assess_finding *f = &v->findings[i];
        missed += f != c->missed && f->claim == ASSESS_CLAIM_MISSED;
        open += f != c->missed && f->claim == ASSESS_CLAIM_OPEN;
    }
    const char *more =
        missed
            ? assess_say(c->pool, "; %s missed too",
                         assess_count_text(c->pool, missed, "other target is", "other targets are"))
            : "";
    return open ? assess_say(c->pool, "%s; %s open", more,
                             assess_count_text(c->pool, open, "target is", "targets are"))
                : more;
}

static void decided(struct assess_case *c, const struct assess_fired *fired) {
    struct assess_verdict *v = c->verdict;
    bool port = fired->outcome == ASSESS_PORT;
    v->outcome = fired->outcome;
    v->intervention = fired->advice;
    const char *because = fired->row->why;
    /* The client's row gives the reason that the target is. */
    if (!assess_needs_client(c)) because = assess_say(c->pool, "%s; %s", reason(c), because);
    v->sentence = assess_say(c->pool, "%s: %s; %s: %s%s.", port ? "Port" : "Don't port", because,
                             port ? "what to do" : "instead", fired->advice, others(c));
}

/* The time of a request that a port leaves, by bucket. */
static void remains(struct assess_case *c) {
    static const enum assess_bucket left[] = {ASSESS_COMPUTE,     ASSESS_IO,
                                              ASSESS_MARSHALLING, ASSESS_LOCK_WAIT,
                                              ASSESS_DEVICE_WAIT, ASSESS_UNKNOWN};
    struct assess_pool *pool = c->pool;
    struct assess_text text = {0};
    double request = c->work_seconds;
    if (!c->profiled) {
        c->verdict->remains = "not known: there is no profile";
        return;
    }
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        double share = c->share[left[i]];
        if (share < 0.005) continue;
        const char *size = request > 0 ? assess_time_text(pool, share * request)
                                       : assess_percent_text(pool, share);
        assess_text_printf(&text, "%s%s of %s", text.length ? ", " : "", size,
                           assess_bucket_titles[left[i]]);
    }
    double python = c->share[ASSESS_INTERPRETER] + c->share[ASSESS_GC];
    const char *rest = request > 0 ? assess_time_text(pool, python * ASSESS_RESIDUAL * request)
                                   : assess_percent_text(pool, python * ASSESS_RESIDUAL);
    const char *of =
        request > 0 ? assess_say(pool, "Of %s of work per request", assess_time_text(pool, request))
                    : "Of the work";
    c->verdict->remains = assess_say(
        pool, "%s a full port would leave %s%s%s for what is now the interpreter's (an estimate).",
        of, text.bytes ? text.bytes : "", text.length ? " and about " : "about ", rest);
    if (text.failed) pool->failed = true;
    assess_text_deinit(&text);
}

static void choose(struct assess_case *c) {
    const char *doubt = assess_decide_doubt(c), *cut = partial(c);
    struct assess_pool *pool = c->pool;
    if (cut) {
        cut = assess_say(
            pool, "measuring ended early (%s), so that this is only a part; run it again", cut);
    }
    struct assess_fired fired = assess_decide_rows(c, doubt, cut);
    bool targets = c->verdict->finding_count > 0;
    if (fired.row) {
        decided(c, &fired);
    } else if (fired.held_back) {
        inconclusive(c, assess_say(pool, "%s, but %s", reason(c), fired.held_back));
    } else if (cut) {
        inconclusive(c, cut);
    } else if (!targets || c->missed || c->open) {
        inconclusive(c, unmeasured(c));
    } else if (c->disagree) {
        inconclusive(c, doubt);
    } else {
        meets(c);
    }
    assess_decide_places(c, fired.row ? fired.place : NULL);
}

int assess_decide(const struct assess_evidence *evidence, struct assess_pool *pool,
                  struct assess_verdict *verdict, struct ashore_error *err) {
    static const struct assess_evidence nothing = {
        .port_days = -1, .upkeep_days = -1, .day_cost = -1};
    struct assess_case c = {
        .evidence = evidence ? evidence : &nothing, .pool = pool, .verdict = verdict};
    *verdict = (struct assess_verdict){0};
    assess_decide_shares(&c);
    assess_decide_hot_spot(&c);
    assess_decide_findings(&c);
    assess_decide_ceilings(&c);
    choose(&c);
    assess_decide_rubric(&c);
    assess_decide_account(&c);
    assess_decide_checklist(&c);
    remains(&c);
    if (!pool->failed) return ASHORE_OK;
    return assess_fail(err, ASHORE_ERR_NOMEM, "out of memory while the verdict was made");
}
