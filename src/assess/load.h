/* Load: requests sent to a program, and what became of each. */
#ifndef ASH_ASSESS_LOAD_H
#define ASH_ASSESS_LOAD_H

#include "assess_base.h"

#include <signal.h>

struct assess_body {
    const char *bytes;
    size_t size;
};

/* What is sent: the same request again and again, or lines of a file in turn. */
struct assess_request {
    const char *url;            /* http://host:port/path; no TLS */
    const char *method;         /* NULL: GET, or POST with a body */
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    const struct assess_body *bodies; /* in turn */
    size_t body_count;
    double timeout; /* s from the intended time, by which there must be an answer; 0: 30 */
};

/* One request.  Times are seconds of CLOCK_MONOTONIC. */
struct assess_sent {
    double intended, sent, answered; /* answered: the answer's last byte; latency from intended */
    int status;                      /* HTTP status; 0: no answer */
    const char *failure;             /* "timeout", "connection refused"; NULL: 2xx */
};

enum assess_load_mode { ASSESS_OPEN, ASSESS_SINGLE, ASSESS_OFFLINE };

/* One run at one rate. */
struct assess_run {
    enum assess_load_mode mode;
    /* Requests per second.  Planned: 0 of closed modes.  Achieved: see load_parts.h. */
    double planned_rate, achieved_rate;
    double begin, end;        /* s */
    struct assess_sent *sent; /* in the order of intended */
    size_t count, failed;
    size_t
        late; /* noticed too long after intended: our own fault; a wait for a connection is not */
    double late_most; /* s */
    bool valid;       /* the generator kept up, the clock did not jump, enough was answered */
    bool interrupted; /* by *stop or the program's end: what is there is right */
    const char *invalid_reason; /* NULL: valid */
    const char *first_failure;  /* what the first failed request met, whole */
};

/* Plain numbers: a schedule of intended times.  Exponential gaps (Poisson arrivals), SplitMix64.
 * Writes count offsets in s from 0. */
void assess_schedule(uint64_t seed, double rate, size_t count, double *offsets);

struct assess_load_options {
    enum assess_load_mode mode;
    double rate;        /* open loop: requests per second */
    double seconds;     /* 0: until `most` */
    size_t most;        /* requests; 0: no limit but `seconds` */
    size_t connections; /* the most at a time; 0: 256 */
    uint64_t seed;
    const volatile sig_atomic_t *stop; /* becomes non-zero: end now, keep what is there */
    bool (*alive)(void *); /* asked now and then: is the program still there?  NULL: yes */
    void *alive_with;
};

/* Sends and waits.  Fails only when nothing can be sent at all: a URL that is none
 * (ASHORE_ERR_ARGUMENT), nobody who answers there (ASHORE_ERR_IO), *stop before the first request
 * (ASHORE_ERR_CANCELLED), too few descriptors (ASHORE_ERR_LIMIT), no memory.  Failed requests are
 * counted in the run, whose arrays are the pool's. */
int assess_load_http(const struct assess_request *request,
                     const struct assess_load_options *options, struct assess_pool *pool,
                     struct assess_run *run, struct ashore_error *err);

/* Waits until the URL answers at all.  ASHORE_ERR_IO after `seconds`, or when alive() says no. */
int assess_await_http(const struct assess_request *request,
                      const struct assess_load_options *options, double seconds,
                      double *first_answer, struct ashore_error *err);

/* From rates below to beyond what the program can do: doubling, then halving the interval.  The
 * knee is the highest rate at which the run is valid, failures are at most 1 %, at least 95 % of
 * the rate is achieved, and p99 does not grow during the run (see load_sweep.c). */
struct assess_sweep {
    struct assess_run *runs; /* by rising rate */
    size_t count;
    double knee;     /* requests/s; 0: none was found */
    const char *why; /* what ended it, in words */
};
int assess_load_sweep(const struct assess_request *request,
                      const struct assess_load_options *options, double first_rate,
                      double most_rate, double seconds_per_run, struct assess_pool *pool,
                      struct assess_sweep *sweep, struct ashore_error *err);

/* Latencies (answered - intended) or service times (answered - sent) of answered requests, sorted;
 * failed ones count as infinite latency, at the end.  values: [run->count]; returns how many. */
size_t assess_run_latencies(const struct assess_run *run, double *values);
size_t assess_run_services(const struct assess_run *run, double *values);

/* A callable's log: what call_driver.py wrote (see there), one run. */
int assess_load_read_calls(const char *path, struct assess_pool *pool, struct assess_run *run,
                           struct ashore_error *err);

#endif
