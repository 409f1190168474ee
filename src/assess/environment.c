#include "environment_parts.h"

#include <math.h>
#include <string.h>
#include <sys/utsname.h>

static const char unknown[] = "not known";

/* The first line of a file, cleaned; NULL when there is none. */
static const char *first_line(const char *root, struct assess_pool *pool, const char *name) {
    struct assess_text text;
    if (!assess_read_text(root, &text, "%s", name)) return NULL;
    const char *line = assess_clean(pool, text.bytes, strcspn(text.bytes, "\n"));
    assess_text_deinit(&text);
    return line && line[0] ? line : NULL;
}

static const char *find_clean(struct assess_pool *pool, const char *text, const char *key) {
    size_t length;
    const char *value = assess_find_value(text, key, &length);
    if (!value) return NULL;
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value++;
        length -= 2;
    }
    const char *clean = assess_clean(pool, value, length);
    return clean && clean[0] ? clean : NULL;
}

/* ---- one line each -------------------------------------------------------------------------- */

static const char *describe_system(const char *root, struct assess_pool *pool) {
    struct assess_text text;
    const char *distribution = NULL;
    const char *release = first_line(root, pool, "/proc/sys/kernel/osrelease");
    if (assess_read_text(root, &text, "/etc/os-release") ||
        assess_read_text(root, &text, "/usr/lib/os-release")) {
        distribution = find_clean(pool, text.bytes, "PRETTY_NAME");
        assess_text_deinit(&text);
    }
    return assess_format(pool, "%s, Linux %s",
                         distribution ? distribution : "distribution not known",
                         release ? release : "of a version that is not known");
}

static const char *describe_machine(const char *root, struct assess_pool *pool,
                                    const char *processors) {
    const char *vendor = first_line(root, pool, "/sys/class/dmi/id/sys_vendor");
    const char *product = first_line(root, pool, "/sys/class/dmi/id/product_name");
    if (!product) product = first_line(root, pool, "/sys/firmware/devicetree/base/model");
    size_t length;
    const char *flags = processors ? assess_find_value(processors, "flags", &length) : NULL;
    const char *word = flags ? strstr(flags, " hypervisor") : NULL;
    bool virtual = word && word < flags + length;
    struct utsname name;
    const char *architecture = uname(&name) == 0 ? name.machine : "an unknown architecture";
    return assess_format(pool, "%s%s%s%s%s%s", vendor ? vendor : "", vendor ? " " : "",
                         product ? product : "", vendor || product ? ", " : "", architecture,
                         virtual ? ", virtual" : "");
}

/* How many the system has: those that /proc/stat has a line for. */
static size_t count_processors(const char *root) {
    struct assess_text text;
    size_t count = 0;
    if (!assess_read_text(root, &text, "/proc/stat")) return 0;
    for (const char *line = text.bytes; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        count += strncmp(line, "cpu", 3) == 0 && line[3] >= '0' && line[3] <= '9';
    }
    assess_text_deinit(&text);
    return count;
}

static const char *describe_processor(const char *root, struct assess_pool *pool,
                                      const char *processors, double *cores) {
    static const char *const keys[] = {"model name", "Model", "cpu model", "Hardware", "uarch"};
    const char *model = NULL;
    for (size_t i = 0; processors && !model && i < sizeof keys / sizeof *keys; i++)
        model = find_clean(pool, processors, keys[i]);
    struct assess_processors usable;
    bool known = assess_usable_processors(root, &usable);
    size_t all = count_processors(root);
    double quota = assess_cgroup_processors(root);
    if (known && all < usable.count) all = usable.count;
    *cores = known ? fmin(quota, (double)usable.count) : isfinite(quota) ? quota : NAN;
    const char *usable_text =
        known ? assess_format(pool, "%zu of %zu processors usable", usable.count, all)
              : "processors not counted";
    const char *limit =
        isfinite(quota) ? assess_format(pool, ", limited to %.2f by the cgroup", quota) : "";
    return assess_format(pool, "%s, %s%s", model ? model : "model not known",
                         usable_text ? usable_text : "", limit ? limit : "");
}

