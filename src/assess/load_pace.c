#include "load_parts.h"

#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* As the kernel has it; not every C library declares it. */
struct schedule_attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

/* Fork: children must not inherit real-time priority.  That flag cannot be taken back without a
 * privilege, and does no harm to an ordinary thread. */
static bool set_attributes(uint32_t policy, uint32_t priority, int32_t nice, uint64_t runtime) {
    struct schedule_attributes a = {.size = sizeof a, .policy = policy, .priority = priority};
    a.nice = nice;
    a.runtime = runtime;
    a.flags = policy == SCHED_FIFO ? SCHED_FLAG_RESET_ON_FORK : 0;
    if (syscall(SYS_sched_setattr, 0, &a, 0) == 0) return true;
    a.flags = SCHED_FLAG_RESET_ON_FORK;
    return policy == SCHED_NORMAL && syscall(SYS_sched_setattr, 0, &a, 0) == 0;
}

static double processor_time(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void assess_pace_begin(struct assess_pace *pace) {
    *pace = (struct assess_pace){.slack = prctl(PR_GET_TIMERSLACK)};
    prctl(PR_SET_TIMERSLACK, 1);
    pace->since = assess_seconds();
    pace->used = processor_time();
    struct schedule_attributes a = {.size = sizeof a};
    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) != 0 || a.policy != SCHED_NORMAL) return;
    pace->nice = a.nice;
    pace->runtime = a.runtime;
    pace->real_time = set_attributes(SCHED_FIFO, 1, 0, 0);
    pace->changed = pace->real_time || set_attributes(SCHED_NORMAL, 0, a.nice, 100000);
}

void assess_pace_check(struct assess_pace *pace, double now) {
    if (now - pace->since < 0.02) return; /* too short to tell */
    double used = processor_time();
    bool greedy = used - pace->used > 0.25 * (now - pace->since);
    pace->used = used;
    pace->since = now;
    if (!greedy || !pace->real_time) return;
    pace->real_time = false;
    set_attributes(SCHED_NORMAL, 0, pace->nice, 100000);
}

void assess_pace_end(const struct assess_pace *pace) {
    if (pace->slack > 0) prctl(PR_SET_TIMERSLACK, (unsigned long)pace->slack);
    if (pace->changed) set_attributes(SCHED_NORMAL, 0, pace->nice, pace->runtime);
}
