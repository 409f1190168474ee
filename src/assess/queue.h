/* What latency becomes when service time changes: measured service times replayed through a queue.
 *
 * G/G/k, first come first served, one queue, k servers; arrivals Poisson at the target rate.  The
 * number of servers is fitted: the k whose replay of the measured run comes nearest to the measured
 * latencies.  Source: Lindley's recursion, for k servers by Kiefer and Wolfowitz (1955). */
#ifndef ASH_ASSESS_QUEUE_H
#define ASH_ASSESS_QUEUE_H

#include "stats.h"

struct assess_queue {
    size_t servers;  /* 0: nothing to fit */
    double misfit;   /* |log(predicted / measured)| at the quantile */
    double overhead; /* s that a request takes beside waiting and service: network, accepting */
};
/* intended (s, ascending), service (s), latency (s): [n], of which those that are not finite are
 * left out (failed requests).  Service must be without waiting: the time between sending and the
 * answer has the program's own queue in it, and would fit any number of servers.
 *
 * Tries 1 .. most servers; of those that fit equally well, the fewest.  The median of what each
 * replay leaves of the latencies is taken as overhead. */
struct assess_queue assess_queue_fit(const double *intended, const double *service,
                                     const double *latency, size_t n, double q, size_t most);
/* The same where service times come from another run, of one request at a time.  service: [m],
 * drawn for each arrival.  intended, latency: [n]. */
struct assess_queue assess_queue_fit_apart(const double *intended, const double *latency, size_t n,
                                           const double *service, size_t m, double q, size_t most,
                                           uint64_t seed);
/* Latencies for given arrivals; order of arrival. latency: [n].  A request whose service time is
 * negative or not finite fails: its latency is infinite and it takes no server. */
void assess_queue_replay(const double *intended, const double *service, size_t n, size_t servers,
                         double *latency);
/* Quantile q of latency at `rate` when each measured service time is multiplied by `factor`:
 * repeated replays, each with blocks of sqrt(n) neighbouring service times drawn and Poisson
 * arrivals drawn; the interval is over the replays.  Overhead of a fit is the caller's to add.
 *
 * rate 0: one request after another, nobody waits.  Where rate * mean * factor >= servers the
 * queue grows for ever: all three are infinite; where that is so for some draws alone, the high
 * end is.  {0, NAN, INFINITY} when there is nothing to predict from: no service times, no servers,
 * a rate or factor that is negative or not finite. */
struct assess_interval assess_queue_predict(const double *service, size_t n, size_t servers,
                                            double rate, double factor, double q, double c,
                                            size_t replays, uint64_t seed);

#endif
