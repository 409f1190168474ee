#include "process_tree.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct process {
    pid_t pid, parent;
    double ticks; /* user and system, of itself and of children that it has waited for */
    double pages;
    bool ours;
};

struct table {
    struct process *items;
    size_t count, room;
};

/* Reads a small file of /proc; returns its length, -1 when it cannot be read. */
static ssize_t read_small(const char *path, char *text, size_t room) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return -1;
    ssize_t n = read(file, text, room - 1);
    close(file);
    if (n >= 0) text[n] = '\0';
    return n;
}

/* pid (comm) state ppid ... utime(14) stime(15) cutime(16) cstime(17) ... rss(24); proc(5).  The
 * name may hold anything, so fields are counted from the last parenthesis. */
static bool read_stat(pid_t pid, struct process *p) {
    char path[64], text[2048];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    if (read_small(path, text, sizeof text) <= 0) return false;
    char *field = strrchr(text, ')');
    if (!field) return false;
    *p = (struct process){.pid = pid};
    field += 1;
    for (int number = 3; number <= 24 && *field; number++) {
        while (*field == ' ') field++;
        double value = strtod(field, NULL);
        if (number == 4) p->parent = (pid_t)value;
        if (number >= 14 && number <= 17) p->ticks += value;
        if (number == 24) p->pages = value;
        field += strcspn(field, " ");
    }
    return true;
}

static bool add_process(struct table *table, const struct process *p) {
    void *items = table->items;
    if (!assess_grow(&items, table->count, &table->room, sizeof *p)) return false;
    table->items = items;
    table->items[table->count++] = *p;
    return true;
}

/* All descendants of this process, itself not among them. */
static struct table descendants(void) {
    struct table all = {0};
    DIR *dir = opendir("/proc");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct process p;
        if (!isdigit((unsigned char)e->d_name[0])) continue;
        if (read_stat((pid_t)strtol(e->d_name, NULL, 10), &p) && !add_process(&all, &p)) break;
    }
    if (dir) closedir(dir);
    pid_t self = getpid();
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < all.count; i++) {
            struct process *p = &all.items[i];
            for (size_t j = 0; j < all.count && !p->ours; j++) {
                bool child_of = p->parent == all.items[j].pid && all.items[j].ours;
                if (p->parent == self || child_of) p->ours = more = true;
            }
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < all.count; i++) {
        if (all.items[i].ours) all.items[kept++] = all.items[i];
    }
    all.count = kept;
    return all;
}

void assess_tree_signal(int number) {
    struct table table = descendants();
    for (size_t i = 0; i < table.count; i++) kill(table.items[i].pid, number);
    assess_realloc(table.items, 0);
}

/* Bytes, shared pages divided among those that map them; 0 when the system does not say. */
static double proportional_size(pid_t pid) {
    char path[64], text[2048];
    snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", (long)pid);
    if (read_small(path, text, sizeof text) <= 0) return 0;
    const char *line = strstr(text, "\nPss:");
    return line ? 1024 * strtod(line + 5, NULL) : 0;
}

struct assess_usage assess_tree_usage(bool proportional) {
    struct assess_usage usage = {0};
    struct table table = descendants();
    double tick = (double)sysconf(_SC_CLK_TCK), page = (double)sysconf(_SC_PAGESIZE);
    bool all_said = true;
    for (size_t i = 0; i < table.count; i++) {
        double size = proportional ? proportional_size(table.items[i].pid) : 0;
        all_said = all_said && size > 0;
        usage.cpu += table.items[i].ticks / tick;
        usage.resident += table.items[i].pages * page;
        usage.proportional += size;
    }
    if (!all_said) usage.proportional = 0;
    usage.processes = table.count;
    assess_realloc(table.items, 0);
    return usage;
}

/* ---- ports ---------------------------------------------------------------------------------- */

/* Whether a process holds the socket with that inode. */
static bool holds_socket(pid_t pid, unsigned long inode) {
    char path[64], link[64], wanted[64];
    snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    snprintf(wanted, sizeof wanted, "socket:[%lu]", inode);
    DIR *dir = opendir(path);
    bool found = false;
    for (struct dirent *e; dir && !found && (e = readdir(dir));) {
        ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof link - 1);
        if (n <= 0) continue;
        link[n] = '\0';
        found = strcmp(link, wanted) == 0;
    }
    if (dir) closedir(dir);
    return found;
}

/* The lowest port below `lowest` (0: any) in a file such as /proc/net/tcp on which one of the table
 * listens. Lines are "0: 0100007F:1F90 00000000:0000 0A ... inode", state 0A is listening. */
static int lowest_port(const char *path, const struct table *table, int lowest) {
    FILE *file = fopen(path, "re");
    char line[512];
    while (file && fgets(line, sizeof line, file)) {
        char address[64];
        unsigned port, state;
        unsigned long inode;
        if (sscanf(line, " %*u: %63[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*s %*s %lu", address,
                   &port, &state, &inode) != 4) {
            continue;
        }
        if (state != 0x0a || port == 0 || port > 65535) continue;
        if (lowest && (int)port >= lowest) continue;
        for (size_t i = 0; i < table->count; i++) {
            if (!holds_socket(table->items[i].pid, inode)) continue;
            lowest = (int)port;
            break;
        }
    }
    if (file) fclose(file);
    return lowest;
}

int assess_tree_port(void) {
    struct table table = descendants();
    int port = lowest_port("/proc/net/tcp", &table, 0);
    port = lowest_port("/proc/net/tcp6", &table, port);
    assess_realloc(table.items, 0);
    return port;
}
