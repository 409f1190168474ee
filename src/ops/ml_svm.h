/* Support vector machines of ai.onnx.ml: their attributes, and what ml_svm_scores.c makes of a
 * row's kernels. */
#ifndef ASH_OPS_ML_SVM_H
#define ASH_OPS_ML_SVM_H

#include "kernels/pairs/pairs.h"
#include "ops/ml.h"

enum ash_svm_kernel { ASH_SVM_LINEAR, ASH_SVM_POLY, ASH_SVM_RBF, ASH_SVM_SIGMOID };

struct ash_svm {
    int kernel, post;
    float gamma, shift, degree;
    const float *vectors, *weights, *rho; /* [n_vectors, features]; weights: regressor [n_vectors],
                                             classifier [classes - 1, n_vectors]; of linear models
                                             [classes, features] */
    size_t n_vectors, features, n_rho;
    size_t n_kernels;    /* of a row: of each vector; without any, products with rows of weights */
    bool folded;         /* they are those of sums of vectors: scores of pairs, less rho */
    bool few;            /* so that panels would be empty for the most part */
    const float *packed; /* what they are made with, in panels; if few, in rows */
    bool one_class;
    /* classifiers */
    struct ash_labels labels;
    const int64_t *per_class; /* support vectors of each class, one class after the other */
    const float *prob_a, *prob_b;
    bool probabilities, positive; /* no weight is negative */
};

/* Of classes. */
size_t ash_svm_pairs(const struct ash_svm *a);
/* Scores of a row. */
size_t ash_svm_columns(const struct ash_svm *a);
/* Bytes that ash_svm_classify works in; SIZE_MAX when there are too many. */
size_t ash_svm_room(const struct ash_svm *a);
/* The number of a row's class; y gets its scores. */
int64_t ash_svm_classify(const struct ash_svm *a, const struct ash_pairs_row *row, void *room,
                         const float *kernel, float *y);
float ash_svm_regress(const struct ash_svm *a, const struct ash_pairs_row *row,
                      const float *kernel);

#endif
