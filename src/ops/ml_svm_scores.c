/* From kernels to scores and classes. */
#include "base/heap.h"
#include "ops/ml_svm.h"

#include <math.h>

size_t ash_svm_pairs(const struct ash_svm *a) { return a->labels.n * (a->labels.n - 1) / 2; }

size_t ash_svm_columns(const struct ash_svm *a) {
    bool each = !a->n_vectors || a->probabilities || a->labels.n == 2;
    return each ? a->labels.n : ash_svm_pairs(a);
}

struct work {
    double *scores;           /* [columns] */
    float *pair, *r, *q, *qp; /* [pairs], [classes^2] twice, [classes] */
    uint32_t *votes;          /* [classes] */
};

/* The next n things behind `at`, which goes on; NULL while nothing is there. */
static void *put(unsigned char *room, size_t *at, size_t n, size_t size) {
    void *p = room ? room + *at : NULL;
    *at = ash_align_up(ash_size_add(*at, ash_size_mul(n, size)));
    return p;
}

/* Where things lie in `room`; returns how large it is. */
static size_t lay_out(const struct ash_svm *a, unsigned char *room, struct work *w) {
    size_t n = a->labels.n, square = a->probabilities ? ash_size_mul(n, n) : 0, at = 0;
    w->scores = put(room, &at, ash_svm_columns(a), sizeof *w->scores);
    w->pair = put(room, &at, a->n_vectors ? ash_svm_pairs(a) : 0, sizeof *w->pair);
    w->r = put(room, &at, square, sizeof *w->r);
    w->q = put(room, &at, square, sizeof *w->q);
    w->qp = put(room, &at, n, sizeof *w->qp);
    w->votes = put(room, &at, n, sizeof *w->votes);
    return at;
}

size_t ash_svm_room(const struct ash_svm *a) {
    struct work w;
    return lay_out(a, NULL, &w);
}

static void transform(const struct ash_svm *a, const struct work *w, float *y, size_t n) {
    if (a->post == ASH_ML_NONE) return;
    for (size_t i = 0; i < n; i++) w->scores[i] = (double)y[i];
    ash_ml_transform(a->post, w->scores, n, false);
    for (size_t i = 0; i < n; i++) y[i] = (float)w->scores[i];
}

/* The score of each pair of classes, and how many pairs each class wins. */
static void compare(const struct ash_svm *a, const struct ash_pairs_row *row, const struct work *w,
                    const float *kernel) {
    size_t n = a->labels.n, pair = 0, at_i = 0;
    for (size_t i = 0; i < n; i++) w->votes[i] = 0;
    for (size_t i = 0; i + 1 < n; at_i += (size_t)a->per_class[i++]) {
        size_t at_j = at_i;
        for (size_t j = i + 1; j < n; j++, pair++) {
            at_j += (size_t)a->per_class[j - 1];
            const float *wi = a->weights + (j - 1) * a->n_vectors + at_i;
            const float *wj = a->weights + i * a->n_vectors + at_j;
            double sum = (double)a->rho[pair];
            if (a->folded) {
                sum += (double)kernel[pair];
            } else {
                sum += (double)row->dot((size_t)a->per_class[i], wi, kernel + at_i);
                sum += (double)row->dot((size_t)a->per_class[j], wj, kernel + at_j);
            }
            w->pair[pair] = (float)sum;
            w->votes[sum > 0 ? i : j]++;
        }
    }
}

/* Probabilities of classes from those of pairs: Wu, Lin and Weng, "Probability estimates for
 * multi-class classification by pairwise coupling", algorithm 2. */
static void couple(size_t n, const float *r, float *q, float *qp, float *p) {
    for (size_t i = 0; i < n; i++) {
        p[i] = 1.0f / (float)n;
        q[i * n + i] = 0;
        for (size_t j = 0; j < n; j++) {
            if (j == i) continue;
            q[i * n + i] += r[j * n + i] * r[j * n + i];
            q[i * n + j] = -r[j * n + i] * r[i * n + j];
        }
    }
    for (int round = 0; round < 100; round++) {
        float sum = 0, error = 0;
        for (size_t i = 0; i < n; i++) {
            qp[i] = 0;
            for (size_t j = 0; j < n; j++) qp[i] += q[i * n + j] * p[j];
            sum += p[i] * qp[i];
        }
        for (size_t i = 0; i < n; i++) {
            float off = fabsf(qp[i] - sum);
            error = off > error ? off : error;
        }
        if (error < 0.005f / (float)n) return;
        for (size_t i = 0; i < n; i++) {
            float own = q[i * n + i], d = (sum - qp[i]) / own, by = 1 + d;
            p[i] += d;
            sum = (sum + d * (d * own + 2 * qp[i])) / by / by;
            for (size_t j = 0; j < n; j++) {
                qp[j] = (qp[j] + d * q[i * n + j]) / by;
                p[j] /= by;
            }
        }
    }
}

static void probabilities(const struct ash_svm *a, const struct work *w, float *y) {
    size_t n = a->labels.n, pair = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++, pair++) {
            float p = 1 - ash_ml_logistic(w->pair[pair] * a->prob_a[pair] + a->prob_b[pair]);
            p = p < 1e-7f ? 1e-7f : p > 1 - 1e-7f ? 1 - 1e-7f : p;
            w->r[i * n + j] = p;
            w->r[j * n + i] = 1 - p;
        }
    }
    couple(n, w->r, w->q, w->qp, y);
}

/* Of a linear model. */
static size_t classify_linear(const struct ash_svm *a, const struct work *w, const float *kernel,
                              float *y) {
    size_t n = a->labels.n, at = 0;
    for (size_t i = 0; i < n; i++) y[i] = kernel[i] + a->rho[0];
    for (size_t i = 1; i < n; i++) at = y[i] > y[at] ? i : at;
    bool second = n == 2 && !a->probabilities && (a->positive ? y[at] >= 0.5f : y[at] > 0);
    transform(a, w, y, n > 1 || a->post == ASH_ML_PROBIT ? n : 0);
    return second ? 1 : at;
}

int64_t ash_svm_classify(const struct ash_svm *a, const struct ash_pairs_row *row, void *room,
                         const float *kernel, float *y) {
    size_t n = a->labels.n, at = 0;
    struct work w;
    (void)lay_out(a, room, &w);
    if (!a->n_vectors) return (int64_t)classify_linear(a, &w, kernel, y);
    compare(a, row, &w, kernel);
    for (size_t i = 1; i < n; i++) at = w.votes[i] > w.votes[at] ? i : at;
    if (a->probabilities) {
        probabilities(a, &w, y);
        transform(a, &w, y, n);
    } else if (n > 2) {
        for (size_t i = 0; i < ash_svm_pairs(a); i++) y[i] = w.pair[i];
        transform(a, &w, y, ash_svm_pairs(a));
    } else {
        y[1] = w.pair[0];
        if (a->post == ASH_ML_PROBIT || a->post == ASH_ML_LOGISTIC) transform(a, &w, y + 1, 1);
        y[0] = a->post == ASH_ML_NONE ? -y[1] : 1 - y[1];
    }
    return (int64_t)at;
}

float ash_svm_regress(const struct ash_svm *a, const struct ash_pairs_row *row,
                      const float *kernel) {
    bool all = a->n_vectors && !a->folded;
    float y = all ? row->dot(a->n_vectors, kernel, a->weights) : kernel[0];
    y += a->rho[0];
    return !a->one_class ? y : y > 0 ? 1 : -1;
}
