#include "report.h"

#include "report_facts.h"
#include "utf8.h"
#include "whole_file.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* The fields and their meaning: docs/assess-report.schema.json.  A value that is not known, or not
 * finite, is null.  A json_t that could not be made is NULL, which the next put or append notices:
 * writer.failed says so. */

enum { MOST_FUNCTIONS = 2000, SLICES = 200 };

struct writer {
    struct assess_pool pool;
    bool failed;
};

/* ---- values --------------------------------------------------------------------------------- */

/* Adds a value, whose reference it takes. */
static void put(struct writer *w, json_t *object, const char *key, json_t *value) {
    if (json_object_set_new(object, key, value)) w->failed = true;
}

static void append(struct writer *w, json_t *array, json_t *value) {
    if (json_array_append_new(array, value)) w->failed = true;
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* Zero stands for "not measured" in what was measured once. */
static json_t *measured(double value) { return value > 0 ? number(value) : json_null(); }

static json_t *count_of(uint64_t value) {
    return json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value));
}

/* Bytes that are no UTF-8 become U+FFFD. */
static json_t *text(struct writer *w, const char *s) {
    if (!s) return json_null();
    struct assess_text clean = {0};
    size_t size;
    for (int32_t code; (size = assess_utf8_next(s, &code)) > 0; s += size) {
        if (code == ASSESS_UTF8_BAD) {
            assess_text_add(&clean, "\xef\xbf\xbd");
        } else {
            assess_text_add_bytes(&clean, s, size);
        }
    }
    json_t *value = json_string(clean.bytes ? clean.bytes : "");
    if (clean.failed) w->failed = true;
    assess_text_deinit(&clean);
    return value;
}

static void put_text(struct writer *w, json_t *object, const char *key, const char *s) {
    put(w, object, key, text(w, s));
}

static void put_number(struct writer *w, json_t *object, const char *key, double value) {
    put(w, object, key, number(value));
}

static json_t *interval(struct writer *w, struct assess_interval given) {
    json_t *o = json_object();
    put_number(w, o, "low", given.low);
    put_number(w, o, "value", given.value);
    put_number(w, o, "high", given.high);
    return o;
}

static json_t *buckets(struct writer *w, const double values[ASSESS_BUCKETS]) {
    json_t *o = json_object();
    for (int b = 0; b < ASSESS_BUCKETS; b++) put_number(w, o, assess_bucket_names[b], values[b]);
    return o;
}

static json_t *texts(struct writer *w, const char *const *lines, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) append(w, array, text(w, lines[i]));
    return array;
}

/* ---- verdict -------------------------------------------------------------------------------- */

static json_t *target(struct writer *w, const struct assess_target *given) {
    bool has_limit = given->kind != ASSESS_TARGET_CLIENT;
    json_t *o = json_object();
    put_text(w, o, "text", given->text);
    put_text(w, o, "kind", assess_target_id(given->kind));
    put_number(w, o, "quantile", given->kind == ASSESS_TARGET_LATENCY ? given->quantile : NAN);
    put_number(w, o, "limit", has_limit ? given->limit : NAN);
    put_text(w, o, "unit", has_limit ? assess_target_unit(given->kind) : NULL);
    return o;
}

static json_t *findings(struct writer *w, const struct assess_verdict *verdict) {
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->finding_count; i++) {
        const struct assess_finding *finding = &verdict->findings[i];
        json_t *o = json_object();
        put(w, o, "target", target(w, finding->target));
        put(w, o, "measured", interval(w, finding->measured));
        put_text(w, o, "claim", assess_claim_id(finding->claim));
        put_text(w, o, "words", finding->words);
        append(w, array, o);
    }
    return array;
}

static json_t *ceiling_of(struct writer *w, const struct assess_ceiling *ceiling) {
    json_t *o = json_object();
    put_text(w, o, "name", ceiling->name);
    put_number(w, o, "factor", ceiling->factor);
    put_number(w, o, "speedup", ceiling->speedup);
    put(w, o, "latency", interval(w, ceiling->latency));
    put(w, o, "meets", json_boolean(ceiling->meets));
    put(w, o, "likely", json_boolean(ceiling->likely));
    put_text(w, o, "basis", ceiling->basis);
    return o;
}

