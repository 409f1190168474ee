/* Adds up the votes of the leaves that rows come to.  They are added tree by tree, whichever walks
 * they come from: sums of floats hang on the order. */
#include "ops/trees.h"

#include <string.h>

static void add(const struct ash_trees *t, bool wide, double weight, double *sum,
                unsigned char *voted) {
    double was = *sum;
    if (t->aggregate == ASH_TREE_MIN)
        *sum = *voted && !(weight < was) ? was : weight;
    else if (t->aggregate == ASH_TREE_MAX)
        *sum = *voted && !(weight > was) ? was : weight;
    else
        *sum = ash_tree_fit(wide, was + weight);
    *voted = 1;
}

/* The votes of a leaf for one row. */
static void vote(const struct ash_trees *t, bool wide, uint32_t leaf, double *sum,
                 unsigned char *voted) {
    size_t n = t->n_targets, i = leaf * n, end = i + n;
    if (t->first) {
        i = t->first[leaf];
        end = t->first[leaf + 1];
    }
    for (size_t k = 0; i < end; i++, k++) {
        double weight = t->weight_wide ? t->weight_wide[i] : (double)t->weight[i];
        size_t target = t->target ? t->target[i] : k;
        add(t, wide, weight, &sum[target], &voted[target]);
    }
}

/* Of n leaves for one row.  A sum that the next vote is for, too, stays in a register. */
static void vote_narrow(const struct ash_trees *t, const uint32_t *leaf, size_t n, float *sum,
                        unsigned char *voted) {
    size_t k = 0, targets = t->n_targets;
    float all = sum[0];
    for (size_t i = 0; i < n; i++) {
        if (!t->first) {
            const float *weight = t->weight + leaf[i] * targets;
            for (k = 0; k < targets; k++) sum[k] += weight[k];
            continue;
        }
        for (uint32_t v = t->first[leaf[i]]; v < t->first[leaf[i] + 1]; v++) {
            if (t->target[v] != k) {
                sum[k] = all;
                k = t->target[v];
                all = sum[k];
            }
            all += t->weight[v];
            voted[k] = 1;
        }
    }
    if (t->first) sum[k] = all;
}

/* Leaves of n trees for one row, of one tree for n rows: sums `step` apart. */
static void vote_lanes(const struct ash_trees *t, bool wide, const uint32_t *leaf, size_t n,
                       struct ash_tree_scores s, size_t at, size_t step) {
    double *sum = s.sum;
    float *narrow = s.sum;
    if (!ash_trees_narrow(t, wide)) {
        for (size_t i = 0; i < n; i++, at += step) vote(t, wide, leaf[i], &sum[at], &s.voted[at]);
    } else if (t->n_targets == 1 && !step) {
        float all = narrow[at];
        for (size_t i = 0; i < n; i++) all += t->weight[leaf[i]];
        narrow[at] = all;
    } else if (t->n_targets == 1) {
        for (size_t i = 0; i < n; i++) narrow[at + i] += t->weight[leaf[i]];
    } else if (!step) {
        vote_narrow(t, leaf, n, &narrow[at], &s.voted[at]);
    } else {
        for (size_t i = 0; i < n; i++, at += step)
            vote_narrow(t, leaf + i, 1, &narrow[at], &s.voted[at]);
    }
}

size_t ash_trees_rows(const struct ash_trees *t, size_t n) {
    enum { FEW = 64, MANY = 256, SUMS = 65536 };
    size_t rows = n < MANY * 16 ? FEW : MANY, most = SUMS / t->n_targets;
    return rows < most ? rows : most ? most : 1;
}

/* One row, several trees at a time. */
static void score_row(const struct ash_trees *t, const struct ash_tree_rows *rows, bool wide,
                      const void *x, struct ash_tree_scores s, size_t at) {
    enum { LANES = ASH_TREE_TREES };
    struct ash_tree_lanes l;
    for (size_t i = 0; i < LANES; i++) l.x[i] = x;
    for (size_t tree = 0, n; tree < t->n_roots; tree += n) {
        n = t->n_roots - tree < LANES ? t->n_roots - tree : LANES;
        for (size_t i = 0; i < LANES; i++) l.at[i] = t->root[tree + (i < n ? i : 0)];
        ash_trees_walk(t, rows->wide, LANES, &l);
        vote_lanes(t, wide, l.at, n, s, at, 0);
    }
}

void ash_trees_score(const struct ash_trees *t, const struct ash_tree_rows *rows, bool wide,
                     struct ash_tree_scores s) {
    enum { LANES = ASH_TREE_ROWS };
    size_t size = rows->wide ? sizeof(double) : sizeof(float), k = t->n_targets;
    size_t by = rows->n - rows->n % LANES, step = rows->step * size;
    const char *x = rows->x;
    struct ash_tree_lanes l;
    bool narrow = ash_trees_narrow(t, wide);
    memset(s.sum, 0, rows->n * k * (narrow ? sizeof(float) : sizeof(double)));
    memset(s.voted, narrow && !t->first, rows->n * k);
    for (size_t tree = 0; tree < t->n_roots && by; tree++) {
        for (size_t r = 0; r < by; r += LANES) {
            for (size_t i = 0; i < LANES; i++) {
                l.x[i] = x + (r + i) * step;
                l.at[i] = t->root[tree];
            }
            ash_trees_walk(t, rows->wide, LANES, &l);
            vote_lanes(t, wide, l.at, LANES, s, r * k, k);
        }
    }
    for (size_t r = by; r < rows->n; r++) score_row(t, rows, wide, x + r * step, s, r * k);
}
