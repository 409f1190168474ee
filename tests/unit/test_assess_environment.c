/* What a report says of its machine: this one, made-up ones, and hostile ones. */
#define _GNU_SOURCE
#include "assess/environment_parts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- made-up machines ----------------------------------------------------------------------- */

static char root[64];

static void make_folders(const char *path) {
    char part[512];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        mkdir(part, 0700);
    }
}

static void write_bytes(const char *name, const char *bytes, size_t size) {
    char path[512];
    snprintf(path, sizeof path, "%s%s", root, name);
    make_folders(path);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void write_file(const char *name, const char *text) {
    write_bytes(name, text, strlen(text));
}

static int make_root(void **state) {
    (void)state;
    snprintf(root, sizeof root, "/tmp/assess-environment-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    char command[128];
    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

static void write_stat(double busy, double idle, double steal, double other_processor) {
    char text[512];
    snprintf(text, sizeof text,
             "cpu  1 2 3 4 5 6 7 8 0 0\n"
             "cpu0 %.0f 10 0 %.0f 10 0 0 %.0f 0 0\n"
             "cpu1 0 0 %.0f %.0f 0 5 5 0 0 0\n"
             "cpu7 %.0f 0 0 0 0 0 0 0 0 0\n"
             "intr 12 0 1\nctxt 5\n",
             busy, idle, steal, busy, idle + steal, other_processor);
    write_file("/proc/stat", text);
}

static void write_process(unsigned pid, const char *name, unsigned parent, unsigned user,
                          unsigned children) {
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%u/stat", pid);
    snprintf(text, sizeof text,
             "%u (%s) S %u 1 1 0 -1 4194304 98 0 0 0 %u 10 %u 0 20 0 1 0 1530564 3133440\n", pid,
             name, parent, user, children);
    write_file(path, text);
}

static bool has_line(const struct assess_machine *m, const char *line) {
    for (size_t i = 0; i < m->line_count; i++)
        if (strcmp(m->lines[i], line) == 0) return true;
    return false;
}

static void test_machine(void **state) {
    struct assess_pool pool = {0};
    struct assess_machine m;

    (void)state;
    write_stat(100, 100, 0, 0);
    write_file("/proc/cpuinfo", "processor\t: 0\nmodel\t\t: 7\nmodel name\t: Acme  CPU 7 @ 2 GHz\n"
                                "flags\t\t: fpu hypervisor sse\n\nprocessor\t: 1\n");
    write_file("/proc/self/status", "Name:\tx\nCpus_allowed:\t83\nCpus_allowed_list:\t0-1\n");
    write_file("/proc/self/cgroup", "0::/a/b\n");
    write_file("/sys/fs/cgroup/cpu.max", "max 100000\n");
    write_file("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    write_file("/sys/fs/cgroup/a/b/cpu.max", "180000 100000\n");
    write_file("/sys/fs/cgroup/a/memory.max", "max\n");
    write_file("/sys/fs/cgroup/a/b/memory.max", "2147483648\n");
    write_file("/proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\nSwapTotal: 0 kB\n");
    write_file("/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
    write_file("/etc/os-release", "NAME=\"Acme\"\nPRETTY_NAME=\"Acme Linux 3 (brisk)\"\n");
    write_file("/sys/class/dmi/id/sys_vendor", "Acme\n");
    write_file("/sys/class/dmi/id/product_name", "X1\n");
    write_file("/proc/loadavg", "0.52 0.58 0.59 3/148 26614\n");
    write_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    write_file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    write_file("/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n");
    assess_read_machine(root, &pool, &m);
    assert_int_equal(strncmp(m.machine, "Acme X1, ", 9), 0);
    assert_non_null(strstr(m.machine, ", virtual"));
    assert_string_equal(m.system, "Acme Linux 3 (brisk), Linux 6.1.0-18-amd64");
    assert_string_equal(m.processor, "Acme  CPU 7 @ 2 GHz, 2 of 3 processors usable, limited to "
                                     "1.50 by the cgroup");
    assert_string_equal(m.memory, "16.0 GiB, limited to 2.00 GiB by the cgroup, no swap");
    assert_true(m.cores == 1.5 && m.memory_bytes == 0x1p31 && m.load == 0.52);
    assert_true(has_line(&m, "Load of the last minute before the start: 0.52"));
    assert_true(has_line(&m, "Clock source: tsc"));
    assert_true(has_line(&m, "Frequency governor: powersave"));
    assert_true(has_line(&m, "Turbo: on"));
    /* A word of another line; a limit beyond what is there. */
    write_file("/proc/cpuinfo", "flags\t\t: fpu sse\nbugs\t\t: a hypervisor\n");
    write_file("/sys/fs/cgroup/a/b/memory.max", "1099511627776\n");
    assess_read_machine(root, &pool, &m);
    assert_null(strstr(m.machine, "virtual"));
    assert_string_equal(m.memory, "16.0 GiB, no swap");
    assert_true(m.memory_bytes == 0x1p34);
    assess_pool_deinit(&pool);
}

static void test_cgroups_of_version_1(void **state) {
    (void)state;
    write_file("/proc/self/cgroup", "9:name=systemd:/\n4:memory:/m/n\n2:cpu,cpuacct:/c\n1:xcpu:/x\n"
                                    "0::/\n");
    write_file("/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "50000\n");
    write_file("/sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
    write_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    write_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    write_file("/sys/fs/cgroup/cpu/c/cpu.stat", "nr_periods 7\nthrottled_time 1500000000\n");
    write_file("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    write_file("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "1048576\n");
    write_file("/sys/fs/cgroup/memory/m/n/memory.limit_in_bytes", "2097152\n");
    assert_true(assess_cgroup_processors(root) == 0.5);
    assert_true(assess_cgroup_memory(root) == 1048576);
    assert_true(assess_cgroup_throttled(root) == 1.5);
    write_file("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
    write_file("/sys/fs/cgroup/memory/m/n/memory.limit_in_bytes", "9223372036854771712\n");
    assert_true(assess_cgroup_memory(root) == INFINITY);
    write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "10000\n"); /* of xcpu, were it there */
    write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
    write_file("/proc/self/cgroup", "1:xcpu,cpux:/x\n2:cpuacct,cpu:/c\n");
    assert_true(assess_cgroup_processors(root) == 0.5);
    write_file("/outside/cpu.cfs_quota_us", "10000\n");
    write_file("/outside/cpu.cfs_period_us", "100000\n");
    write_file("/proc/self/cgroup", "1:cpu:/../../../../outside\n"); /* beside our own top */
    assert_true(assess_cgroup_processors(root) == INFINITY);
    write_file("/proc/self/cgroup", "1:cpu:/not/there\n"); /* a container's view of the host */
    write_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "250000\n");
    assert_true(assess_cgroup_processors(root) == 2.5);
}

/* ---- use ------------------------------------------------------------------------------------ */

static void check_close(double got, double expected) {
    if (!(fabs(got - expected) < 1e-9)) fail_msg("%.12g, expected %.12g", got, expected);
}

/* Ten seconds, in which two processors have 2000 ticks, if ticks are of 1/100 s. */
static void test_use(void **state) {
    struct assess_environment e;
    struct assess_pool pool = {0};

    (void)state;
    assert_int_equal(sysconf(_SC_CLK_TCK), 100);
    write_file("/proc/self/status", "Cpus_allowed_list:\t0-1\n");
    write_file("/proc/self/cgroup", "0::/a\n");
    write_file("/sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nnr_throttled 3\nthrottled_usec 1000\n");
    write_file("/proc/pressure/cpu", "some avg10=1.00 avg60=0 avg300=0 total=1000000\nfull x\n");
    write_stat(1000, 5000, 20, 0);
    write_process(100, "ashore", 1, 50, 0);
    write_process(110, "python (x) S 1 )", 100, 500, 100); /* as hostile as a name can be */
    write_process(105, "worker", 110, 200, 0);
    write_process(200, "neighbour", 1, 900, 0);
    assess_environment_begin(&e, root, 100);
    /* busy 700 on each of two, idle 250, steal 50 on one: 1000 ticks each. */
    write_stat(1700, 5250, 70, 4000);
    write_process(100, "ashore", 1, 60, 0);
    write_process(110, "python (x) S 1 )", 100, 1000, 600); /* a child of 400 ended meanwhile */
    write_process(105, "worker", 110, 240, 0);
    write_process(200, "neighbour", 1, 1350, 0);
    write_file("/proc/pressure/cpu", "some avg10=1.00 avg60=0 avg300=0 total=2500000\nfull x\n");
    write_file("/sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nnr_throttled 3\nthrottled_usec 26000\n");
    assess_environment_end(&e, root, 100);
    check_close(e.seconds, 10);
    check_close(e.own_cores, (10 + 500 + 500 + 40) / 1000.);
    check_close(e.other_cores, (1400 - 1050) / 1000.);
    check_close(e.steal_share, 50 / 2000.);
    check_close(e.pressure, 0.15);
    check_close(e.throttled, 0.025);
    assert_true(assess_environment_disturbed(&e, 1, 1) == true);
    e.throttled = 0;
    assert_true(assess_environment_disturbed(&e, 1, 1) == false);
    assert_true(assess_environment_disturbed(&e, 0.3, 0.1) == true);
    assert_true(assess_environment_disturbed(&e, 0.4, 0.02) == true);
    assert_true(assess_environment_disturbed(&e, 0.4, 0.1) == false);
    assert_string_equal(assess_environment_words(&e, &pool),
                        "Other programs used 0.35 of 2 processors on average, the program and its "
                        "measurement 1.05; the hypervisor gave 2.5 % of their time to other "
                        "machines; in 15 % of the time something had to wait for a processor.");
    assess_pool_deinit(&pool);
}

/* Every state and every field of a process has a number of its own.  Time of the guests, which is
 * in user already, and whatever follows do not count. */
static void test_all_states(void **state) {
    struct assess_environment e;

    (void)state;
    write_file("/proc/self/status", "Cpus_allowed_list:\t3\n");
    write_file("/proc/stat", "cpu3 1000 1000 1000 1000 1000 1000 1000 1000 1000 1000\n");
    write_file("/proc/100/stat", "100 (a) S 1 2 3 4 5 6 7 8 9 10 500 500 500 500 20 0 1 0 99 7\n");
    assess_environment_begin(&e, root, 100);
    write_file("/proc/stat", "cpu3 1100 1020 1003 1300 1050 1006 1007 1080 9000 9000\n");
    write_file("/proc/100/stat", "100 (a) S 1 2 3 4 5 6 7 8 9 10 510 502 503 504 90 0 1 0 99 7\n");
    assess_environment_end(&e, root, 100);
    const double ticks = 100 + 20 + 3 + 300 + 50 + 6 + 7 + 80;
    check_close(e.seconds, ticks / 100);
    check_close(e.own_cores, (10 + 2 + 3 + 4) / ticks);
    check_close(e.other_cores, (100 + 20 + 3 + 6 + 7 - 19) / ticks);
    check_close(e.steal_share, 80 / ticks);
}

static void check_unknown(const struct assess_environment *e) {
    struct assess_pool pool = {0};
    assert_true(isnan(e->other_cores));
    assert_false(assess_environment_disturbed(e, 0, 0));
    assert_string_equal(assess_environment_words(e, &pool),
                        "Whether other programs used the processors could not be seen.");
    assess_pool_deinit(&pool);
}

static void test_nothing_there(void **state) {
    struct assess_environment e;
    struct assess_machine m;
    struct assess_pool pool = {0};

    (void)state;
    assess_read_machine(root, &pool, &m);
    assert_string_equal(m.system, "distribution not known, Linux of a version that is not known");
    assert_string_equal(m.processor, "model not known, processors not counted");
    assert_string_equal(m.memory, "not known");
    assert_true(isnan(m.cores) && isnan(m.memory_bytes) && isnan(m.load) && m.line_count == 0);
    assess_pool_deinit(&pool);
    assess_environment_begin(&e, root, 100);
    assess_environment_end(&e, root, 100);
    check_unknown(&e);
    assess_environment_begin(&e, "/proc/none", getpid());
    assess_environment_end(&e, "/proc/none", getpid());
    check_unknown(&e);
}

/* Counters that go backwards, processors that vanish, a tree that is not there. */
static void test_use_that_makes_no_sense(void **state) {
    struct assess_environment e;

    (void)state;
    write_file("/proc/self/status", "Cpus_allowed_list:\t0-1\n");
    write_stat(1000, 5000, 20, 0);
    write_process(100, "x", 1, 50, 0);
    assess_environment_begin(&e, root, 100);
    assess_environment_end(&e, root, 100); /* no time has passed */
    check_unknown(&e);
    write_stat(900, 4000, 20, 0);
    assess_environment_end(&e, root, 100);
    check_unknown(&e);
    write_file("/proc/stat", "cpu0 9000 0 0 9000\n");
    assess_environment_end(&e, root, 100);
    check_unknown(&e);
    write_stat(2000, 6000, 20, 0);
    assess_environment_end(&e, root, 101);
    check_unknown(&e);
    assess_environment_end(&e, root, -1);
    check_unknown(&e);
    assess_environment_begin(&e, root, 101);
    write_stat(3000, 7000, 20, 0);
    assess_environment_end(&e, root, 101);
    check_unknown(&e);
    write_stat(3000, 7000, 20, 0);
    assess_environment_begin(&e, root, 100);
    write_stat(2000, 9000, 20, 0); /* less busy, more time */
    assess_environment_end(&e, root, 100);
    check_unknown(&e);
    write_file("/proc/stat", "cpu0 9000 9000\ncpu1 1000 0 0 x\n");
    assess_environment_begin(&e, root, 100);
    write_file("/proc/stat", "cpu0 9900 9900\ncpu1 9000 0 0 x\n");
    assess_environment_end(&e, root, 100);
    check_unknown(&e);
    /* Processes are counted to the nanosecond, processors by ticks: ours may seem to be more. */
    write_stat(1000, 5000, 20, 0);
    assess_environment_begin(&e, root, 100);
    write_stat(1100, 5900, 20, 0);
    write_process(100, "x", 1, 260, 0);
    assess_environment_end(&e, root, 100);
    check_close(e.own_cores, 0.21);
    check_close(e.other_cores, 0);
    /* A kernel without steal and the like. */
    write_file("/proc/stat", "cpu0 1000 0 0 1000\ncpu1 1000 0 0 1000\n");
    assess_environment_begin(&e, root, 100);
    write_file("/proc/stat", "cpu0 1600 0 0 1400\ncpu1 1600 0 0 1400\n");
    assess_environment_end(&e, root, 100);
    check_close(e.other_cores, 1.2);
    check_close(e.steal_share, 0);
}

/* ---- hostile files -------------------------------------------------------------------------- */

static void test_lists(void **state) {
    static const char *const bad[] = {"",
                                      "x",
                                      "3-1",
                                      "1-",
                                      "-1",
                                      "1,,2",
                                      "1 2",
                                      "0-65536",
                                      "1,",
                                      "0-9x",
                                      "99999999999999999999",
                                      "0-99999999999999999999"};
    struct assess_processors p;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (assess_parse_processors(bad[i], &p)) fail_msg("\"%s\" is no list", bad[i]);
    assert_true(assess_parse_processors("0-3,8,8,2-4\n", &p));
    assert_int_equal(p.count, 6);
    assert_true(assess_has_processor(&p, 4) && assess_has_processor(&p, 8));
    assert_false(assess_has_processor(&p, 5) || assess_has_processor(&p, SIZE_MAX));
    assert_true(assess_parse_processors("0-65535", &p) && p.count == 65536);
}

static void test_hostile_text(void **state) {
    struct assess_pool pool = {0};
    struct assess_machine m;
    char wide[400];

    (void)state;
    /* Two bytes each, so that byte 100 of the value, which begins at 12, is within one. */
    for (size_t i = 1; i + 2 < sizeof wide; i += 2) memcpy(wide + i, "\xc3\xa4", 2);
    wide[sizeof wide - 1] = '\n';
    memcpy(wide, "PRETTY_NAME=\"xx\x1b[31m", 19); /* a terminal's colour */
    write_bytes("/etc/os-release", wide, sizeof wide);
    write_bytes("/proc/cpuinfo", "model name\t: a\0b\rc\n", 19);
    write_file("/proc/self/status", "Cpus_allowed_list:\t0-99999999\n");
    write_file("/proc/self/cgroup", "0::/../../etc\n");
    write_file("/sys/fs/cgroup/cpu.max", "100000 0\n");
    write_file("/sys/fs/cgroup/memory.max", "1e999\n");
    write_file("/proc/meminfo", "MemTotal: -5 kB\nSwapTotal: many\n");
    write_file("/proc/loadavg", "nan\n");
    assess_read_machine(root, &pool, &m);
    assert_null(strchr(m.system, '\x1b'));
    const char *comma = strstr(m.system, ", Linux");
    assert_non_null(comma);
    assert_true(comma - m.system <= 100 && ((unsigned char)comma[-1] & 0xc0) == 0x80);
    assert_int_equal(strncmp(m.processor, "a b c, ", 7), 0);
    assert_string_equal(m.memory, "not known");
    assert_true(isnan(m.cores) && isnan(m.memory_bytes) && isnan(m.load));
    assess_pool_deinit(&pool);
}

static void test_hostile_files(void **state) {
    enum { HUGE_SIZE = 3 << 20 };
    char path[512], *huge = malloc(HUGE_SIZE);
    struct assess_text text;
    struct assess_environment e;

    (void)state;
    assert_non_null(huge);
    memset(huge, '9', HUGE_SIZE);
    write_bytes("/proc/stat", huge, HUGE_SIZE);
    write_bytes("/proc/cpuinfo", huge, HUGE_SIZE);
    free(huge);
    assert_true(assess_read_text(root, &text, "/proc/stat"));
    assert_true(text.length <= 1 << 20);
    assess_text_deinit(&text);
    snprintf(path, sizeof path, "%s/proc/pressure", root);
    mkdir(path, 0700);
    strncat(path, "/cpu", sizeof path - strlen(path) - 1);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody ever writes */
    snprintf(path, sizeof path, "%s/proc/loadavg", root);
    assert_int_equal(symlink(path, path), 0); /* leads to itself */
    snprintf(path, sizeof path, "%s/proc/meminfo", root);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(assess_read_text(root, &text, "/proc/meminfo"));
    assert_false(assess_read_text(root, &text, "/proc/loadavg"));
    assert_false(assess_read_text(root, &text, "/proc/%0*d", 5000, 1));
    write_file("/number", "1e999\n");
    assert_true(assess_read_text(root, &text, "/number"));
    assert_true(isnan(assess_number(text.bytes)));
    assess_text_deinit(&text);
    assess_environment_begin(&e, root, 100);
    assess_environment_end(&e, root, 100);
    check_unknown(&e);
}

/* Parents in rings, chains, and of numbers that are none. */
static void test_hostile_processes(void **state) {
    struct assess_environment e;

    (void)state;
    write_file("/proc/self/status", "Cpus_allowed_list:\t0-1\n");
    write_stat(1000, 5000, 0, 0);
    write_process(100, "tree", 1, 0, 0);
    for (unsigned i = 101; i < 400; i++) write_process(i, "chain", i - 1, 0, 0);
    write_process(500, "ring", 501, 0, 0);
    write_process(501, "ring", 500, 0, 0);
    write_process(502, "own parent", 502, 0, 0);
    write_file("/proc/600/stat", "600 (x) S 100");
    write_file("/proc/601/stat", "no process");
    write_file("/proc/602/stat", "602 (x) S -7 1 1 0 -1 4 98 0 0 0 9 9 9 9 20\n");
    write_file("/proc/603/stat", "603 (x) S 100 1 1 0 -1 4 98 0 0 0 -9 nan inf x 20\n");
    write_file("/proc/99999999999999999999999/stat",
               "1 (x) S 100 1 1 0 -1 4 98 0 0 0 9 9 9 9 20\n");
    assess_environment_begin(&e, root, 100);
    write_stat(1500, 5500, 0, 0);
    write_process(399, "chain", 398, 100, 0); /* the end of the chain is ours */
    write_process(500, "ring", 501, 100, 0);
    write_process(502, "own parent", 502, 100, 0);
    assess_environment_end(&e, root, 100);
    check_close(e.own_cores, 0.1);
    check_close(e.other_cores, 0.9);
}

/* ---- this machine --------------------------------------------------------------------------- */

/* Until this process has used that much, however long the machine makes it wait. */
static void spin(double seconds) {
    struct timespec t;
    do {
        assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t), 0);
    } while ((double)t.tv_sec + 1e-9 * (double)t.tv_nsec < seconds);
}

/* s, with children that were waited for. */
static double used_so_far(void) {
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    double seconds = 0;
    for (size_t i = 0; i < 2; i++) {
        struct rusage u;
        assert_int_equal(getrusage(whose[i], &u), 0);
        seconds += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                   1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
    }
    return seconds;
}

static void test_this_machine(void **state) {
    struct assess_environment e;
    struct assess_machine m;
    struct assess_pool pool = {0};
    long all = sysconf(_SC_NPROCESSORS_CONF);

    (void)state;
    assess_read_machine("", &pool, &m);
    print_message("%s\n%s\n%s\n%s\n", m.machine, m.system, m.processor, m.memory);
    for (size_t i = 0; i < m.line_count; i++) print_message("%s\n", m.lines[i]);
    assert_true(m.cores > 0 && m.cores <= (double)all);
    assert_true(m.memory_bytes > 1e6 && m.memory_bytes < 1e15);
    assert_true(isnan(m.load) || (m.load >= 0 && m.load < 1e6));

    double before = used_so_far();
    assess_environment_begin(&e, "", getpid());
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        spin(0.5);
        _exit(0);
    }
    spin(before + 0.3);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assess_environment_end(&e, "", getpid());
    print_message("%s\n", assess_environment_words(&e, &pool));
    assess_pool_deinit(&pool);
    if (isnan(e.own_cores)) {
        print_message("the system does not say who uses its processors: not checked\n");
        return;
    }
    double elapsed = e.end.time - e.begin.time, used = e.own_cores * e.seconds;
    /* Processors that sleep may count late. */
    assert_true(e.seconds > 0.5 * elapsed && e.seconds < 1.5 * elapsed);
    /* Eight times, each rounded to 1/100 s, and what the readings themselves take. */
    if (!(fabs(used - (used_so_far() - before)) < 0.2))
        fail_msg("%g s, by getrusage %g s", used, used_so_far() - before);
    assert_true(used > 0.5);
    assert_true(e.other_cores >= 0 && e.other_cores <= 1.1 * (double)all);
    assert_true(isnan(e.steal_share) || (e.steal_share >= 0 && e.steal_share <= 1));
    assert_true(isnan(e.pressure) || (e.pressure >= 0 && e.pressure <= 1));
}

#define IN_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_ROOT(test_machine),
        IN_ROOT(test_cgroups_of_version_1),
        IN_ROOT(test_use),
        IN_ROOT(test_all_states),
        IN_ROOT(test_nothing_there),
        IN_ROOT(test_use_that_makes_no_sense),
        IN_ROOT(test_hostile_text),
        IN_ROOT(test_hostile_files),
        IN_ROOT(test_hostile_processes),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
