/* Rows about where the time of requests goes. */
#include "decide_rows.h"

#include <math.h>

bool assess_when_device_busy(struct assess_case *c, const char **why) {
    const struct assess_profile *p = c->evidence->profile;
    if (!p || !p->has_device) {
        *why = "the profile has no device in it";
        return false;
    }
    bool yes = p->device_busy >= ASSESS_DEVICE_BUSY && p->device_busy <= 1;
    *why = assess_say(c->pool, "the device was busy %s of the time (the bottleneck from %s on)",
                      percent(c, p->device_busy), percent(c, ASSESS_DEVICE_BUSY));
    return yes && assess_missed_timed(c);
}

bool assess_when_device_starved(struct assess_case *c, const char **why) {
    const struct assess_profile *p = c->evidence->profile;
    if (!p || !p->has_device) {
        *why = "the profile has no device in it";
        return false;
    }
    bool yes = p->device_starved >= ASSESS_DEVICE_STARVED && p->device_starved <= 1;
    *why = assess_say(
        c->pool, "the device stood still with work to come %s of the time (starved from %s on)",
        percent(c, p->device_starved), percent(c, ASSESS_DEVICE_STARVED));
    return yes && assess_missed_timed(c);
}

/* Less than one core is used and threads have nothing to do: the load does not reach them. */
bool assess_when_workers(struct assess_case *c, const char **why) {
    const double most_cores = 0.7, least_idle = 0.5;
    double cores = c->evidence->cores_used;
    if (!assess_missed_kind(c, ASSESS_TARGET_THROUGHPUT)) {
        *why = "throughput is not what is missed";
        return false;
    }
    if (!assess_is_given(cores)) {
        *why = "how much of the processor the program used was not measured";
        return false;
    }
    bool waits = c->first == ASSESS_IO || c->first == ASSESS_GIL_WAIT ||
                 c->first == ASSESS_LOCK_WAIT || c->first == ASSESS_DEVICE_WAIT;
    *why = assess_say(
        c->pool,
        "the program used %s cores (little: below %s), and its request threads had nothing to do "
        "%s of the time (much: from %s on)%s",
        assess_number_text(c->pool, cores), assess_number_text(c->pool, most_cores),
        percent(c, c->idle), percent(c, least_idle),
        waits ? "; but when they work, they wait" : "");
    return cores < most_cores && c->idle >= least_idle && !waits;
}

/* ---- the interpreter ------------------------------------------------------------------------ */

static const char *speedup(struct assess_case *c, int ceiling) {
    return assess_times_text(c->pool, c->verdict->ceilings[ceiling].speedup);
}

