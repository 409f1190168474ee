/* Ensembles of decision trees (ai.onnx.ml): how they are held, and walked.
 *
 * tree_load.c reads the nodes of a file, tree_layout.c and tree_pack.c lay them out, tree_walk.c
 * finds the leaves of rows, tree_votes.c adds up their votes, tree_scores.c makes results of the
 * sums, tree_op.c has the operators. */
#ifndef ASH_OPS_TREES_H
#define ASH_OPS_TREES_H

#include "ir/op.h"

/* What a node asks of x.  The other comparisons are these, with the children exchanged. */
enum ash_tree_mode { ASH_TREE_LEQ, ASH_TREE_LT, ASH_TREE_EQ, ASH_TREE_MEMBER };

/* A node of trees that ask for x <= split alone.  The children of one lie side by side, `step`
 * cells behind it: where x is not, then where it is.  An end, which is a leaf or a jump to another
 * cell, has a NaN, which nothing is less than, and a step of 0: walks stay there.
 *
 * Where NaN passes, the question is the opposite one, which a NaN fails: -x <= -(the number after
 * the split), with the children exchanged.  Rows then have all features twice, the second time with
 * the other sign. */
struct ash_tree_cell {
    union {
        float split; /* of x < s and of numbers of float64: the greatest float that passes */
        uint32_t end;
    } v;
    uint16_t feature; /* from n_features on: with the other sign */
    uint16_t step;
};
enum {
    ASH_CELL_END = 0x7f800000,   /* of `end`: the bits of a NaN */
    ASH_CELL_NUMBER = 0x007fffff /* and 1 + the number of the leaf or, with the sign, of the jump */
};

enum {
    ASH_TREE_FEATURE = (1 << 28) - 1, /* bits of ash_tree_node.feature: of the feature */
    ASH_TREE_NAN = 1 << 28,           /* NaN passes */
    ASH_TREE_MODE = 29                /* the mode, from this bit on */
};

/* A node of trees that ask for anything.  They lie depth first, the child that passes behind its
 * parent. */
struct ash_tree_node {
    union {
        float split;
        uint32_t leaf, set; /* numbers */
    } v;
    uint32_t feature;
    uint32_t child[2]; /* where x does not pass, where it does; those of a leaf are itself */
};

enum ash_tree_aggregate { ASH_TREE_AVERAGE, ASH_TREE_SUM, ASH_TREE_MIN, ASH_TREE_MAX };

struct ash_trees {
    const struct ash_tree_cell *cell; /* one of the two */
    const struct ash_tree_node *node;
    const double *split; /* for rows of float64, by cell or node; NULL: the floats there */
    const uint32_t *root, *jump;
    size_t n_roots;
    int64_t n_features; /* one more than the greatest feature that is asked for */
    bool mirrored;      /* cells want features twice */
    bool wide;          /* the file has float64 */
    int rounding; /* of rows of float64 where `split` is NULL: up for x <= s, down (-1) for x < s */

    size_t n_targets;
    const uint32_t *first;  /* leaf i has votes first[i]..first[i + 1]-1; NULL: one per target */
    const uint32_t *target; /* of each vote; NULL: in their order */
    const float *weight;
    const double *weight_wide; /* where the file has float64; or NULL */
    const uint32_t *set;       /* set i has members set[i]..set[i + 1]-1, in ascending order */
    const double *member;

    int aggregate, post; /* enum ash_ml_post */
    const double *base;
    size_t n_base;

    /* of classifiers: one of the lists */
    const int64_t *label_ints;
    const struct ash_text *label_texts;
    bool single;   /* two classes, and all votes are for one of them */
    bool positive; /* no weight is negative */
};

/* TreeEnsembleRegressor and TreeEnsembleClassifier of the versions before 5; TreeEnsemble. */
int ash_trees_parse_regressor(const struct ash_parse *c, void *attrs);
int ash_trees_parse_classifier(const struct ash_parse *c, void *attrs);
int ash_trees_parse_ensemble(const struct ash_parse *c, void *attrs);

/* How many of n rows are scored together: with more of them each tree is brought from memory less
 * often, with fewer there is work for more threads. */
size_t ash_trees_rows(const struct ash_trees *t, size_t n);

/* Whether sums are floats: in double and rounded after each vote they would be the same. */
static inline bool ash_trees_narrow(const struct ash_trees *t, bool wide) {
    return !wide && !t->wide && (t->aggregate == ASH_TREE_SUM || t->aggregate == ASH_TREE_AVERAGE);
}

/* What the votes of rows come to: n_targets sums per row, and whether there was any vote. */
struct ash_tree_scores {
    void *sum; /* floats if ash_trees_narrow(), else doubles */
    unsigned char *voted;
};

/* Rows that are walked, `step` elements apart. */
struct ash_tree_rows {
    const void *x;
    size_t n, step;
    bool wide; /* they are float64 */
};

/* At most ash_trees_rows() rows; wide: sums are those of float64. */
void ash_trees_score(const struct ash_trees *t, const struct ash_tree_rows *rows, bool wide,
                     struct ash_tree_scores scores);

/* Walks side by side: of one row down several trees, of many down one.  More than there are
 * registers for pay where trees are out of the caches. */
enum { ASH_TREE_TREES = 8, ASH_TREE_ROWS = 16 };
struct ash_tree_lanes {
    const void *x[ASH_TREE_ROWS];
    uint32_t at[ASH_TREE_ROWS]; /* roots; then the numbers of leaves */
};
/* n is one of the two; wide: rows are float64. */
void ash_trees_walk(const struct ash_trees *t, bool wide, size_t n, struct ash_tree_lanes *l);

/* The float32 or float64 after x, or (direction -1) before it; NaN where there is none. */
float ash_tree_next(float x, int direction);
double ash_tree_next_wide(double x, int direction);
/* The float32 that is x, or next to it in this direction. */
float ash_tree_round(double x, int direction);

/* Sums as they are with numbers of float64 (wide) or float32. */
static inline double ash_tree_fit(bool wide, double x) { return wide ? x : (double)(float)x; }

/* Makes results of one row's sums, in place: base values, aggregation, transform. */
void ash_trees_finish(const struct ash_trees *t, bool wide, double *sum,
                      const unsigned char *voted);
/* The same of a classifier, with n_targets scores; returns the label, or its index for texts. */
int64_t ash_trees_classify(const struct ash_trees *t, bool wide, double *sum,
                           const unsigned char *voted, float *scores);

#endif
