/* profile_json FOLDER [--window BEGIN END] [--rules FILE]: reads the traces of a folder and prints
 * what a test looks at: shares of buckets, threads, workers, stages, the first functions, notes. */
#include "assess/profile.h"
#include "assess/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FUNCTIONS_SHOWN = 40 };

static void print_text(const char *text) {
    putchar('"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c < ' ' || *c == '"' || *c == '\\' || *c > '~') {
            printf("\\u%04x", *c);
        } else {
            putchar(*c);
        }
    }
    putchar('"');
}

static void print_named(const char *name, const char *text) {
    printf("\"%s\": ", name);
    print_text(text);
}

static void print_seconds(const char *name, const double seconds[ASSESS_BUCKETS]) {
    printf("\"%s\": {", name);
    for (int b = 0; b < ASSESS_BUCKETS; b++) {
        printf("%s\"%s\": %.6f", b ? ", " : "", assess_bucket_names[b], seconds[b]);
    }
    printf("}");
}

static void print_lists(const struct assess_profile *p) {
    printf(",\n\"processes\": [");
    for (size_t i = 0; i < p->process_count; i++) {
        const struct assess_process *at = &p->processes[i];
        printf("%s\n  {\"pid\": %u, \"parent\": %u, ", i ? "," : "", at->pid, at->parent);
        print_named("command", at->command);
        printf(", ");
        print_named("python", at->python ? at->python : "");
        printf(", \"wall\": %.6f, \"sampler_cpu\": %.6f, \"complete\": %s, ", at->wall,
               at->sampler_cpu, at->complete ? "true" : "false");
        print_seconds("seconds", at->seconds);
        printf("}");
    }
    printf("],\n\"workers\": [");
    for (size_t i = 0; i < p->worker_count; i++) {
        const struct assess_worker *at = &p->workers[i];
        printf("%s\n  {", i ? "," : "");
        print_named("owner", at->owner);
        printf(", \"threads\": %zu, \"busy\": %.3f, \"spinning\": %.3f, \"waiting\": %.3f}",
               at->threads, at->busy, at->spinning, at->waiting);
    }
    printf("],\n\"threads\": [");
    for (size_t i = 0; i < p->thread_count; i++) {
        const struct assess_thread *at = &p->threads[i];
        printf("%s\n  {\"pid\": %u, \"tid\": %u, ", i ? "," : "", at->pid, at->tid);
        print_named("name", at->name);
        printf(", \"request\": %s}", at->request ? "true" : "false");
    }
}

static void print_code(const struct assess_profile *p) {
    printf("],\n\"stages\": [");
    for (size_t i = 0; i < p->stage_count; i++) {
        printf("%s\n  {", i ? "," : "");
        print_named("name", p->stages[i].name);
        printf(", ");
        print_named("place", p->stages[i].place);
        printf(", ");
        print_seconds("seconds", p->stages[i].seconds);
        printf("}");
    }
    printf("],\n\"functions\": [");
    for (size_t i = 0; i < p->function_count && i < FUNCTIONS_SHOWN; i++) {
        const struct assess_function *at = &p->functions[i];
        printf("%s\n  {", i ? "," : "");
        print_named("name", at->name);
        printf(", ");
        print_named("place", at->place);
        printf(", \"python\": %s, \"total\": %.6f, ", at->python ? "true" : "false", at->total);
        print_seconds("self", at->self);
        printf("}");
    }
    printf("],\n\"notes\": [");
    for (size_t i = 0; i < p->note_count; i++) {
        printf("%s\n  ", i ? "," : "");
        print_text(p->notes[i]);
    }
    printf("],\n\"stacks\": %zu, \"spans\": %zu, \"samples\": %llu, \"hz\": %.1f", p->stack_count,
           p->span_count, (unsigned long long)p->samples, p->hz);
}

struct options {
    const char *folder, *rules;
    double begin, end;
};

static bool read_options(int argc, char **argv, struct options *o) {
    if (argc < 2) return false;
    o->folder = argv[1];
    for (int i = 2; i < argc;) {
        if (strcmp(argv[i], "--window") == 0 && i + 2 < argc) {
            o->begin = strtod(argv[i + 1], NULL);
            o->end = strtod(argv[i + 2], NULL);
            i += 3;
        } else if (strcmp(argv[i], "--rules") == 0 && i + 1 < argc) {
            o->rules = argv[i + 1];
            i += 2;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv) {
    struct ashore_error err = {0};
    struct assess_rules *rules = NULL;
    struct assess_pool pool = {0};
    struct assess_profile profile;
    struct options o = {0};
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "usage: profile_json FOLDER [--window BEGIN END] [--rules FILE]\n");
        return 2;
    }
    int code = assess_rules_create(o.rules, &rules, &err);
    if (code >= 0) {
        code =
            assess_profile_trace(o.folder, rules, o.begin, o.end, NULL, 0, &pool, &profile, &err);
    }
    if (code < 0) {
        fprintf(stderr, "%s\n", err.text);
    } else {
        printf("{");
        print_seconds("seconds", profile.seconds);
        print_lists(&profile);
        print_code(&profile);
        printf("}\n");
    }
    assess_pool_deinit(&pool);
    assess_rules_destroy(&rules);
    return code < 0;
}
