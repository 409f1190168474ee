/* Speedscope files: one sampled profile per request thread, weights in seconds, and the bucket as
 * a last frame "[compute]" of every stack, so that a viewer sums up by bucket too.
 *
 * Source: the format's type definitions (file-format-spec.ts of speedscope). */
#include "export_text.h"
#include "whole_file.h"

#include <math.h>

/* The functions, then the buckets. */
static void add_frames(struct assess_text *text, const struct assess_profile *p) {
    assess_text_add(text, "\"shared\":{\"frames\":[");
    for (size_t i = 0; i < p->function_count; i++) {
        const struct assess_function *f = &p->functions[i];
        uint32_t line = 0;
        size_t length = f->python ? assess_split_place(f->place, &line) : 0;
        assess_text_add(text, i ? ",\n{\"name\":" : "\n{\"name\":");
        assess_add_json(text, f->name);
        if (line) {
            struct assess_text file = {0};
            assess_text_add_bytes(&file, f->place, length);
            assess_text_add(text, ",\"file\":");
            assess_add_json(text, file.bytes ? file.bytes : "");
            text->failed = text->failed || file.failed;
            assess_text_deinit(&file);
            assess_text_printf(text, ",\"line\":%u", line);
        } else if (f->place[0] || f->python) {
            assess_text_add(text, ",\"file\":");
            assess_add_json(text, f->place[0] ? f->place : "<python>");
        }
        assess_text_add(text, "}");
    }
    for (size_t i = 0; i < ASSESS_BUCKETS; i++) {
        assess_text_printf(text, "%s\n{\"name\":\"[%s]\"}", i || p->function_count ? "," : "",
                           assess_bucket_names[i]);
    }
    assess_text_add(text, "]}");
}

static void add_stack(struct assess_text *text, const struct assess_profile *p,
                      const struct assess_stack *s) {
    assess_text_add(text, "[");
    for (size_t i = 0; i < s->depth; i++) assess_text_printf(text, "%u,", s->frames[i]);
    assess_text_printf(text, "%zu]", p->function_count + s->bucket);
}

/* samples and weights are written side by side, and joined at the end. */
struct profile_text {
    struct assess_text samples, weights;
    double sum;
};

static void add_sample(struct profile_text *out, const struct assess_profile *p, uint32_t stack,
                       double seconds) {
    if (!(seconds > 0) || !isfinite(seconds) || stack >= p->stack_count) return;
    if (out->samples.length) assess_text_add(&out->samples, ",");
    if (out->weights.length) assess_text_add(&out->weights, ",");
    add_stack(&out->samples, p, &p->stacks[stack]);
    assess_text_printf(&out->weights, "%.9g", seconds);
    out->sum += seconds;
}

static void end_profile(struct assess_text *text, struct profile_text *out, const char *name,
                        bool first) {
    assess_text_add(text, first ? "\n" : ",\n");
    assess_text_add(text, "{\"type\":\"sampled\",\"name\":");
    assess_add_json(text, name);
    assess_text_printf(text, ",\"unit\":\"seconds\",\"startValue\":0,\"endValue\":%.9g,\n",
                       out->sum);
    assess_text_printf(text, "\"samples\":[%s],\n", out->samples.bytes ? out->samples.bytes : "");
    assess_text_printf(text, "\"weights\":[%s]}", out->weights.bytes ? out->weights.bytes : "");
    text->failed = text->failed || out->samples.failed || out->weights.failed;
    assess_text_deinit(&out->samples);
    assess_text_deinit(&out->weights);
    out->sum = 0;
}

/* A timeline may end early, or be a little longer where samples were missed: whether its times are
 * those of the stacks all the same. */
static bool is_whole(const struct assess_profile *p, const uint32_t *order) {
    double stacks = 0, spans = 0;
    const struct assess_thread *t = NULL;
    for (size_t i = 0; i < p->stack_count; i++) stacks += p->stacks[i].seconds;
    for (size_t i = 0; i < p->span_count; i++) {
        const struct assess_span *span = &p->spans[order[i]];
        if (!t || t->pid != span->pid || t->tid != span->tid) {
            t = assess_find_thread(p, span->pid, span->tid);
        }
        if (t && t->request) spans += span->end - span->begin;
    }
    return spans > 0.98 * stacks && spans < 1.02 * stacks;
}

/* Returns how many profiles there are. */
static size_t add_threads(struct assess_text *text, const struct assess_profile *p,
                          const uint32_t *order) {
    struct profile_text out = {0};
    size_t profiles = 0;
    for (size_t i = 0, next; i < p->span_count; i = next) {
        const struct assess_span *first = &p->spans[order[i]];
        const struct assess_thread *t = assess_find_thread(p, first->pid, first->tid);
        for (next = i; next < p->span_count; next++) {
            const struct assess_span *span = &p->spans[order[next]];
            if (span->pid != first->pid || span->tid != first->tid) break;
            if (t && t->request) add_sample(&out, p, span->stack, span->end - span->begin);
        }
        if (!t || !t->request) continue;
        struct assess_text name = {0};
        assess_text_printf(&name, "Process %u Thread %u \"%s\"", t->pid, t->tid,
                           t->name ? t->name : "");
        end_profile(text, &out, name.bytes ? name.bytes : "", profiles++ == 0);
        text->failed = text->failed || name.failed;
        assess_text_deinit(&name);
    }
    return profiles;
}

int assess_export_speedscope(const struct assess_profile *profile, const char *path,
                             struct ashore_error *err) {
    const struct assess_profile *p = profile;
    struct assess_text text = {0};
    struct profile_text all = {0};
    uint32_t *order = assess_order_spans(p);
    text.failed = !order;
    assess_text_add(&text, "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
                           "\"exporter\":\"ashore assess\",\"name\":\"ashore assess\",\n"
                           "\"activeProfileIndex\":0,\n\"profiles\":[");
    size_t profiles = order && is_whole(p, order) ? add_threads(&text, p, order) : 0;
    if (profiles == 0) {
        for (size_t i = 0; i < p->stack_count; i++) {
            add_sample(&all, p, (uint32_t)i, p->stacks[i].seconds);
        }
        end_profile(&text, &all, "request threads", true);
    }
    assess_text_add(&text, "],\n");
    add_frames(&text, p);
    assess_text_add(&text, "}\n");
    int rc = text.failed ? assess_fail(err, ASHORE_ERR_NOMEM, "%s: out of memory", path)
                         : assess_write_file(path, text.bytes, text.length, err);
    assess_text_deinit(&text);
    assess_realloc(order, 0);
    return rc;
}