static json_t *ceilings(struct writer *w, const struct assess_verdict *verdict) {
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->ceiling_count; i++) {
        append(w, array, ceiling_of(w, &verdict->ceilings[i]));
    }
    return array;
}

static json_t *rows(struct writer *w, const struct assess_row *given, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        const struct assess_row *row = &given[i];
        json_t *o = json_object();
        put_text(w, o, "id", row->id);
        put_text(w, o, "dominant", row->dominant);
        put_text(w, o, "missed", row->missed);
        put_text(w, o, "intervention", row->intervention);
        put_text(w, o, "port_pays", row->port_pays);
        put(w, o, "fired", json_boolean(row->fired));
        put_text(w, o, "why", row->why);
        append(w, array, o);
    }
    return array;
}

static json_t *places(struct writer *w, const struct assess_verdict *verdict) {
    json_t *array = json_array();
    for (size_t i = 0; i < verdict->place_count; i++) {
        const struct assess_place *place = &verdict->places[i];
        json_t *o = json_object();
        put_text(w, o, "name", place->name);
        put_text(w, o, "latency", place->latency);
        put_text(w, o, "reach", place->reach);
        put_text(w, o, "boundary", place->boundary);
        put_text(w, o, "remark", place->remark);
        put(w, o, "recommended", json_boolean(place->recommended));
        append(w, array, o);
    }
    return array;
}

static json_t *given_cost(double value) { return value >= 0 ? number(value) : json_null(); }

static json_t *account(struct writer *w, const struct assess_report *report) {
    const struct assess_account *given = &report->verdict->account;
    const struct assess_evidence *evidence = report->evidence;
    json_t *o = json_object();
    put(w, o, "given", json_boolean(given->given));
    put_number(w, o, "once", given->given ? given->once : NAN);
    put_number(w, o, "yearly", given->given ? given->yearly : NAN);
    put_number(w, o, "saves_yearly", given->given ? given->saves_yearly : NAN);
    put_number(w, o, "break_even_years", given->given ? given->break_even : NAN);
    put_text(w, o, "words", given->words);
    put(w, o, "port_days", given_cost(evidence->port_days));
    put(w, o, "upkeep_days_per_year", given_cost(evidence->upkeep_days));
    put(w, o, "day_cost", given_cost(evidence->day_cost));
    put(w, o, "price_per_core_second", measured(evidence->price));
    return o;
}

static json_t *verdict_of(struct writer *w, const struct assess_verdict *verdict) {
    const struct assess_row *row = assess_fired_row(verdict);
    json_t *o = json_object();
    put_text(w, o, "outcome", assess_outcome_id(verdict->outcome));
    put_text(w, o, "sentence", verdict->sentence);
    put_text(w, o, "intervention", verdict->intervention);
    put_text(w, o, "row", row ? row->id : NULL);
    put_text(w, o, "noise", verdict->noise);
    put_text(w, o, "remains", verdict->remains);
    put(w, o, "request_seconds", interval(w, verdict->request_seconds));
    return o;
}

/* ---- load ----------------------------------------------------------------------------------- */

static json_t *percentiles(struct writer *w, const struct assess_times *times) {
    double q[ASSESS_QUANTILES];
    size_t n = assess_quantiles_for(times->count, q);
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *o = json_object();
        put_number(w, o, "quantile", q[i]);
        put_number(w, o, "latency", assess_quantile(times->latency, times->count, q[i]));
        put_number(w, o, "service", assess_quantile(times->service, times->count, q[i]));
        append(w, array, o);
    }
    return array;
}

static json_t *over_time(struct writer *w, const struct assess_run *run) {
    struct assess_slice *slices = NULL;
    size_t count = assess_slices_of(run, SLICES, &w->pool, &slices);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *o = json_object();
        put_number(w, o, "begin", slices[i].begin);
        put_number(w, o, "end", slices[i].end);
        put(w, o, "count", count_of(slices[i].count));
        put(w, o, "failed", count_of(slices[i].failed));
        put_number(w, o, "min", slices[i].min);
        put_number(w, o, "median", slices[i].median);
        put_number(w, o, "max", slices[i].max);
        append(w, array, o);
    }
    return array;
}

