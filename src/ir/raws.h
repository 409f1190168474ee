/* The constants of a model as its graphs have them, which are given back once they live on in
 * packed form, and made again from that form when somebody wants to read them after all.
 *
 * The graph's own tensors are never written, so that runs of other sessions may copy them: where a
 * constant is gone, or has been made again elsewhere, its tensor points to memory that must not be
 * read.  Whoever plans reads constants through ash_raws_read or ash_raws_data.  All but unpinning
 * is for the one who holds the model's planning lock (ash_packs_enter). */
#ifndef ASH_IR_RAWS_H
#define ASH_IR_RAWS_H

#include "base/heap.h"
#include "ir/graph.h"

enum ash_given {
    ASH_GIVEN_NOT,  /* it stays where it is */
    ASH_GIVEN_BACK, /* it takes no memory, and can be read none the less */
    ASH_GIVEN_AWAY  /* it must not be read any more */
};
/* What may become of a constant. */
enum ash_give {
    ASH_GIVE_READABLE, /* it is read again, where it is */
    ASH_GIVE_PACKED,   /* it can be made again */
    ASH_GIVE_UNUSED    /* nobody reads it any more */
};
/* Gives the memory of a constant back, [data, data + size). */
typedef enum ash_given ash_give_fn(void *user, const void *data, size_t size, enum ash_give how);

struct ash_raw {
    const void *home;
    size_t bytes;
    uint32_t refs;         /* tensors over it */
    _Atomic uint32_t pins; /* plans that read it */
    bool stays;            /* others overlap it */
    bool away;             /* not at home */
    bool back;             /* at home, where it takes no memory until it is read */
    bool used;             /* by a node or an output */
    void *moved;           /* where it has been made again; NULL */
};

struct ash_raws {
    struct ash_heap *heap;
    ash_give_fn *give;
    void *user;
    struct ash_raw *raw;
    struct ash_raw_ref *ref;
    size_t n, n_ref;
    _Atomic size_t moved, back; /* bytes of those */
};

/* Finds the constants of graph and its subgraphs that are large enough to care, and gives those
 * back that nothing uses. */
int ash_raws_init(struct ash_raws *raws, const struct ash_graph *graph, struct ashore_error *err);
void ash_raws_deinit(struct ash_raws *raws);

/* The constant that t is; NULL: none that is watched. */
struct ash_raw *ash_raws_find(const struct ash_raws *raws, const struct ash_tensor *t);
/* It is going to be read at home. */
void ash_raws_touch(struct ash_raws *raws, struct ash_raw *r);
/* Gives it back unless a plan reads it. */
void ash_raws_give(struct ash_raws *raws, struct ash_raw *r, enum ash_give how);

#endif
