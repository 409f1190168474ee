/* One graph being run. */
#ifndef ASH_RT_FRAME_H
#define ASH_RT_FRAME_H

#include "rt/exec.h"

struct ash_frame {
    struct ash_plan *plan;
    bool owns_plan; /* planned for this call */
    uint32_t segment, step;
    unsigned char *slab;  /* of the current segment */
    struct ash_buf slots; /* struct ash_slot[n_places] */
    uint32_t n_slots;     /* that are in use */
    struct ash_buf args;  /* struct ash_slot[n_inputs] */
    struct ash_buf bind;  /* struct ash_tensor *[n_outputs] */
    struct ash_buf slabs; /* struct ash_buf[]: slabs of its own */
    uint32_t n_slabs;
    /* the control step that waits for the frame above */
    bool in_control;
    struct ash_control control;
    struct ash_buf call; /* its argument, binding and result arrays */
};

static inline struct ash_slot *ash_frame_slots(const struct ash_frame *f) {
    return (struct ash_slot *)f->slots.data;
}
static inline const struct ash_segment *ash_frame_segment(const struct ash_frame *f) {
    return &f->plan->segments[f->segment];
}

/* Makes room for `size` bytes, keeping `keep` bytes of what is there. */
int ash_buf_reserve(struct ash_heap *heap, struct ash_buf *buf, size_t size, size_t keep,
                    struct ashore_error *err);
void ash_buf_free(struct ash_heap *heap, struct ash_buf *buf);

/* Starts a plan in f.  slab: memory for its first segment, or NULL to have it made. */
int ash_frame_begin(struct ash_exec *x, struct ash_frame *f, struct ash_plan *plan, bool owns_plan,
                    const struct ash_slot *args, struct ash_tensor *const *bind,
                    unsigned char *slab, struct ashore_error *err);
/* Moves on to the next segment, planning it if need be.  ASHORE_OK: there are steps to run (maybe
 * none of this segment); ASHORE_PENDING: the plan is at its end. */
int ash_frame_next(struct ash_exec *x, struct ash_frame *f, struct ashore_error *err);
/* Copies outputs that did not come out where they were bound. */
int ash_frame_outputs(struct ash_frame *f, struct ashore_error *err);
/* Lets go of everything that the run held; memory stays for the next. */
void ash_frame_end(struct ash_exec *x, struct ash_frame *f);
/* After segment seg got no memory: names the result that asks for most of it. */
void ash_frame_blame(const struct ash_plan *plan, const struct ash_segment *seg,
                     struct ashore_error *err);
void ash_frame_deinit(struct ash_exec *x, struct ash_frame *f);

/* Runs one step that is not a control step. */
int ash_step_run(struct ash_exec *x, struct ash_frame *f, const struct ash_step *s,
                 struct ashore_error *err);
/* Fills run's arrays from the frame; they live in `arrays`, which has room for
 * ash_step_arrays_size(s) bytes. */
size_t ash_step_arrays_size(const struct ash_step *s);
void ash_step_bind(struct ash_exec *x, struct ash_frame *f, const struct ash_step *s,
                   struct ash_run *run, void *arrays, struct ashore_error *err);
/* Refuses what is no tensor for an operator that takes nothing else. */
int ash_step_check(const struct ash_step *s, const struct ash_run *run);
/* Takes the step's results into the slots and lets go of what has been read for the last time. */
int ash_step_settle(struct ash_frame *f, const struct ash_step *s, struct ash_run *run);

#endif
