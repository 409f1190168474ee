/* What has to be reached, as it is written on the command line. */
#ifndef ASH_ASSESS_TARGET_H
#define ASH_ASSESS_TARGET_H

#include "assess_base.h"

enum assess_target_kind {
    ASSESS_TARGET_LATENCY,    /* pQ=TIME: p50=, p99=, p99.9=; s */
    ASSESS_TARGET_THROUGHPUT, /* throughput=N: requests per second */
    ASSESS_TARGET_MEMORY,     /* memory=SIZE: peak resident bytes of the process tree */
    ASSESS_TARGET_COLD_START, /* cold-start=TIME: from exec to the first answer; s */
    ASSESS_TARGET_DOWNLOAD,   /* download=SIZE: compressed bytes on the wire to a client */
    ASSESS_TARGET_COST,       /* cost=MONEY/COUNT: "0.20/1k"; needs the price of a core-hour */
    ASSESS_TARGET_CLIENT      /* client: it has to run on the user's device */
};

struct assess_target {
    enum assess_target_kind kind;
    double quantile;  /* latency: 0.99 */
    double limit;     /* s, 1/s, bytes, money per request */
    const char *text; /* as given */
};

/* ASHORE_ERR_ARGUMENT with what is wrong and what is understood.  Times: 40ms, 1.5s, 200us; sizes:
 * 100KB, 1.5MiB, 2GB; counts: 1k, 1M. */
int assess_target_parse(const char *text, struct assess_target *target, struct ashore_error *err);
/* "0.17/core-hour" -> money per core-second. */
int assess_price_parse(const char *text, double *per_core_second, struct ashore_error *err);

#endif