static json_t *warm_up(struct writer *w, const struct assess_run *run) {
    bool settled;
    double seconds = assess_warm_up_of(run, &w->pool, &settled);
    json_t *o = json_object();
    put_number(w, o, "seconds", seconds);
    put(w, o, "settled", json_boolean(settled));
    return o;
}

/* detail: with the course of latency over the run. */
static json_t *run_of(struct writer *w, const struct assess_run *run, bool detail) {
    json_t *o = json_object();
    put_text(w, o, "mode", assess_mode_id(run->mode));
    put_number(w, o, "planned_rate", run->mode == ASSESS_OPEN ? run->planned_rate : NAN);
    put_number(w, o, "achieved_rate", run->achieved_rate);
    put_number(w, o, "seconds", run->end - run->begin);
    put(w, o, "count", count_of(run->count));
    put(w, o, "failed", count_of(run->failed));
    put(w, o, "late", count_of(run->late));
    put_number(w, o, "late_most", run->late_most);
    put(w, o, "valid", json_boolean(run->valid));
    put_text(w, o, "invalid_reason", run->valid ? NULL : run->invalid_reason);
    put(w, o, "interrupted", json_boolean(run->interrupted));
    put_text(w, o, "first_failure", run->first_failure);
    struct assess_times times = {0};
    if (run->count && !assess_times_of(run, &w->pool, &times)) w->failed = true;
    put(w, o, "percentiles", percentiles(w, &times));
    if (detail) {
        put(w, o, "warm_up", warm_up(w, run));
        put(w, o, "over_time", over_time(w, run));
    }
    return o;
}

static json_t *runs(struct writer *w, const struct assess_run *given, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) append(w, array, run_of(w, &given[i], false));
    return array;
}

static json_t *sweep_of(struct writer *w, const struct assess_sweep *sweep) {
    if (!sweep) return json_null();
    json_t *o = json_object();
    put(w, o, "knee", measured(sweep->knee));
    put_text(w, o, "why", sweep->why);
    put(w, o, "runs", runs(w, sweep->runs, sweep->count));
    return o;
}

/* ---- profile -------------------------------------------------------------------------------- */

static json_t *shares(struct writer *w, const struct assess_profile *profile) {
    if (!profile || !(assess_sum(profile->seconds) > 0)) return json_null();
    double values[ASSESS_BUCKETS];
    for (int b = 0; b < ASSESS_BUCKETS; b++) {
        values[b] = assess_share(profile->seconds, (enum assess_bucket)b);
    }
    return buckets(w, values);
}

static json_t *functions(struct writer *w, const struct assess_profile *profile) {
    json_t *array = json_array();
    for (size_t i = 0; profile && i < profile->function_count && i < MOST_FUNCTIONS; i++) {
        const struct assess_function *function = &profile->functions[i];
        json_t *o = json_object();
        put_text(w, o, "name", function->name);
        put_text(w, o, "place", function->place);
        put(w, o, "python", json_boolean(function->python));
        put(w, o, "self", buckets(w, function->self));
        put_number(w, o, "total", function->total);
        append(w, array, o);
    }
    return array;
}

static json_t *stages(struct writer *w, const struct assess_profile *profile) {
    json_t *array = json_array();
    for (size_t i = 0; profile && i < profile->stage_count; i++) {
        json_t *o = json_object();
        put_text(w, o, "name", profile->stages[i].name);
        put_text(w, o, "place", profile->stages[i].place);
        put(w, o, "seconds", buckets(w, profile->stages[i].seconds));
        append(w, array, o);
    }
    return array;
}

