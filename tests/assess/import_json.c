/* import_json FILE [SPEEDSCOPE [PERFETTO]]: imports another profiler's file and prints its bucket
 * shares, device, functions, threads and notes as JSON; writes it in our formats when asked. */
#include "assess/rules.h"

#include "assess/profile.h"

#include <jansson.h>

#include <stdlib.h>

static json_t *seconds_of(const double seconds[ASSESS_BUCKETS]) {
    json_t *object = json_object();
    for (size_t i = 0; i < ASSESS_BUCKETS; i++) {
        json_object_set_new(object, assess_bucket_names[i], json_real(seconds[i]));
    }
    return object;
}

static json_t *functions_of(const struct assess_profile *p) {
    json_t *list = json_array();
    for (size_t i = 0; i < p->function_count; i++) {
        const struct assess_function *f = &p->functions[i];
        if (!(f->total > 0)) continue;
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:f, s:o}", "name", f->name, "place",
                                              f->place, "python", f->python, "total", f->total,
                                              "self", seconds_of(f->self)));
    }
    return list;
}

static json_t *threads_of(const struct assess_profile *p) {
    json_t *list = json_array();
    for (size_t i = 0; i < p->thread_count; i++) {
        const struct assess_thread *t = &p->threads[i];
        json_array_append_new(list, json_pack("{s:I, s:I, s:s, s:b}", "pid", (json_int_t)t->pid,
                                              "tid", (json_int_t)t->tid, "name", t->name, "request",
                                              t->request));
    }
    return list;
}

static json_t *stages_of(const struct assess_profile *p) {
    json_t *object = json_object();
    for (size_t i = 0; i < p->stage_count; i++) {
        json_object_set_new(object, p->stages[i].name, seconds_of(p->stages[i].seconds));
    }
    return object;
}

static int print_profile(const struct assess_profile *p) {
    json_t *shares = json_object(), *notes = json_array();
    double sum = 0;
    for (size_t i = 0; i < ASSESS_BUCKETS; i++) sum += p->seconds[i];
    for (size_t i = 0; i < ASSESS_BUCKETS; i++) {
        json_object_set_new(shares, assess_bucket_names[i],
                            json_real(sum > 0 ? p->seconds[i] / sum : 0));
    }
    for (size_t i = 0; i < p->note_count; i++)
        json_array_append_new(notes, json_string(p->notes[i]));
    json_t *all = json_pack("{s:s, s:f, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:f, s:f}",
                            "source", p->source, "seconds", sum, "wall", p->end - p->begin,
                            "shares", shares, "notes", notes, "functions", functions_of(p),
                            "threads", threads_of(p), "stages", stages_of(p), "processes",
                            json_integer((json_int_t)p->process_count), "has_device", p->has_device,
                            "device_busy", p->device_busy, "device_starved", p->device_starved);
    int rc = all ? json_dumpf(all, stdout, JSON_INDENT(1)) : -1;
    json_decref(all);
    return rc;
}

static int write_exports(const struct assess_profile *p, int argc, char **argv,
                         struct ashore_error *err) {
    if (argc > 2) ASSESS_TRY(assess_export_speedscope(p, argv[2], err));
    if (argc > 3) ASSESS_TRY(assess_export_perfetto(p, argv[3], err));
    return ASHORE_OK;
}

int main(int argc, char **argv) {
    struct ashore_error err = {0};
    struct assess_rules *rules = NULL;
    struct assess_pool pool = {0};
    struct assess_profile profile;
    if (argc < 2) {
        fprintf(stderr, "import_json FILE [SPEEDSCOPE [PERFETTO]]\n");
        return 2;
    }
    int rc = assess_rules_create(NULL, &rules, &err);
    if (rc == ASHORE_OK) rc = assess_profile_import(argv[1], rules, &pool, &profile, &err);
    if (rc == ASHORE_OK) rc = write_exports(&profile, argc, argv, &err);
    if (rc == ASHORE_OK) rc = print_profile(&profile);
    if (rc < 0) fprintf(stderr, "%s\n", err.text);
    assess_rules_destroy(&rules);
    assess_pool_deinit(&pool);
    return rc < 0;
}
