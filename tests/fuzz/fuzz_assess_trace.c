/* Any bytes as a trace of the sampler: read, judged and put together, or refused. */
#define _GNU_SOURCE
#include "assess/profile.h"
#include "assess/rules.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], path[96];

static void remove_folder(void) {
    unlink(path);
    rmdir(folder);
}

static void make_folder(void) {
    const char *root = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/fuzz_trace_XXXXXX", root);
    if (!mkdtemp(folder)) abort();
    snprintf(path, sizeof path, "%s/trace.1.1", folder);
    atexit(remove_folder);
}

static void check(const struct assess_profile *p) {
    double sum = assess_sum(p->seconds);
    if (!isfinite(sum) || sum < 0) abort();
    for (size_t i = 0; i < p->stack_count; i++) {
        if (p->stacks[i].bucket >= ASSESS_BUCKETS) abort();
        for (size_t k = 0; k < p->stacks[i].depth; k++) {
            if (p->stacks[i].frames[k] >= p->function_count) abort();
        }
    }
    for (size_t i = 0; i < p->span_count; i++) {
        if (p->spans[i].stack >= p->stack_count || p->spans[i].end < p->spans[i].begin) abort();
    }
    double staged = 0;
    for (size_t i = 0; i < p->stage_count; i++) staged += assess_sum(p->stages[i].seconds);
    if (fabs(staged - (sum - p->seconds[ASSESS_IDLE])) > 1e-6 * (1 + sum)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct assess_rules *rules;
    if (!rules && assess_rules_create(NULL, &rules, NULL) < 0) abort();
    if (!folder[0]) make_folder();
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    close(fd);
    struct assess_pool pool = {0};
    struct assess_profile profile;
    struct ashore_error err = {0};
    const double busy[][2] = {{0, 1.05}, {1.1, 2}};
    int rc = assess_profile_trace(folder, rules, 0, 0, busy, 2, &pool, &profile, &err);
    if (rc < 0 && err.text[0] == '\0') abort();
    if (rc == ASHORE_OK) check(&profile);
    assess_pool_deinit(&pool);
    return 0;
}