static json_t *workers(struct writer *w, const struct assess_profile *profile) {
    json_t *array = json_array();
    for (size_t i = 0; profile && i < profile->worker_count; i++) {
        const struct assess_worker *worker = &profile->workers[i];
        json_t *o = json_object();
        put_text(w, o, "owner", worker->owner);
        put(w, o, "threads", count_of(worker->threads));
        put_number(w, o, "busy", worker->busy);
        put_number(w, o, "spinning", worker->spinning);
        put_number(w, o, "waiting", worker->waiting);
        append(w, array, o);
    }
    return array;
}

static json_t *processes(struct writer *w, const struct assess_profile *profile) {
    json_t *array = json_array();
    for (size_t i = 0; profile && i < profile->process_count; i++) {
        const struct assess_process *process = &profile->processes[i];
        json_t *o = json_object();
        put(w, o, "pid", count_of(process->pid));
        put(w, o, "parent", count_of(process->parent));
        put_text(w, o, "command", process->command);
        put_text(w, o, "python", process->python);
        put(w, o, "seconds", buckets(w, process->seconds));
        put_number(w, o, "wall", process->wall);
        put_number(w, o, "sampler_cpu", process->sampler_cpu);
        put_number(w, o, "handler_seconds", process->handler_seconds);
        put(w, o, "samples", count_of(process->samples));
        put(w, o, "missed", count_of(process->missed));
        put(w, o, "lost", count_of(process->lost));
        put(w, o, "complete", json_boolean(process->complete));
        append(w, array, o);
    }
    return array;
}