static bool enough_glue(struct assess_case *c, const char **why) {
    double glue = c->weight[ASSESS_INTERPRETER];
    if (!assess_missed_timed(c)) {
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

/* What the missed target's number would become. */
static const char *predicted(struct assess_case *c, struct assess_interval latency,
                             double speedup) {
    struct assess_pool *pool = c->pool;
    const struct assess_target *t = c->missed->target;
    if (c->assumed) return "";
    const struct assess_interval m = c->missed->measured;
    if (t->kind == ASSESS_TARGET_THROUGHPUT) {
        struct assess_interval rate = {m.low * speedup, m.value * speedup, m.high * speedup};
        return assess_say(pool, " (predicted: %s)",
                          assess_range_text(pool, rate, assess_rate_text));
    }
    if (t->kind == ASSESS_TARGET_COST) {
        double cost = m.value * assess_processor_factor(c, 1 / speedup);
        return assess_say(pool, " (predicted: %s)", assess_cost_text(pool, cost));
    }
    if (isnan(latency.low)) return "";
    return assess_say(pool, " (predicted %s: %s)", assess_quantile_text(pool, t->quantile),
                      assess_range_text(pool, latency, assess_time_text));
}

/* The same for one of the ceilings. */
static const char *at_ceiling(struct assess_case *c, int number) {
    const struct assess_ceiling *ceiling = &c->verdict->ceilings[number];
    return predicted(c, ceiling->latency, ceiling->speedup);
}

static const char *reaches(bool surely, bool likely) {
    return surely ? "meets" : likely ? "probably meets, if not for sure," : "does not surely meet";
}

bool assess_when_helper(struct assess_case *c, const char **why) {
    struct assess_pool *pool = c->pool;
    if (!enough_glue(c, why)) return false;
    const char *share = assess_share_words(c, ASSESS_INTERPRETER);
    if (!c->hot.name) {
        *why = assess_say(pool, "%s, but no one place holds half of it (the largest holds %s)",
                          share, percent(c, c->hot.best_share));
        return false;
    }
    const struct assess_ceiling *h = &c->verdict->helper;
    *why = assess_say(pool,
                      "%s, and %s of that is within %s; native code there would give %s%s, which "
                      "%s the target",
                      share, percent(c, c->hot.share), c->hot.name,
                      assess_times_text(pool, h->speedup), predicted(c, h->latency, h->speedup),
                      reaches(h->meets, h->likely));
    return h->likely;
}

/* Threads that wait for Python's lock would not in processes of their own. */
static const char *or_processes(const struct assess_case *c) {
    return c->share[ASSESS_GIL_WAIT] >= ASSESS_SMALL_SHARE
               ? "; where cores are free, more processes in place of threads end the waiting for "
                 "the lock sooner"
               : "";
}

const char *assess_say_helper(struct assess_case *c) {
    return assess_say(c->pool,
                      "rewrite %s as a C helper (a C or Cython extension) and leave the rest in "
                      "Python%s",
                      c->hot.name, or_processes(c));
}

bool assess_when_whole(struct assess_case *c, const char **why) {
    if (!enough_glue(c, why)) return false;
    *why = assess_say(c->pool,
                      "%s; a native serving path would realistically give %s%s, which %s "
                      "the target",
                      assess_share_words(c, ASSESS_INTERPRETER), speedup(c, ASSESS_REALISTIC),
                      at_ceiling(c, ASSESS_REALISTIC),
                      reaches(c->verdict->ceilings[ASSESS_REALISTIC].meets,
                              c->verdict->ceilings[ASSESS_REALISTIC].likely));
    return c->verdict->ceilings[ASSESS_REALISTIC].likely;
}

const char *assess_say_whole(struct assess_case *c) {
    const char *web =
        c->verdict->ceilings[ASSESS_WEB].meets
            ? assess_say(c->pool, "WebAssembly would do as well (%s)", speedup(c, ASSESS_WEB))
            : "WebAssembly is not known to be enough";
    return assess_say(c->pool, "move the serving path to C, C++ or Rust as a whole; %s%s", web,
                      or_processes(c));
}

static bool leads(struct assess_case *c, enum assess_bucket b, const char **why) {
    struct assess_pool *pool = c->pool;
    const char *share = assess_share_words(c, b);
    if (!assess_missed_timed(c)) {
        *why = "neither latency nor throughput nor cost is what is missed";
        return false;
    }
    if (c->first != b) {
        *why = assess_say(pool, "%s; %s leads", share, assess_weight_words(c, c->first));
        return false;
    }
    if (c->weight[b] < ASSESS_SMALL_SHARE) {
        *why = assess_say(pool, "%s, the most of all, but below %s nothing dominates", share,
                          percent(c, ASSESS_SMALL_SHARE));
        return false;
    }
    /* The optimistic ceiling counts on the bucket itself where that is Python's doing. */
    double glue = c->share[ASSESS_INTERPRETER];
    bool pythons = b == ASSESS_MARSHALLING || b == ASSESS_GIL_WAIT || b == ASSESS_GC;
    const char *most =
        pythons ? assess_times_text(pool, 1 / (1 - glue)) : speedup(c, ASSESS_OPTIMISTIC);
    *why = assess_say(pool,
                      "%s, the most of all; interpreter is %s, and even if %s vanished, a request "
                      "would be at most %s as fast",
                      share, percent(c, glue), pythons ? "it" : "all Python", most);
    return true;
}

bool assess_when_too_far(struct assess_case *c, const char **why) {
    if (!leads(c, ASSESS_INTERPRETER, why)) return false;
    *why = assess_say(c->pool,
                      "%s, the most of all, but even if all Python vanished, which would give "
                      "%s%s, the target %s",
                      assess_share_words(c, ASSESS_INTERPRETER), speedup(c, ASSESS_OPTIMISTIC),
                      at_ceiling(c, ASSESS_OPTIMISTIC),
                      c->cannot[ASSESS_OPTIMISTIC]                    ? "would still be missed"
                      : c->verdict->ceilings[ASSESS_OPTIMISTIC].meets ? "would be met"
                                                                      : "may be met");
    return c->cannot[ASSESS_OPTIMISTIC];
}

/* ---- where a port does not help ------------------------------------------------------------- */

bool assess_when_compute(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_COMPUTE, why);
}
bool assess_when_io(struct assess_case *c, const char **why) { return leads(c, ASSESS_IO, why); }
bool assess_when_copies(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_MARSHALLING, why);
}
bool assess_when_gil(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_GIL_WAIT, why);
}
bool assess_when_locks(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_LOCK_WAIT, why);
}
bool assess_when_device(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_DEVICE_WAIT, why);
}
bool assess_when_garbage(struct assess_case *c, const char **why) {
    return leads(c, ASSESS_GC, why);
}

bool assess_when_spread(struct assess_case *c, const char **why) {
    struct assess_pool *pool = c->pool;
    if (!assess_missed_timed(c)) {
        *why = "neither latency nor throughput nor cost is what is missed";
        return false;
    }
    double most = c->weight[c->first];
    *why = assess_say(pool, "%s leads with %s of the work; below %s nothing dominates",
                      assess_bucket_titles[c->first], percent(c, most),
                      percent(c, ASSESS_SMALL_SHARE));
    return c->profiled && most < ASSESS_SMALL_SHARE;
}

const char *assess_say_compute(struct assess_case *c) {
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

const char *assess_say_workers(struct assess_case *c) {
    return assess_say(c->pool,
                      "let more requests run at a time (worker processes, a larger pool, a longer "
                      "queue), since the program used only %s cores",
                      assess_number_text(c->pool, c->evidence->cores_used));
}
