/* How much of the wall time a device worked, and how much it lacked work.
 *
 * Busy: the union over all streams of kernels, copies and fills, by the wall time of the window
 * (the steps), the mean of the devices that did anything.  Starved: no kernel runs while the thread
 * that feeds the device makes a batch, runs Python or copies; what it spends in a wait for the
 * device, or in operators, is neither. */
#include "import_chrome.h"

#include <stdlib.h>

static int by_device(const void *pa, const void *pb) {
    const struct assess_device_event *a = pa, *b = pb;
    if (a->device != b->device) return a->device < b->device ? -1 : 1;
    return a->begin < b->begin ? -1 : a->begin > b->begin;
}

/* Time within the window in which one of count events runs; begins do not go back. */
static double busy_time(const struct assess_chrome *c, const struct assess_device_event *events,
                        size_t count, bool kernels_alone) {
    double sum = 0, done = 0;
    size_t cursor = 0;
    for (size_t i = 0; i < count; i++) {
        if (kernels_alone && !events[i].kernel) continue;
        double begin = events[i].begin > done ? events[i].begin : done;
        if (!(events[i].end > begin)) continue;
        sum += assess_intervals_cover(&c->window, &cursor, begin, events[i].end);
        done = events[i].end;
    }
    return sum;
}

void assess_chrome_device(struct assess_chrome *c) {
    struct assess_profile *p = c->in->builder.profile;
    struct assess_builder *b = &c->in->builder;
    if (c->device_count == 0 || !(c->wall > 0)) return;
    qsort(c->device_events, c->device_count, sizeof *c->device_events, by_device);
    size_t devices = 0;
    double busy = 0, kernels = 0;
    for (size_t i = 0, next; i < c->device_count; i = next) {
        const struct assess_device_event *first = &c->device_events[i];
        for (next = i; next < c->device_count && c->device_events[next].device == first->device;) {
            next++;
        }
        busy += busy_time(c, first, next - i, false);
        kernels += busy_time(c, first, next - i, true);
        devices++;
    }
    p->has_device = true;
    p->device_busy = busy / c->wall / (double)devices;
    p->device_starved = c->starved / c->wall;
    if (devices > 1) {
        assess_builder_note(b,
                            "%zu devices worked: busy is their mean, starved is time in which "
                            "none of them ran a kernel.",
                            devices);
    }
    if (busy - kernels > 0.05 * c->wall * (double)devices) {
        assess_builder_note(b,
                            "In %.0f %% of the wall time the device copies or fills and runs no "
                            "kernel; that counts as busy.",
                            100 * (busy - kernels) / c->wall / (double)devices);
    }
    if (c->launching > 0.05 * c->wall) {
        assess_builder_note(b,
                            "In %.0f %% of the wall time no kernel runs while operators prepare "
                            "and launch the next ones: neither busy nor starved. Larger "
                            "batches, fused kernels or CUDA graphs help against that.",
                            100 * c->launching / c->wall);
    }
}
