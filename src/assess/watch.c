#include "watch.h"

#include <string.h>
#include <time.h>

static void note_moment(struct assess_watch *watch) {
    struct assess_usage usage = assess_tree_usage(false);
    if (usage.resident > watch->peak_resident) watch->peak_resident = usage.resident;
    void *moments = watch->moments;
    if (usage.processes == 0 ||
        !assess_grow(&moments, watch->count, &watch->room, sizeof *watch->moments)) {
        return;
    }
    watch->moments = moments;
    watch->moments[watch->count++] = (struct assess_moment){(double)assess_now() * 1e-9, usage.cpu};
}

static void *watch_main(void *given) {
    struct assess_watch *watch = given;
    const struct timespec pause = {0, 250 * 1000 * 1000};
    while (!atomic_load(&watch->stop)) {
        note_moment(watch);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

int assess_watch_start(struct assess_watch *watch, struct ashore_error *err) {
    *watch = (struct assess_watch){0};
    sigset_t all, before;
    sigfillset(&all); /* signals are for the thread that measures */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&watch->thread, NULL, watch_main, watch);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc) return assess_fail(err, ASHORE_ERR_LIMIT, "no thread: %s", strerror(rc));
    watch->running = true;
    return ASHORE_OK;
}

void assess_watch_stop(struct assess_watch *watch) {
    if (!watch->running) return;
    atomic_store(&watch->stop, true);
    pthread_join(watch->thread, NULL);
    watch->running = false;
}

/* CPU time at a time between two moments, or at the nearest one. */
static double cpu_at(const struct assess_watch *watch, double time) {
    const struct assess_moment *m = watch->moments;
    size_t i = 0;
    while (i < watch->count && m[i].time < time) i++;
    if (i == 0) return m[0].cpu;
    if (i == watch->count) return m[i - 1].cpu;
    double part = (time - m[i - 1].time) / (m[i].time - m[i - 1].time);
    return m[i - 1].cpu + part * (m[i].cpu - m[i - 1].cpu);
}

double assess_watch_cores(const struct assess_watch *watch, double begin, double end) {
    if (watch->count < 2) return 0;
    double first = watch->moments[0].time, last = watch->moments[watch->count - 1].time;
    if (begin < first) begin = first;
    if (end > last) end = last;
    if (end <= begin) return 0;
    double used = cpu_at(watch, end) - cpu_at(watch, begin);
    return used > 0 ? used / (end - begin) : 0; /* a process that ended takes its time along */
}

void assess_watch_deinit(struct assess_watch *watch) {
    assess_watch_stop(watch);
    assess_realloc(watch->moments, 0);
    *watch = (struct assess_watch){0};
}
