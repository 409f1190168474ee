/* Any bytes as a file of another profiler; what is understood is written in our formats too. */
#define _GNU_SOURCE
#include "assess/profile.h"
#include "assess/rules.h"

#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct assess_rules *rules;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ashore_error err;
    struct assess_pool pool = {0};
    struct assess_profile profile;
    char path[64];
    memset(&err, 0, sizeof err);
    if (!rules && assess_rules_create(NULL, &rules, NULL) < 0) abort();
    int fd = memfd_create("import", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int rc = assess_profile_import(path, rules, &pool, &profile, &err);
    if (rc < 0 && err.text[0] == '\0') abort();
    if (rc == ASHORE_OK && assess_export_speedscope(&profile, "/dev/null", &err) < 0) abort();
    if (rc == ASHORE_OK && assess_export_perfetto(&profile, "/dev/null", &err) < 0) abort();
    assess_pool_deinit(&pool);
    close(fd);
    return 0;
}
