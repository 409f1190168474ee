/* Limits of control groups.  A group's limits are its own and those of all above it; where the path
 * that the process sees is not there (a container's view of the host), what is at the top counts,
 * which is the container's. */
#include "environment_parts.h"

#include <math.h>
#include <string.h>

enum { MOST_PATH = 1024 };

struct group {
    char path[MOST_PATH]; /* "" or "/a/b" */
    const char *top;      /* "/sys/fs/cgroup/cpu" */
};

/* Is `name` one of "cpu,cpuacct"? */
static bool names_controller(const char *list, size_t length, const char *name) {
    size_t name_length = strlen(name);
    for (size_t i = 0; i + name_length <= length; i++) {
        bool begins = i == 0 || list[i - 1] == ',';
        bool ends = i + name_length == length || list[i + name_length] == ',';
        if (begins && ends && memcmp(list + i, name, name_length) == 0) return true;
    }
    return false;
}

/* The group's path for a controller of version 1, or of version 2 for "".  Stays the top where the
 * path is none that could be followed. */
static void find_group(const char *root, const char *controller, struct group *group) {
    struct assess_text text;
    group->path[0] = '\0';
    if (!assess_read_text(root, &text, "/proc/self/cgroup")) return;
    for (const char *line = text.bytes; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        size_t length = strcspn(line, "\n");
        const char *list = memchr(line, ':', length);
        const char *path = list ? memchr(list + 1, ':', length - (size_t)(list + 1 - line)) : NULL;
        if (!path) continue;
        size_t list_length = (size_t)(path - list - 1);
        if (controller[0] == '\0' ? list_length > 0
                                  : !names_controller(list + 1, list_length, controller))
            continue;
        size_t path_length = length - (size_t)(path + 1 - line);
        if (path_length < 2 || path_length >= MOST_PATH) break;
        memcpy(group->path, path + 1, path_length);
        group->path[path_length] = '\0';
        if (group->path[0] != '/' || strstr(group->path, "/..")) group->path[0] = '\0';
        break;
    }
    assess_text_deinit(&text);
}

static double read_number(const char *root, const struct group *group, const char *name) {
    struct assess_text text;
    if (!assess_read_text(root, &text, "%s%s/%s", group->top, group->path, name)) return NAN;
    double value = assess_number(text.bytes);
    assess_text_deinit(&text);
    return value;
}

/* "150000 100000": microseconds in each period; "max 100000": no quota. */
static double read_quota_2(const char *root, const struct group *group) {
    struct assess_text text;
    if (!assess_read_text(root, &text, "%s%s/cpu.max", group->top, group->path)) return NAN;
    double quota = assess_number(text.bytes), period = NAN;
    const char *blank = strchr(text.bytes, ' ');
    if (blank) period = assess_number(blank);
    assess_text_deinit(&text);
    return period > 0 ? quota / period : NAN;
}

static double read_quota_1(const char *root, const struct group *group) {
    double period = read_number(root, group, "cpu.cfs_period_us");
    double quota = read_number(root, group, "cpu.cfs_quota_us"); /* -1: none */
    return period > 0 ? quota / period : NAN;
}

static double read_memory_2(const char *root, const struct group *group) {
    return read_number(root, group, "memory.max");
}

/* Without a limit it is the largest multiple of a page. */
static double read_memory_1(const char *root, const struct group *group) {
    double bytes = read_number(root, group, "memory.limit_in_bytes");
    return bytes < 0x1p62 ? bytes : NAN;
}

static double least(const char *root, struct group *group,
                    double (*read)(const char *, const struct group *)) {
    double limit = INFINITY;
    for (;;) {
        double value = read(root, group);
        if (value < limit) limit = value;
        char *slash = strrchr(group->path, '/');
        if (!slash) return limit;
        *slash = '\0';
    }
}

double assess_cgroup_processors(const char *root) {
    struct group group = {.top = "/sys/fs/cgroup"};
    find_group(root, "", &group);
    double second = least(root, &group, read_quota_2);
    group.top = "/sys/fs/cgroup/cpu";
    find_group(root, "cpu", &group);
    return fmin(second, least(root, &group, read_quota_1));
}

double assess_cgroup_memory(const char *root) {
    struct group group = {.top = "/sys/fs/cgroup"};
    find_group(root, "", &group);
    double second = least(root, &group, read_memory_2);
    group.top = "/sys/fs/cgroup/memory";
    find_group(root, "memory", &group);
    return fmin(second, least(root, &group, read_memory_1));
}

/* "key value" lines, unlike everything else. */
static double find_count(const char *text, const char *key) {
    const char *place = strstr(text, key);
    return place ? assess_number(place + strlen(key)) : NAN;
}

static double read_throttled(const char *root, const struct group *group, const char *key,
                             double unit) {
    struct assess_text text;
    if (!assess_read_text(root, &text, "%s%s/cpu.stat", group->top, group->path)) return NAN;
    double count = find_count(text.bytes, key);
    assess_text_deinit(&text);
    return count * unit;
}

double assess_cgroup_throttled(const char *root) {
    struct group group = {.top = "/sys/fs/cgroup"};
    find_group(root, "", &group);
    double seconds = read_throttled(root, &group, "throttled_usec ", 1e-6);
    if (!isnan(seconds)) return seconds;
    group.path[0] = '\0';
    seconds = read_throttled(root, &group, "throttled_usec ", 1e-6);
    if (!isnan(seconds)) return seconds;
    group.top = "/sys/fs/cgroup/cpu";
    find_group(root, "cpu", &group);
    seconds = read_throttled(root, &group, "throttled_time ", 1e-9);
    if (!isnan(seconds)) return seconds;
    group.path[0] = '\0';
    return read_throttled(root, &group, "throttled_time ", 1e-9);
}
