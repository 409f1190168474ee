/* What Loop and Scan share: values carried from one iteration to the next, and outputs stacked from
 * one slice per iteration.
 *
 * A carried value of known extents goes back and forth between two buffers of the step's scratch;
 * any other is a value that is replaced.  A stacked output of known extents is written slice by
 * slice; any other is collected and put together at the end. */
#ifndef ASH_OPS_ITERATE_H
#define ASH_OPS_ITERATE_H

#include "ir/op.h"

/* Rounds of inference after which carried values that have not settled lose their shapes. */
enum { ASH_FIXPOINT_ROUNDS = ASH_MAX_RANK + 4 };

/* Leaves kind and element type of a carried value. */
static inline void ash_type_forget(struct ash_type *t) { t->rank = -1; }

struct ash_carry {
    struct ash_slot now;         /* what the next iteration reads; retains its value */
    struct ash_tensor buffer[2]; /* data NULL: extents are not known */
    int turn;                    /* the buffer that the next result goes to */
};

struct ash_stack {
    struct ashore_value **items; /* slices collected so far */
    size_t n, cap;
    int axis;     /* of the output; negative: from its end */
    bool reverse; /* the last iteration comes first */
};

/* Bytes of scratch for the buffers of a carried value of this type: 0 when it is not exact. */
size_t ash_carry_bytes(const struct ash_info *info);
/* memory: ash_carry_bytes of scratch, or NULL. */
void ash_carry_init(struct ash_carry *k, struct ash_run *run, int input, void *memory,
                    const struct ash_tensor *like);
struct ash_tensor *ash_carry_bind(struct ash_carry *k);
int ash_carry_take(struct ash_carry *k, struct ash_run *run, const struct ash_slot *result);
void ash_carry_release(struct ash_carry *k);
/* The carried value becomes output o. */
int ash_carry_finish(struct ash_carry *k, struct ash_run *run, int o);

/* Result r is slice i of n along the stack's axis of output o. */
int ash_stack_put(struct ash_stack *s, struct ash_run *run, int o, int64_t i,
                  const struct ash_slot *r);
/* Puts the collected slices together; like: the type of a slice where there is none. */
int ash_stack_finish(struct ash_stack *s, struct ash_run *run, int o, const struct ash_type *like);
void ash_stack_release(struct ash_stack *s, struct ash_heap *heap);

#endif
