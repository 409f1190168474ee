/* From the sums of votes to scores and labels.
 *
 * What ONNX leaves open, and where its reference differs, this does what onnxruntime does, since
 * models are exported and checked with that. */
#include "ops/ml.h"
#include "ops/trees.h"

void ash_trees_finish(const struct ash_trees *t, bool wide, double *sum,
                      const unsigned char *voted) {
    bool sums = t->aggregate == ASH_TREE_SUM || t->aggregate == ASH_TREE_AVERAGE;
    bool alone = t->n_targets == 1;
    for (size_t i = 0; i < t->n_targets; i++) {
        double s = sum[i];
        if (t->aggregate == ASH_TREE_AVERAGE) s = ash_tree_fit(wide, s / (double)t->n_roots);
        if (t->n_base) s = ash_tree_fit(wide, s + t->base[i]);
        /* Of several targets, one without votes has no base value either. */
        sum[i] = voted[i] || (alone && sums) ? s : alone && t->n_base ? t->base[0] : 0;
    }
    /* Of one alone, only PROBIT is taken. */
    if (!alone || t->post == ASH_ML_PROBIT) ash_ml_transform(t->post, sum, t->n_targets, wide);
}

/* ---- classifiers ---- */

/* The label of an index.  Of two classes that both have votes, and of one alone, onnxruntime gives
 * the index itself, 0 or 1, where labels are numbers. */
static int64_t label(const struct ash_trees *t, int64_t i, bool itself) {
    return itself || !t->label_ints ? i : t->label_ints[i];
}

/* Of one class or two, by the weight of the second, or of the only one that has votes: more than a
 * half makes it the second class where votes are probabilities, more than nothing elsewhere. ONNX's
 * reference takes the greater score instead. */
static int64_t decide(const struct ash_trees *t, double weight) {
    return label(t, weight > (t->single && t->positive ? 0.5 : 0), !t->single);
}

/* The score of one class stands for two. */
static void spread(const struct ash_trees *t, bool wide, bool both, double s, float *scores) {
    float first = (float)s, second = 0;
    if (t->post == ASH_ML_PROBIT) {
        first = ash_ml_probit((float)s);
    } else if (both && t->post == ASH_ML_LOGISTIC) {
        first = ash_ml_logistic((float)-s);
        second = ash_ml_logistic((float)s);
    } else if (t->single && t->positive) {
        first = (float)ash_tree_fit(wide, 1 - s);
        second = (float)s;
    } else if (both) {
        first = (float)-s;
        second = (float)s;
    }
    scores[0] = first;
    if (t->n_targets > 1) scores[1] = second;
}

static int64_t classify_one(const struct ash_trees *t, bool wide, double s, float *scores) {
    if (t->n_base) s = ash_tree_fit(wide, s + t->base[t->n_base - 1]);
    int64_t y = decide(t, s);
    if (t->n_base == 2) {
        double two[2] = {-s, s};
        ash_ml_transform(t->post, two, 2, wide);
        scores[0] = (float)two[0];
    } else {
        spread(t, wide, false, s, scores);
    }
    return y;
}

/* Two classes.  Exporters let votes count for one class only, often with one base value, or with
 * two that are the same. */
static int64_t classify_two(const struct ash_trees *t, bool wide, double *s,
                            const unsigned char *voted, float *scores) {
    bool second = voted[1];
    if (t->n_base == 2 && second) {
        s[1] = ash_tree_fit(wide, t->base[1] + s[0]);
        s[0] = -s[1];
    } else if (t->n_base) {
        s[0] = ash_tree_fit(wide, s[0] + t->base[0]);
        if (t->n_base == 2) s[1] = ash_tree_fit(wide, s[1] + t->base[1]);
    }
    int64_t y = decide(t, second ? s[1] : voted[0] ? s[0] : 0);
    for (int i = 0; i < 2; i++) s[i] = voted[i] ? s[i] : 0;
    if (second || t->n_base == 2) {
        ash_ml_transform(t->post, s, 2, wide);
        for (int i = 0; i < 2; i++) scores[i] = (float)s[i];
    } else {
        spread(t, wide, t->single || !t->n_base, s[0], scores);
    }
    return y;
}

int64_t ash_trees_classify(const struct ash_trees *t, bool wide, double *sum,
                           const unsigned char *voted, float *scores) {
    size_t best = SIZE_MAX;
    if (t->n_targets == 1) return classify_one(t, wide, sum[0], scores);
    if (t->n_targets == 2) return classify_two(t, wide, sum, voted, scores);
    for (size_t i = 0; i < t->n_targets; i++) {
        if (t->n_base) sum[i] = ash_tree_fit(wide, sum[i] + t->base[i]);
        if (!t->n_base && !voted[i]) continue;
        if (best == SIZE_MAX || sum[i] > sum[best]) best = i;
    }
    int64_t y = label(t, best == SIZE_MAX ? 0 : (int64_t)best, false);
    ash_ml_transform(t->post, sum, t->n_targets, wide);
    for (size_t i = 0; i < t->n_targets; i++) scores[i] = (float)sum[i];
    return y;
}
