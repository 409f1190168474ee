/* What was measured on: the machine, as far as it matters for times, and who else used it
 * meanwhile.
 *
 * root is the folder below which /proc, /sys and /etc are looked for: "" for this machine, another
 * one in tests.  Whatever is missing or makes no sense is left out or NAN; nothing here fails.  At
 * most 1 MiB of any file is read, and text from them is cut and freed of control characters. */
#ifndef ASH_ASSESS_ENVIRONMENT_H
#define ASH_ASSESS_ENVIRONMENT_H

#include "assess_base.h"

#include <sys/types.h>

/* ---- environment.c: what stays ---- */

/* The first four are lines of a report; "not known" where they are not. */
struct assess_machine {
    const char *machine; /* "Acme X1, x86_64, virtual" */
    const char *system;  /* "Debian GNU/Linux 12 (bookworm), Linux 6.1.0-18-amd64" */
    const char
        *processor;     /* "Acme CPU 7, 2 of 8 processors usable, limited to 1.5 by the cgroup" */
    const char *memory; /* "16.0 GiB, limited to 2.0 GiB by the cgroup, no swap" */
    const char **lines; /* clock source, frequency governor, turbo, load before the start */
    size_t line_count;
    double cores;        /* usable: by affinity and quota; NAN: not known */
    double memory_bytes; /* usable; NAN: not known */
    double load;         /* mean over the last minute before the start; NAN: not known */
};
void assess_read_machine(const char *root, struct assess_pool *pool, struct assess_machine *m);

/* ---- environment_use.c: who used the processors ---- */

/* A reading; seconds since some moment in the past. */
struct assess_use {
    double time;      /* of CLOCK_MONOTONIC */
    double processor; /* all states of the usable processors together, idle among them */
    double busy, steal;
    double own;       /* used by a process and its descendants, ended ones as far as waited for */
    double pressure;  /* during which something that could run had to wait */
    double throttled; /* during which the cgroup's quota stopped our processes */
    size_t processors;
};

/* Between begin and end; NAN where the system does not say.  Ticks of 1/100 s are what the system
 * counts in: over a second or more the numbers mean something. */
struct assess_environment {
    struct assess_use begin, end;
    double seconds;
    double own_cores;   /* mean number of processors used by the process tree */
    double other_cores; /* by anything else, on the processors that we may use */
    double steal_share; /* share of their time that the hypervisor gave to others, 0 to 1 */
    double pressure;    /* share of time in which something that could run had to wait */
    double throttled;   /* s that the quota stopped us */
};
/* tree: the process whose use, with that of its descendants, is our own. */
void assess_environment_begin(struct assess_environment *e, const char *root, pid_t tree);
void assess_environment_end(struct assess_environment *e, const char *root, pid_t tree);

/* Others used more than `cores` processors, or the hypervisor took more than `share`, or a quota
 * stopped us at all: times were disturbed.  False where nothing is known. */
bool assess_environment_disturbed(const struct assess_environment *e, double cores, double share);
/* A sentence for the report: what was seen, or that it could not be. */
const char *assess_environment_words(const struct assess_environment *e, struct assess_pool *pool);

#endif
