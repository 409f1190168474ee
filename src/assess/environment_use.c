/* Who used the processors: /proc/stat says how much was used at all, /proc/PID/stat how much of it
 * was ours. */
#include "environment_parts.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the processors ------------------------------------------------------------------------- */

static double ticks_per_second(void) {
    long ticks = sysconf(_SC_CLK_TCK);
    return ticks > 0 ? (double)ticks : 100;
}

/* user nice system idle iowait irq softirq steal, of which old kernels have the first four; guests
 * are part of user.  False: not a line. */
static bool add_processor(const char *line, struct assess_use *use) {
    enum { STATES = 8, FIRST = 4 };
    static const bool works[STATES] = {true, true, true, false, false, true, true, false};
    double ticks[STATES] = {0};
    const char *end = line + strcspn(line, "\n");
    size_t count = 0;
    for (; count < STATES; count++) {
        line += strcspn(line, " \n");
        double value = line < end ? assess_number(line) : NAN;
        if (isnan(value)) break;
        ticks[count] = value;
        while (*line == ' ') line++;
    }
    if (count < FIRST) return false;
    for (size_t i = 0; i < count; i++) {
        use->processor += ticks[i];
        if (works[i]) use->busy += ticks[i];
    }
    use->steal += ticks[STATES - 1];
    return true;
}

/* Of the processors that we may use; of all when that is not known. */
static bool read_processors(const char *root, struct assess_use *use) {
    struct assess_text text;
    struct assess_processors usable;
    bool known = assess_usable_processors(root, &usable);
    if (!assess_read_text(root, &text, "/proc/stat")) return false;
    for (const char *line = text.bytes; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "cpu", 3) != 0 || line[3] < '0' || line[3] > '9') continue;
        size_t number = (size_t)strtoul(line + 3, NULL, 10);
        if (known && !assess_has_processor(&usable, number)) continue;
        use->processors += add_processor(line, use);
    }
    assess_text_deinit(&text);
    return use->processors > 0;
}

/* ---- the process tree ----------------------------------------------------------------------- */

enum { MOST_PROCESSES = 1 << 17 };
enum state { NOT_SEEN, ON_THE_WAY, OURS, OTHERS };

struct process {
    unsigned long pid, parent;
    double ticks;
    enum state state;
};

/* "PID (name) state parent ...", of which fields 14 to 17 are time in user and system, its own and
 * of children that were waited for.  The name may hold anything. */
static bool parse_process(const char *text, struct process *p) {
    const char *s = strrchr(text, ')');
    if (!s) return false;
    p->ticks = 0;
    for (int field = 3; field <= 17; field++) {
        s += strcspn(s, " ");
        while (*s == ' ') s++;
        if (*s == '\0') return false;
        double value = field == 3 ? 0 : assess_number(s);
        if (field == 4) p->parent = value >= 0 && value < 0x1p31 ? (unsigned long)value : 0;
        if (field < 14) continue;
        if (isnan(value)) return false;
        p->ticks += value;
    }
    return true;
}

static int compare_processes(const void *a, const void *b) {
    unsigned long x = ((const struct process *)a)->pid, y = ((const struct process *)b)->pid;
    return (x > y) - (x < y);
}

static struct process *read_processes(const char *root, size_t *count) {
    struct process *list = NULL;
    size_t room = 0;
    struct assess_text name = {0};
    assess_text_printf(&name, "%s/proc", root);
    DIR *folder = name.failed ? NULL : opendir(name.bytes);
    assess_text_deinit(&name);
    *count = 0;
    for (struct dirent *entry; folder && *count < MOST_PROCESSES && (entry = readdir(folder));) {
        struct assess_text text;
        char *end;
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        unsigned long pid = strtoul(entry->d_name, &end, 10);
        if (*end != '\0' || !assess_read_text(root, &text, "/proc/%lu/stat", pid)) continue;
        struct process p = {.pid = pid};
        if (parse_process(text.bytes, &p) && assess_grow((void **)&list, *count, &room, sizeof p))
            list[(*count)++] = p;
        assess_text_deinit(&text);
    }
    if (folder) closedir(folder);
    if (*count) qsort(list, *count, sizeof *list, compare_processes);
    return list;
}

static struct process *find_process(struct process *list, size_t count, unsigned long pid) {
    struct process key = {.pid = pid};
    return count ? bsearch(&key, list, count, sizeof key, compare_processes) : NULL;
}

/* Goes up from p to one that is known, then down the same way; a ring is nobody's. */
static void decide(struct process *list, size_t count, struct process *p) {
    struct process *top = p;
    while (top && top->state == NOT_SEEN) {
        top->state = ON_THE_WAY;
        top = find_process(list, count, top->parent);
    }
    enum state state = top && top->state == OURS ? OURS : OTHERS;
    while (p && p->state == ON_THE_WAY) {
        p->state = state;
        p = find_process(list, count, p->parent);
    }
}

