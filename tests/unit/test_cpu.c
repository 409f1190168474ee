#define _GNU_SOURCE /* stack_t, fork */
#include "base/cpu.h"
#include "kernels/qgemm/qgemm.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* What a child process finds: 0 when it is right.  Linux answers a process once. */
static int in_child(int (*check)(void)) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(check());
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A stack for signals that holds no tiles: Linux gives no permission to use them. */
static int without_room(void) {
    static unsigned char room[8192];
    const stack_t stack = {.ss_sp = room, .ss_size = sizeof room};
    if (sigaltstack(&stack, NULL)) return 1;
    if (ash_cpu_flags() & ASH_CPU_AMX) return 2;
    return ash_qgemm_best()->cpu & ASH_CPU_AMX ? 3 : 0;
}

static void test_refused_tiles(void **state) {
    (void)state;
    assert_int_equal(in_child(without_room), 0);
}

static int masked_off(void) {
    uint32_t all = ash_cpu_flags();
    ash_cpu_mask(~(uint32_t)ASH_CPU_AMX);
    return ash_cpu_flags() == (all & ~(uint32_t)ASH_CPU_AMX) ? 0 : 1;
}

static void test_mask(void **state) {
    (void)state;
    assert_int_equal(in_child(masked_off), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_tiles),
        cmocka_unit_test(test_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