static json_t *profile_of(struct writer *w, const struct assess_profile *profile) {
    if (!profile) return json_null();
    uint64_t missed = 0, lost = 0;
    double cost = 0, wall = 0;
    for (size_t i = 0; i < profile->process_count; i++) {
        const struct assess_process *process = &profile->processes[i];
        missed += process->missed;
        lost += process->lost;
        cost += process->sampler_cpu + process->handler_seconds;
        wall += process->wall;
    }
    json_t *o = json_object();
    put_text(w, o, "source", profile->source);
    put_number(w, o, "window", profile->end - profile->begin);
    put(w, o, "seconds", buckets(w, profile->seconds));
    put(w, o, "hz", measured(profile->hz));
    put(w, o, "samples", count_of(profile->samples));
    put(w, o, "missed", count_of(missed));
    put(w, o, "lost", count_of(lost));
    put_number(w, o, "overhead", profile->hz > 0 && wall > 0 ? cost / wall : NAN);
    put_number(w, o, "device_busy", profile->has_device ? profile->device_busy : NAN);
    put_number(w, o, "device_starved", profile->has_device ? profile->device_starved : NAN);
    put(w, o, "function_count", count_of(profile->function_count));
    put(w, o, "notes", texts(w, profile->notes, profile->note_count));
    return o;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static json_t *model_of(struct writer *w, const struct assess_model_timing *model) {
    if (!model) return json_null();
    json_t *o = json_object();
    put_text(w, o, "path", model->path);
    put(w, o, "bytes", count_of(model->bytes));
    put(w, o, "native", measured(model->native));
    put(w, o, "wasm", measured(model->wasm));
    put_number(w, o, "wasm_ratio",
               model->wasm > 0 && model->native > 0 ? model->wasm / model->native : NAN);
    put_text(w, o, "wasm_why", model->wasm > 0 ? NULL : model->wasm_why);
    put(w, o, "load_native", measured(model->load_native));
    put(w, o, "peak_bytes", measured(model->peak_bytes));
    return o;
}

static json_t *measured_of(struct writer *w, const struct assess_evidence *evidence) {
    json_t *o = json_object();
    put(w, o, "cold_start", measured(evidence->cold_start));
    put(w, o, "first_import", measured(evidence->first_import));
    put(w, o, "peak_bytes", measured(evidence->peak_bytes));
    put(w, o, "cores_used", measured(evidence->cores_used));
    put(w, o, "cores", measured(evidence->cores));
    put(w, o, "other_cores", measured(evidence->other_cores));
    put(w, o, "steal_share", measured(evidence->steal_share));
    put(w, o, "download_bytes", measured(evidence->download_bytes));
    put(w, o, "must_run_on_client", json_boolean(evidence->must_run_on_client));
    put(w, o, "has_gpu", json_boolean(evidence->has_gpu));
    return o;
}

static json_t *environment(struct writer *w, const struct assess_report *report) {
    json_t *o = json_object();
    put_text(w, o, "machine", report->machine);
    put_text(w, o, "system", report->system);
    put_text(w, o, "processor", report->processor);
    put_text(w, o, "memory", report->memory);
    put(w, o, "lines", texts(w, report->environment, report->environment_count));
    return o;
}

static void put_verdict(struct writer *w, json_t *o, const struct assess_report *report) {
    const struct assess_evidence *evidence = report->evidence;
    const struct assess_verdict *verdict = report->verdict;
    put(w, o, "verdict", verdict_of(w, verdict));
    json_t *targets = json_array();
    for (size_t i = 0; i < evidence->target_count; i++) {
        append(w, targets, target(w, &evidence->targets[i]));
    }
    put(w, o, "targets", targets);
    put(w, o, "rate", measured(evidence->rate));
    put(w, o, "findings", findings(w, verdict));
    put(w, o, "ceilings", ceilings(w, verdict));
    const struct assess_ceiling *helper = &verdict->helper;
    put(w, o, "helper", helper->name ? ceiling_of(w, helper) : json_null());
    put(w, o, "rows", rows(w, verdict->rows, verdict->row_count));
    put(w, o, "rubric", rows(w, verdict->rubric, verdict->rubric_count));
    put(w, o, "helps", rows(w, verdict->helps, verdict->help_count));
    put(w, o, "places", places(w, verdict));
    put(w, o, "account", account(w, report));
    put(w, o, "checklist",
        texts(w, (const char *const *)verdict->checklist, verdict->checklist_count));
}

static json_t *whole(struct writer *w, const struct assess_report *report) {
    const struct assess_evidence *evidence = report->evidence;
    const struct assess_profile *profile = evidence->profile;
    json_t *o = json_object();
    put_text(w, o, "schema", "ashore-assess-report/1");
    put_text(w, o, "version", report->version);
    put_text(w, o, "when", report->when);
    put_text(w, o, "command", report->command);
    put_text(w, o, "repeat", assess_repeat_command(report, &w->pool));
    put_text(w, o, "partial", evidence->partial);
    put_verdict(w, o, report);
    put(w, o, "buckets", shares(w, profile));
    put(w, o, "profile", profile_of(w, profile));
    put(w, o, "stages", stages(w, profile));
    put(w, o, "workers", workers(w, profile));
    put(w, o, "processes", processes(w, profile));
    put(w, o, "functions", functions(w, profile));
    put(w, o, "load", evidence->run ? run_of(w, evidence->run, true) : json_null());
    put(w, o, "single", evidence->single ? run_of(w, evidence->single, false) : json_null());
    put(w, o, "repeats", runs(w, evidence->repeats, evidence->repeat_count));
    put(w, o, "sweep", sweep_of(w, evidence->sweep));
    put(w, o, "model", model_of(w, evidence->model));
    put(w, o, "measured", measured_of(w, evidence));
    put(w, o, "environment", environment(w, report));
    return o;
}

static int add_text(const char *bytes, size_t size, void *to) {
    struct assess_text *out = to;
    assess_text_add_bytes(out, bytes, size);
    return out->failed ? -1 : 0;
}

int assess_report_json(const struct assess_report *report, const char *path,
                       struct ashore_error *err) {
    struct writer w = {0};
    struct assess_text out = {0};
    json_t *o = whole(&w, report);
    bool failed =
        w.failed || w.pool.failed ||
        json_dump_callback(o, add_text, &out,
                           JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
    assess_text_add(&out, "\n");
    int status = failed || out.failed
                     ? assess_fail(err, ASHORE_ERR_NOMEM, "no memory for the report %s", path)
                     : assess_write_file(path, out.bytes, out.length, err);
    json_decref(o);
    assess_text_deinit(&out);
    assess_pool_deinit(&w.pool);
    return status;
}
