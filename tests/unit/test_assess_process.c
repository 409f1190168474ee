/* Programs that are started, watched and stopped, with all that they start. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assess/process.h"
#include "assess/process_tree.h"
#include "assess/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nap(double seconds) {
    struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

static struct assess_child start(const char *script, int out) {
    struct ashore_error err = {0};
    struct assess_child child;
    const char *argv[] = {"sh", "-c", script, NULL};
    struct assess_process_options options = {.argv = argv, .out = out};
    assert_int_equal(assess_process_start(&options, &child, &err), ASHORE_OK);
    assert_true(child.pid > 0);
    return child;
}

static void nobody_is_left(void) {
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void a_program_that_is_not_there(void **state) {
    (void)state;
    const char *argv[] = {"/no/such/program", NULL};
    struct assess_process_options options = {.argv = argv, .out = -1};
    struct ashore_error err = {0};
    struct assess_child child;
    assert_int_equal(assess_process_start(&options, &child, &err), ASHORE_ERR_IO);
    assert_string_equal(err.text, "'/no/such/program' cannot be run: No such file or directory");
    assert_false(assess_process_alive(&child));
    nobody_is_left();
}

static void how_it_ended(void **state) {
    (void)state;
    struct assess_pool pool = {0};
    struct assess_child child = start("exit 3", -1);
    assert_true(assess_process_wait(&child, 30, NULL));
    assert_string_equal(assess_process_fate(&pool, &child), "exit code 3");
    child = start("kill -SEGV $$", -1);
    assert_true(assess_process_wait(&child, 30, NULL));
    assert_string_equal(assess_process_fate(&pool, &child),
                        "killed by signal 11 (Segmentation fault)");
    child = start("sleep 100", -1);
    assert_false(assess_process_wait(&child, 0.05, NULL));
    assert_string_equal(assess_process_fate(&pool, &child), "still running");
    const sig_atomic_t stop = 1;
    assert_false(assess_process_wait(&child, 0, &stop));
    assert_false(assess_process_stop(&child, 20));
    nobody_is_left();
    assess_pool_deinit(&pool);
}

/* Children in the background, in sessions of their own, and orphans. */
static void all_its_processes_end(void **state) {
    (void)state;
    assert_int_equal(assess_process_prepare(NULL), ASHORE_OK);
    struct assess_child child =
        start("sleep 100 & (setsid sleep 100 & ) ; (sh -c 'sleep 100 & exit 0'); exit 0", -1);
    assert_true(assess_process_wait(&child, 30, NULL));
    assert_true(assess_tree_usage(false).processes >= 3);
    assert_false(assess_process_stop(&child, 20));
    assert_int_equal(assess_tree_usage(false).processes, 0);
    nobody_is_left();
}

static void one_that_does_not_listen_is_killed(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct assess_child child =
        start("trap '' TERM; echo ready; while :; do sleep 0.1; done", ends[1]);
    char line[8];
    assert_true(read(ends[0], line, sizeof line) > 0); /* the trap is set */
    assert_true(assess_process_stop(&child, 0.3));
    nobody_is_left();
    close(ends[0]);
    close(ends[1]);
}

static void what_it_uses(void **state) {
    (void)state;
    struct assess_watch watch;
    struct assess_child child = start("while :; do :; done", -1);
    assert_int_equal(assess_watch_start(&watch, NULL), ASHORE_OK);
    double begin = (double)assess_now() * 1e-9;
    nap(1.2);
    double end = (double)assess_now() * 1e-9;
    struct assess_usage usage = assess_tree_usage(true);
    assess_watch_stop(&watch);
    assess_process_stop(&child, 20);
    assert_int_equal(usage.processes, 1);
    assert_true(usage.resident > 100e3 && usage.resident < 1e9);
    assert_true(usage.proportional == 0 || usage.proportional <= usage.resident);
    assert_true(watch.peak_resident >= 100e3);
    double cores = assess_watch_cores(&watch, begin, end);
    assert_true(cores > 0 && cores < 1.2); /* one thread; ticks of 10 ms over 1.2 s */
    assert_true(assess_watch_cores(&watch, end + 10, end + 20) == 0);
    assess_watch_deinit(&watch);
}

static void its_port(void **state) {
    (void)state;
    assert_int_equal(assess_tree_port(), 0);
    struct assess_child child =
        start("exec python3 -c 'import socket,time; s=socket.socket(); s.bind((\"127.0.0.1\",0));"
              "s.listen(); time.sleep(100)'",
              -1);
    int port = 0;
    for (int i = 0; i < 600 && !port && assess_process_alive(&child); i++) {
        port = assess_tree_port();
        nap(0.05);
    }
    assess_process_stop(&child, 20);
    assert_true(port > 0);
    assert_int_equal(assess_tree_port(), 0);
}

static void the_sampler_comes_first(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const char *argv[] = {"/bin/sh", "-c",
                          "echo \"$LD_PRELOAD $ASHORE_ASSESS_DIR $ASHORE_ASSESS_HZ\"", NULL};
    struct assess_process_options options = {
        .argv = argv, .sampler = "/no/sampler.so", .folder = "/f", .hz = 99, .out = ends[1]};
    struct assess_child child;
    assert_int_equal(assess_process_start(&options, &child, NULL), ASHORE_OK);
    assert_true(assess_process_wait(&child, 30, NULL));
    char text[1024] = "";
    ssize_t n = read(ends[0], text, sizeof text - 1);
    assert_true(n > 0);
    assert_non_null(strstr(text, "/no/sampler.so")); /* the loader complains, and goes on */
    assert_non_null(strstr(text, " /f 99\n"));
    close(ends[0]);
    close(ends[1]);
}

static void what_a_command_prints(void **state) {
    (void)state;
    struct assess_pool pool = {0};
    struct ashore_error err = {0};
    char *text;
    size_t size;
    const char *good[] = {"sh", "-c", "printf '%s' abc", NULL};
    assert_int_equal(assess_process_output(good, &pool, &text, &size, NULL, &err), ASHORE_OK);
    assert_int_equal(size, 3);
    assert_string_equal(text, "abc");
    const char *bad[] = {"sh", "-c", "exit 5", NULL};
    assert_int_equal(assess_process_output(bad, &pool, &text, &size, NULL, &err), ASHORE_ERR_STATE);
    assert_string_equal(err.text, "'sh': exit code 5");
    const char *endless[] = {"sh", "-c", "exec cat /dev/zero", NULL};
    assert_int_equal(assess_process_output(endless, &pool, &text, &size, NULL, &err),
                     ASHORE_ERR_STATE);
    assess_pool_deinit(&pool);
    nobody_is_left();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_that_is_not_there),
        cmocka_unit_test(how_it_ended),
        cmocka_unit_test(all_its_processes_end),
        cmocka_unit_test(one_that_does_not_listen_is_killed),
        cmocka_unit_test(what_it_uses),
        cmocka_unit_test(its_port),
        cmocka_unit_test(the_sampler_comes_first),
        cmocka_unit_test(what_a_command_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