static const char *describe_memory(const char *root, struct assess_pool *pool, double *usable) {
    struct assess_text text;
    double total = NAN, swap = NAN, limit = assess_cgroup_memory(root);
    size_t length;
    if (assess_read_text(root, &text, "/proc/meminfo")) {
        const char *value = assess_find_value(text.bytes, "MemTotal", &length);
        if (value) total = assess_number(value) * 1024;
        value = assess_find_value(text.bytes, "SwapTotal", &length);
        if (value) swap = assess_number(value) * 1024;
        assess_text_deinit(&text);
    }
    if (!(limit < total) && !isnan(total)) limit = INFINITY;
    *usable = isfinite(limit) ? limit : total;
    const double gib = 1024. * 1024 * 1024;
    struct assess_text line = {0};
    if (isnan(total))
        assess_text_add(&line, unknown);
    else
        assess_text_printf(&line, "%.1f GiB", total / gib);
    if (isfinite(limit))
        assess_text_printf(&line, ", limited to %.2f GiB by the cgroup", limit / gib);
    if (swap == 0) assess_text_add(&line, ", no swap");
    if (swap > 0) assess_text_printf(&line, ", %.1f GiB of swap", swap / gib);
    const char *copy = line.failed ? NULL : assess_copy_text(pool, line.bytes, line.length);
    assess_text_deinit(&line);
    return copy;
}

/* ---- further lines -------------------------------------------------------------------------- */

static void add_line(struct assess_pool *pool, struct assess_machine *m, const char *what,
                     const char *value) {
    if (!value || !m->lines) return;
    const char *line = assess_format(pool, "%s: %s", what, value);
    if (line) m->lines[m->line_count++] = line;
}

/* Frequencies that change by themselves make times differ that should not. */
static const char *describe_turbo(const char *root, struct assess_pool *pool) {
    const char *off = first_line(root, pool, "/sys/devices/system/cpu/intel_pstate/no_turbo");
    const char *on = first_line(root, pool, "/sys/devices/system/cpu/cpufreq/boost");
    if (off) return strcmp(off, "0") == 0 ? "on" : "off";
    if (on) return strcmp(on, "1") == 0 ? "on" : "off";
    return NULL;
}

static void add_lines(const char *root, struct assess_pool *pool, struct assess_machine *m) {
    enum { MOST_LINES = 8 };
    m->lines = assess_alloc_array(pool, MOST_LINES, sizeof *m->lines);
    const char *load = first_line(root, pool, "/proc/loadavg");
    m->load = load ? assess_number(load) : NAN;
    if (!isnan(m->load))
        add_line(pool, m, "Load of the last minute before the start",
                 assess_format(pool, "%.2f", m->load));
    add_line(
        pool, m, "Clock source",
        first_line(root, pool, "/sys/devices/system/clocksource/clocksource0/current_clocksource"));
    add_line(pool, m, "Frequency governor",
             first_line(root, pool, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
    add_line(pool, m, "Turbo", describe_turbo(root, pool));
    const char *threads = first_line(root, pool, "/sys/devices/system/cpu/smt/active");
    if (threads)
        add_line(pool, m, "Processors share cores (SMT)", strcmp(threads, "1") == 0 ? "yes" : "no");
    add_line(pool, m, "Transparent huge pages",
             first_line(root, pool, "/sys/kernel/mm/transparent_hugepage/enabled"));
}

void assess_read_machine(const char *root, struct assess_pool *pool, struct assess_machine *m) {
    struct assess_text processors;
    *m = (struct assess_machine){0};
    assess_read_text(root, &processors, "/proc/cpuinfo");
    m->machine = describe_machine(root, pool, processors.bytes);
    m->system = describe_system(root, pool);
    m->processor = describe_processor(root, pool, processors.bytes, &m->cores);
    m->memory = describe_memory(root, pool, &m->memory_bytes);
    add_lines(root, pool, m);
    if (!m->machine) m->machine = unknown;
    if (!m->system) m->system = unknown;
    if (!m->processor) m->processor = unknown;
    if (!m->memory) m->memory = unknown;
    assess_text_deinit(&processors);
}
