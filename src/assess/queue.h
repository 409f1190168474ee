/* What latency becomes when service time changes: measured service times replayed through a queue.
 *
 * G/G/k, first come first served, one queue, k servers; arrivals Poisson at the target rate.  The
 * number of servers is fitted: the k whose replay of the measured run comes nearest to the measured
 * latencies.  Source: Lindley's recursion, for k servers by Kiefer and Wolfowitz (1955). */
#ifndef ASH_ASSESS_QUEUE_H
#define ASH_ASSESS_QUEUE_H

#include "stats.h"

struct assess_queue {
    size_t servers;
    double misfit; /* |log(predicted / measured)| at the quantile */
};
/* intended (s, ascending), service (s), latency (s): [n]. */
struct assess_queue assess_queue_fit(const double *intended, const double *service,
                                     const double *latency, size_t n, double q, size_t most);
/* Latencies for given arrivals; order of arrival. latency: [n] */
void assess_queue_replay(const double *intended, const double *service, size_t n, size_t servers,
                         double *latency);
/* Quantile q of latency at `rate` when each measured service time is multiplied by `factor`:
 * repeated replays with drawn service times and arrivals; the interval is over replays and over
 * blocks of the measured times. */
struct assess_interval assess_queue_predict(const double *service, size_t n, size_t servers,
                                            double rate, double factor, double q, double c,
                                            size_t replays, uint64_t seed);

#endif