static double own_ticks(const char *root, pid_t tree) {
    size_t count;
    double ticks = 0;
    struct process *list = read_processes(root, &count);
    struct process *first = tree > 0 ? find_process(list, count, (unsigned long)tree) : NULL;
    if (first) first->state = OURS;
    for (size_t i = 0; i < count && first; i++) {
        decide(list, count, &list[i]);
        if (list[i].state == OURS) ticks += list[i].ticks;
    }
    assess_realloc(list, 0);
    return first ? ticks : NAN;
}

/* ---- readings ------------------------------------------------------------------------------- */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=12345": microseconds. */
static double read_pressure(const char *root) {
    struct assess_text text;
    if (!assess_read_text(root, &text, "/proc/pressure/cpu")) return NAN;
    const char *total = strncmp(text.bytes, "some ", 5) == 0 ? strstr(text.bytes, "total=") : NULL;
    double seconds = total ? assess_number(total + strlen("total=")) * 1e-6 : NAN;
    assess_text_deinit(&text);
    return seconds;
}

static struct assess_use read_use(const char *root, pid_t tree) {
    struct assess_use use = {.time = (double)assess_now() * 1e-9};
    double tick = 1 / ticks_per_second();
    /* Our own first: what is used while reading then seems to be another's, not the reverse. */
    use.own = own_ticks(root, tree) * tick;
    if (read_processors(root, &use)) {
        use.processor *= tick;
        use.busy *= tick;
        use.steal *= tick;
    } else {
        use.processor = use.busy = use.steal = NAN;
    }
    use.pressure = read_pressure(root);
    use.throttled = assess_cgroup_throttled(root);
    return use;
}

void assess_environment_begin(struct assess_environment *e, const char *root, pid_t tree) {
    *e = (struct assess_environment){
        .seconds = NAN,
        .own_cores = NAN,
        .other_cores = NAN,
        .steal_share = NAN,
        .pressure = NAN,
        .throttled = NAN,
    };
    e->begin = read_use(root, tree);
}

/* Counters that run backwards (a processor was switched off) say nothing. */
static double difference(double begin, double end) { return end >= begin ? end - begin : NAN; }

void assess_environment_end(struct assess_environment *e, const char *root, pid_t tree) {
    const struct assess_use *begin = &e->begin, *end = &e->end;
    e->end = read_use(root, tree);
    bool same = begin->processors == end->processors && begin->processors > 0;
    double processor = same ? difference(begin->processor, end->processor) : NAN;
    /* By the counters' own time, so that all shares are of the same thing. */
    e->seconds = processor > 0 ? processor / (double)end->processors : NAN;
    double own = difference(begin->own, end->own), busy = difference(begin->busy, end->busy);
    e->own_cores = own / e->seconds;
    double others = busy - own; /* the two are counted by different means */
    e->other_cores = isnan(others) ? NAN : fmax(0, others) / e->seconds;
    e->steal_share = difference(begin->steal, end->steal) / processor;
    e->pressure = difference(begin->pressure, end->pressure) / e->seconds;
    if (e->pressure > 1) e->pressure = 1;
    e->throttled = difference(begin->throttled, end->throttled);
}

/* ---- in words ------------------------------------------------------------------------------- */

bool assess_environment_disturbed(const struct assess_environment *e, double cores, double share) {
    return e->other_cores > cores || e->steal_share > share || e->throttled > 0;
}

const char *assess_environment_words(const struct assess_environment *e, struct assess_pool *pool) {
    struct assess_text text = {0};
    if (isnan(e->other_cores))
        assess_text_add(&text, "Whether other programs used the processors could not be seen");
    else
        assess_text_printf(&text,
                           "Other programs used %.2f of %zu processors on average, the program and "
                           "its measurement %.2f",
                           e->other_cores, e->end.processors, e->own_cores);
    if (e->steal_share >= 0.0005)
        assess_text_printf(&text, "; the hypervisor gave %.1f %% of their time to other machines",
                           100 * e->steal_share);
    if (e->throttled > 0)
        assess_text_printf(&text, "; the cgroup's quota stopped the program for %.2f s",
                           e->throttled);
    if (e->pressure >= 0.005)
        assess_text_printf(&text, "; in %.0f %% of the time something had to wait for a processor",
                           100 * e->pressure);
    assess_text_add(&text, ".");
    const char *copy = text.failed ? NULL : assess_copy_text(pool, text.bytes, text.length);
    assess_text_deinit(&text);
    return copy ? copy : "";
}
