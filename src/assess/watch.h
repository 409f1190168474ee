/* A thread that notes what the program's processes use while it runs. */
#ifndef ASH_ASSESS_WATCH_H
#define ASH_ASSESS_WATCH_H

#include "process.h"

#include <pthread.h>
#include <stdatomic.h>

struct assess_watch {
    pthread_t thread;
    atomic_bool stop;
    bool running;
    struct assess_moment {
        double time, cpu; /* s */
    } *moments;
    size_t count, room;
    double peak_resident; /* bytes, all processes together */
};

/* The watch must not move while it runs. */
int assess_watch_start(struct assess_watch *watch, struct ashore_error *err);
void assess_watch_stop(struct assess_watch *watch);
/* Mean number of cores in use from begin to end (s), once it has stopped; 0 when it is not known.
 */
double assess_watch_cores(const struct assess_watch *watch, double begin, double end);
void assess_watch_deinit(struct assess_watch *watch);

#endif
