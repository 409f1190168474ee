/* What operators of ai.onnx.ml share: lists of class labels, categories and keys, which are
 * integers or texts, and inputs that are rows of features. */
#ifndef ASH_OPS_ML_H
#define ASH_OPS_ML_H

#include "ops/elementwise.h"

#include <string.h>

#define ASH_ML "ai.onnx.ml"

struct ash_key {
    int64_t number;
    struct ash_text text; /* data NULL: it is the number */
};
/* Element i of an integer or string tensor; of a floating-point one what a cast gives. */
struct ash_key ash_key_at(const struct ash_tensor *t, int64_t i);

/* Numbers that differ in few bits, wherever these are, have other low bits here. */
static inline size_t ash_hash_number(uint64_t x) {
    x = (x ^ x >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 29) * UINT64_C(0xff51afd7ed558ccd);
    return (size_t)(x >> 32);
}
size_t ash_hash_text(struct ash_text text);
static inline bool ash_text_same(struct ash_text a, struct ash_text b) {
    return a.length == b.length && (!a.length || !memcmp(a.data, b.data, a.length));
}

struct ash_labels {
    const int64_t *ints;
    const struct ash_text *texts; /* NULL: they are integers */
    size_t n;
    uint32_t *slot, *same; /* ash_labels_index: by hash, 1 + the last that is equal; 1 + the one
                              before it that equals it, 0: none */
    size_t mask;
};

/* The labels of a node, which has at most one of the two lists. */
int ash_labels_parse(const struct ash_parse *c, const char *ints, const char *texts,
                     struct ash_labels *labels);
/* Prepares ash_labels_find. */
int ash_labels_index(const struct ash_parse *c, struct ash_labels *labels);
/* The number of the last label that equals the key; -1: there is none. */
int64_t ash_labels_find(const struct ash_labels *labels, struct ash_key key);
/* The same for n elements of x, of the labels' type or one that is cast to it, from `start` on. */
void ash_labels_find_all(const struct ash_labels *labels, const struct ash_tensor *x, int64_t start,
                         size_t n, int64_t *number);

static inline int ash_labels_dtype(const struct ash_labels *labels) {
    return labels->texts ? ASHORE_STRING : ASHORE_INT64;
}
/* Element i of a string tensor, behind *at bytes of its text, which go up. */
void ash_ml_text(struct ash_tensor *t, int64_t i, size_t *at, struct ash_text text);
/* Makes output o these texts of these numbers; -1: the other one. */
struct ash_texts {
    const struct ash_text *text;
    size_t n;
    struct ash_text other;
};
int ash_ml_give_texts(struct ash_run *c, int o, const struct ash_texts *texts, int rank,
                      const int64_t *dim, const int64_t *number);
/* Makes output o the labels of these numbers. */
int ash_labels_give(struct ash_run *c, int o, const struct ash_labels *labels, int rank,
                    const int64_t *dim, const int64_t *number);

/* Input 0 is a row of features, or rows: how many, of how many features. */
int ash_infer_rows(struct ash_infer *c, struct ash_dim *rows, struct ash_dim *features);
/* Of the tensor. */
void ash_rows_of(const struct ash_tensor *t, int64_t *rows, int64_t *features);
/* How many rows input 0 has, of so many features. */
int ash_run_rows(const struct ash_run *c, size_t features, int64_t *rows);

/* What is done to scores at the end. */
enum ash_ml_post {
    ASH_ML_NONE,
    ASH_ML_LOGISTIC,
    ASH_ML_SOFTMAX,
    ASH_ML_SOFTMAX_ZERO,
    ASH_ML_PROBIT
};
/* Attribute 'post_transform'. */
int ash_ml_post_parse(const struct ash_parse *c, int *post);
/* n scores in place; wide: they are float64, otherwise float32 held in doubles. */
void ash_ml_transform(int post, double *s, size_t n, bool wide);
float ash_ml_logistic(float x);
float ash_ml_probit(float p);
float ash_ml_exp(float x); /* rounded once */

#endif
