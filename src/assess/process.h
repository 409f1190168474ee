/* The program that is assessed: started with the sampler in it, watched, stopped with everything
 * that it has started.  One at a time. */
#ifndef ASH_ASSESS_PROCESS_H
#define ASH_ASSESS_PROCESS_H

#include "assess_base.h"

#include <signal.h>
#include <sys/types.h>

struct assess_process_options {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *sampler;     /* path of libashore_sampler.so; NULL: none */
    const char *folder;      /* where the sampler writes */
    int hz;
    int out; /* descriptor for the program's stdout and stderr; -1: ours */
};

/* What the processes that descend from us use. */
struct assess_usage {
    double cpu;          /* s, of those that live and those that have been waited for */
    double resident;     /* bytes, now: shared pages counted once per process */
    double proportional; /* bytes, now: shared pages divided (PSS); 0: not asked, or not readable */
    size_t processes;
};

struct assess_child {
    pid_t pid;
    int64_t started; /* ns, CLOCK_MONOTONIC, just before exec */
    bool ended;      /* the first process has ended */
    int status;      /* of waitpid, once ended */
};

/* Makes this process the one that orphans of its tree come back to, once, before anything is
 * started.  ASHORE_ERR_IO where the system has no such thing. */
int assess_process_prepare(struct ashore_error *err);
/* ASHORE_ERR_IO naming the program when it cannot be run. */
int assess_process_start(const struct assess_process_options *options, struct assess_child *child,
                         struct ashore_error *err);
/* Whether the first process still runs; reaps whatever has ended. */
bool assess_process_alive(struct assess_child *child);
/* Waits up to `seconds` (0: without end) for the first process to end, or *stop to become non-zero.
 * Returns whether it has ended. */
bool assess_process_wait(struct assess_child *child, double seconds,
                         const volatile sig_atomic_t *stop);
/* SIGTERM to all that descends from us, SIGKILL after `grace` seconds; waits for all.  Returns
 * whether SIGKILL was needed. */
bool assess_process_stop(struct assess_child *child, double grace);
/* "exit code 3", "killed by signal 11 (Segmentation fault)" */
const char *assess_process_fate(struct assess_pool *pool, const struct assess_child *child);

/* proportional: also ask for that, which stops each process for a moment. */
struct assess_usage assess_tree_usage(bool proportional);
/* A TCP port on which the tree listens, 0 when there is none; the lowest of several. */
int assess_tree_port(void);

/* Runs a command to its end and returns what it printed to stdout (at most 16 MiB, in memory of the
 * pool), stderr to ours. */
int assess_process_output(const char *const *argv, struct assess_pool *pool, char **output,
                          size_t *size, const volatile sig_atomic_t *stop,
                          struct ashore_error *err);

#endif
