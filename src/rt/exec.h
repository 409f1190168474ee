/* The executor: runs a plan in slices.
 *
 * Its state is an explicit stack of frames, one per graph that is being run; nothing of a run is on
 * the C stack between two calls of ash_exec_advance.  What a run needs (slots, slabs, argument
 * arrays) stays with the executor from run to run: a warm run of a static plan allocates nothing.
 */
#ifndef ASH_RT_EXEC_H
#define ASH_RT_EXEC_H

#include "plan/plan.h"

struct ash_frame;

struct ash_stat { /* of one node of the model */
    const char *kernel;
    struct ash_type type; /* of its first output, last seen */
    char shape[96];       /* the same as text, made when it is asked for */
    double seconds;
    uint64_t runs;
};

struct ash_buf { /* memory that grows and stays */
    void *data;
    size_t size;
};

struct ash_exec {
    struct ash_heap *heap;
    struct ash_pool *pool;
    const _Atomic uint32_t *cancel; /* not 0: the run ends; NULL: nobody does that */
    struct ash_stat *stats;         /* by node id; NULL: no profile */
    struct ash_frame *frames;
    uint32_t depth, cap_frames;
    struct ash_buf slab, pointers; /* the outermost plan's slab; arguments of the step that runs */
    size_t steps_done, steps_known;
    struct ashore_value **out; /* outermost outputs, made by the run */
    uint32_t n_out;
};

void ash_exec_init(struct ash_exec *x, struct ash_heap *heap, struct ash_pool *pool);
void ash_exec_deinit(struct ash_exec *x);

/* Begins a run of plan (rewound here).  args[n_inputs] are retained; bind[n_outputs] may hold NULL:
 * the output is then made by the run and found in out. */
int ash_exec_begin(struct ash_exec *x, struct ash_plan *plan, const struct ash_slot *args,
                   struct ash_tensor *const *bind, struct ashore_error *err);
/* Runs up to max_steps steps (0: all).  ASHORE_OK: done; ASHORE_PENDING: call again; an error ends
 * the run, ASHORE_ERR_CANCELLED with the rest of the step that x->cancel was set in. */
int ash_exec_advance(struct ash_exec *x, size_t max_steps, struct ashore_error *err);
/* Ends a run wherever it is. */
void ash_exec_abort(struct ash_exec *x);

#endif
