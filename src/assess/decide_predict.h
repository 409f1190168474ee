/* Latency after a port: what decide_ceiling.c asks decide_predict.c. */
#ifndef ASH_ASSESS_DECIDE_PREDICT_H
#define ASH_ASSESS_DECIDE_PREDICT_H

#include "decide.h"

struct assess_service {
    double *seconds; /* sorted by time of sending; NULL: there are none */
    size_t count;
    const char *from;
    double mean, low; /* low: the quantile's low end */
};

struct assess_predictor {
    struct assess_case *c;
    const struct assess_target *target; /* whose quantile is predicted; NULL: none */
    const struct assess_finding *finding;
    struct assess_service service;
    struct assess_queue queue; /* servers 0: not fitted */
    double rate;               /* 0: one request at a time */
    double inside;             /* of the service time that is profiled work, 0 to 1 */
    bool inside_known;
    double work; /* s per request, from the profile; 0: not known */
};

/* A factor as it is expected, and how far it may be off. */
struct assess_range {
    double best, likely, worst;
};

/* Chooses the target, finds service times, and fits the queue.  Sets the case's work_seconds and
 * the verdict's request_seconds. */
void assess_predictor_init(struct assess_predictor *p, struct assess_case *c);
/* The factor of a request's time, from one of the work that was profiled. */
double assess_effective(const struct assess_predictor *p, double factor);
/* The target's quantile when the work is multiplied by the factor.  NAN: nothing can be said. */
struct assess_interval assess_predict(const struct assess_predictor *p, struct assess_range factor);

#endif
