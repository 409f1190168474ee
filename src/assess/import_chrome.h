/* Chrome traces: what the reader of events (import_chrome.c) hands to the sweep over time
 * (import_timeline.c) and to the account of the device (import_device.c). */
#ifndef ASH_ASSESS_IMPORT_CHROME_H
#define ASH_ASSESS_IMPORT_CHROME_H

#include "import_file.h"

enum assess_event_kind {
    ASSESS_EV_STEP,       /* ProfilerStep#N: one iteration of the program */
    ASSESS_EV_ANNOTATION, /* record_function */
    ASSESS_EV_LOADER,     /* the program waits for, or makes, the next batch */
    ASSESS_EV_OP,         /* an operator's code on the processor */
    ASSESS_EV_PYTHON,
    ASSESS_EV_RUNTIME,  /* a call of the device's runtime */
    ASSESS_EV_OVERHEAD, /* of the profiler itself */
    ASSESS_EV_RUN,      /* onnxruntime's model_run */
    ASSESS_EV_NODE,     /* of onnxruntime, or its executor */
    ASSESS_EV_STACK,    /* py-spy's frames */
    ASSESS_EV_LOADING   /* of a model, before anything runs */
};
enum {
    ASSESS_EV_SYNC = 1,     /* waits for the device */
    ASSESS_EV_COPY = 2,     /* moves bytes */
    ASSESS_EV_BACKWARD = 4, /* waits while the autograd engine's threads work */
    ASSESS_EV_ENGINE = 8    /* of autograd's engine */
};

/* begin < end, us in the file, s from the first event on later. */
struct assess_event {
    double begin, end;
    uint32_t row, number; /* number: in the order of the file */
    int32_t function;
    uint8_t kind, flags;
};

/* The beginning or the end of an event that comes in two parts. */
struct assess_mark {
    struct assess_event event; /* of an end, begin is its time */
    bool is_end;
};

/* Work of a device: a kernel, or a copy or fill. */
struct assess_device_event {
    double begin, end;
    uint32_t device;
    bool kernel;
};

/* A thread. */
struct assess_row {
    uint64_t key; /* hash of pid and tid as the file has them */
    uint32_t pid, tid;
    const char *name;
    size_t thread;                  /* of the builder */
    size_t steps, runs, torch, own; /* events; own: steps, batches, Python */
    bool is_engine;                 /* a thread of autograd's */
    size_t first, count;            /* its slice of the events, when they are sorted */
};

/* Disjoint, by begin. */
struct assess_interval_list {
    struct assess_overlay {
        double begin, end;
        int32_t function; /* put onto the stack; ASSESS_NO_FUNCTION: none */
        enum assess_bucket bucket;
    } *items;
    size_t count, room;
};

struct assess_chrome {
    struct assess_import *in;
    struct assess_event *events;
    size_t event_count, event_room;
    struct assess_mark *marks;
    size_t mark_count, mark_room;
    struct assess_device_event *device_events;
    size_t device_count, device_room;
    struct assess_row *rows;
    size_t row_count, row_room;
    size_t last_row;
    char others[160]; /* categories that are not known */
    bool has_python, has_steps, has_runs, has_torch, has_stacks;
    size_t negative, unfinished, unopened;
    double loading;     /* s, of models */
    double overlapping; /* s, of events that do not nest */

    struct assess_interval_list window;  /* of the wall time that is accounted for */
    struct assess_interval_list kernels; /* of any device */
    struct assess_interval_list engine;  /* what autograd's threads do */
    double wall, starved, launching;     /* s; launching: operators run, no kernel does */
};

bool assess_intervals_add(struct assess_interval_list *list, struct assess_overlay item);
/* Sorts and makes disjoint; intervals of one bucket that touch become one. */
void assess_intervals_merge(struct assess_interval_list *list);
/* Length of [begin, end] that the list covers.  *cursor: 0 at first; begins may not go back. */
double assess_intervals_cover(const struct assess_interval_list *list, size_t *cursor, double begin,
                              double end);

/* Fills window, kernels and engine, and adds what all threads did to the builder. */
int assess_chrome_account(struct assess_chrome *c);
/* Of the device, once the threads are accounted for. */
void assess_chrome_device(struct assess_chrome *c);

#endif
