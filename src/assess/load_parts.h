/* What the ways of sending load share: when a run counts. */
#ifndef ASH_ASSESS_LOAD_PARTS_H
#define ASH_ASSESS_LOAD_PARTS_H

#include "http_client.h"
#include "load.h"

enum { ASSESS_REQUESTS_MOST = 4000000 }; /* in one run */

/* Whether options and timeout make sense: ASHORE_ERR_ARGUMENT, ASHORE_ERR_LIMIT. */
int assess_load_check(const struct assess_request *request,
                      const struct assess_load_options *options, struct ashore_error *err);
/* How many connections there may be: what was asked for, or as many of 256 as the process has
 * descriptors for.  ASHORE_ERR_LIMIT: more were asked for than it may open. */
int assess_load_connections(const struct assess_load_options *options, size_t *count,
                            struct ashore_error *err);

/* qsort()'s order of doubles. */
int assess_ascending(const void *left, const void *right);

/* Nanoseconds of three clocks at one moment.  MONOTONIC stands still while the machine is
 * suspended, BOOTTIME does not; REALTIME alone moves when the clock is set. */
struct assess_clocks {
    int64_t monotonic, boot, real;
};
struct assess_clocks assess_clocks_read(void);

/* A request counts as late when the generator noticed it by more than this after its time: 1 ms,
 * or 5 % of the mean gap where that is longer.  rate: requests/s, 0: closed modes. */
double assess_late_allowance(double rate);

/* A thread that has to wake in time: without timer slack, and with real-time priority where that is
 * permitted (root, CAP_SYS_NICE, ulimit -r), else with the shortest slice that the scheduler gives
 * (Linux 6.12 and later: what wakes with a short slice runs sooner).  A generator sleeps nearly all
 * the time; should it ever use more than a quarter of a processor between two checks, the priority
 * is given up, so that it cannot keep the program from running.  `end` restores what was. */
struct assess_pace {
    int slack; /* ns */
    int32_t nice;
    uint64_t runtime; /* ns */
    bool changed, real_time;
    double since, used; /* s: the last check, and the processor time until then */
};
void assess_pace_begin(struct assess_pace *pace);
void assess_pace_check(struct assess_pace *pace, double now);
void assess_pace_end(const struct assess_pace *pace);

/* What a run's own numbers do not say. */
struct assess_run_facts {
    struct assess_clocks before, after;
    size_t starved; /* requests that failed for want of our own ports or descriptors */
    double seconds; /* the time planned for sending */
};

enum { ASSESS_FEWEST_ANSWERS = 10 };

/* Completes a run whose sent, count, failed, late, begin, end and planned_rate are there: the
 * achieved rate, and whether the run is valid.
 *
 * Achieved rate of an open loop: the planned rate times the share that was answered well, times the
 * time that the middle 90 % of these took to be intended over the time that they took to be
 * answered, if that is below 1.  So neither the chance in a Poisson schedule's length nor the
 * latency of the last answers counts against the program, but a program that falls behind stretches
 * its answers.  Of the closed modes: good answers over the run's length. */
void assess_run_judge(struct assess_run *run, const struct assess_run_facts *facts,
                      struct assess_pool *pool);

/* Whether latency grew from the run's first half to its second: see load_sweep.c. */
bool assess_run_grows(const struct assess_run *run, struct assess_pool *pool);

/* Connects to the first of the endpoint's addresses where somebody listens, notes it as chosen and
 * leaves the connection in `client`.  ASHORE_ERR_IO: nobody does; ASHORE_ERR_CANCELLED: *stop. */
int assess_client_reach(struct assess_client *client, struct assess_endpoint *endpoint,
                        const struct assess_load_options *options, double seconds,
                        struct ashore_error *err);

bool assess_load_stopped(const struct assess_load_options *options);
/* *stop, or the program is no more. */
bool assess_load_over(const struct assess_load_options *options);
double assess_seconds(void); /* CLOCK_MONOTONIC */

#endif
