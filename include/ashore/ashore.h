/* Ashore: one inference engine for ONNX models.
 *
 * Three levels.  Simple: ashore_model_load_file, ashore_session_create, ashore_session_run.
 * Session: options, profile, several sessions on one model.  Advanced: a run that is advanced step
 * by step (ashore_run_*), an allocator of one's own, predicted memory.
 *
 * Every function returns ASHORE_OK (0) or a negative code of ashore_error.h and, where the argument
 * is given and not NULL, writes the whole message to a struct ashore_error of the caller's.
 * Functions named *_destroy take the address of a handle, accept NULL in it and set it to NULL.
 * A model is immutable once loaded: sessions may use it from several threads.  A session runs one
 * request at a time.  Values are reference-counted and may cross threads once written. */
#ifndef ASHORE_H
#define ASHORE_H

#include <stddef.h>
#include <stdint.h>

#include "ashore/ashore_error.h"

#if defined(__GNUC__) && !defined(__wasm__)
#    define ASHORE_API __attribute__((visibility("default")))
#else
#    define ASHORE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define ASHORE_VERSION  "0.1.0"
#define ASHORE_MAX_RANK 8

/* Element types, numbered as in ONNX.  In memory every element takes whole bytes: the 2 and 4 bit
 * types one byte each (two's complement where signed); packing exists on the wire only.  A string
 * element is read with ashore_value_string. */
enum ashore_dtype {
    ASHORE_UNDEFINED = 0,
    ASHORE_FLOAT32 = 1,
    ASHORE_UINT8 = 2,
    ASHORE_INT8 = 3,
    ASHORE_UINT16 = 4,
    ASHORE_INT16 = 5,
    ASHORE_INT32 = 6,
    ASHORE_INT64 = 7,
    ASHORE_STRING = 8,
    ASHORE_BOOL = 9,
    ASHORE_FLOAT16 = 10,
    ASHORE_FLOAT64 = 11,
    ASHORE_UINT32 = 12,
    ASHORE_UINT64 = 13,
    ASHORE_COMPLEX64 = 14,
    ASHORE_COMPLEX128 = 15,
    ASHORE_BFLOAT16 = 16,
    ASHORE_FLOAT8E4M3FN = 17,
    ASHORE_FLOAT8E4M3FNUZ = 18,
    ASHORE_FLOAT8E5M2 = 19,
    ASHORE_FLOAT8E5M2FNUZ = 20,
    ASHORE_UINT4 = 21,
    ASHORE_INT4 = 22,
    ASHORE_FLOAT4E2M1 = 23,
    ASHORE_FLOAT8E8M0 = 24,
    ASHORE_UINT2 = 25,
    ASHORE_INT2 = 26,
    ASHORE_DTYPE_COUNT = 27
};

enum ashore_kind { ASHORE_TENSOR = 0, ASHORE_SEQUENCE = 1, ASHORE_OPTIONAL = 2, ASHORE_MAP = 3 };

typedef struct ashore_model ashore_model;
typedef struct ashore_session ashore_session;
typedef struct ashore_run ashore_run;
typedef struct ashore_value ashore_value;

ASHORE_API const char *ashore_version(void);
/* "shapes do not fit" for ASHORE_ERR_SHAPE. */
ASHORE_API const char *ashore_status_text(int status);
/* "float32"; "unknown" outside of the enumeration. */
ASHORE_API const char *ashore_dtype_name(int dtype);
/* Bytes of an element in memory (string: of its internal record), 0 outside of the enumeration. */
ASHORE_API size_t ashore_dtype_size(int dtype);
/* "avx2,avx512": what this machine offers and the engine has kernels for. */
ASHORE_API const char *ashore_cpu_text(void);
/* Limits the engine to the named instruction sets ("avx2", "none", NULL: all).  For tests and
 * comparisons; call before anything else.  ASHORE_ERR_ARGUMENT for an unknown name. */
ASHORE_API int ashore_cpu_limit(const char *names);

/* ---- values --------------------------------------------------------------------------------- */

/* A tensor of its own memory, cleared.  Strings start empty. */
ASHORE_API int ashore_tensor_create(int dtype, int rank, const int64_t *shape, ashore_value **value,
                                    struct ashore_error *err);
/* A string tensor from count (the product of shape) pieces of text. */
ASHORE_API int ashore_tensor_create_strings(int rank, const int64_t *shape, const char *const *text,
                                            const size_t *length, ashore_value **value,
                                            struct ashore_error *err);
/* A tensor over memory of the caller's, which must outlive the value; it is never written. */
ASHORE_API int ashore_tensor_wrap(int dtype, int rank, const int64_t *shape, const void *data,
                                  ashore_value **value, struct ashore_error *err);
/* items are retained. */
ASHORE_API int ashore_sequence_create(ashore_value *const *items, size_t count,
                                      ashore_value **value, struct ashore_error *err);
/* item NULL: an optional without an element. */
ASHORE_API int ashore_optional_create(ashore_value *item, ashore_value **value,
                                      struct ashore_error *err);
/* keys: a vector of integers or strings; values: a vector of as many elements, or a sequence of as
 * many items where they are no scalars.  Both are retained. */
ASHORE_API int ashore_map_create(ashore_value *keys, ashore_value *values, ashore_value **value,
                                 struct ashore_error *err);
/* Reads a serialised TensorProto, SequenceProto, OptionalProto or MapProto (kind says which). */
ASHORE_API int ashore_value_parse(int kind, const void *bytes, size_t size, ashore_value **value,
                                  struct ashore_error *err);
ASHORE_API ashore_value *ashore_value_retain(ashore_value *value);
ASHORE_API void ashore_value_release(ashore_value **value);

ASHORE_API int ashore_value_kind(const ashore_value *value);
/* Tensors: element type, rank, extents (rank of them), elements, bytes, data.  0 or NULL for other
 * kinds. */
ASHORE_API int ashore_value_dtype(const ashore_value *value);
ASHORE_API int ashore_value_rank(const ashore_value *value);
ASHORE_API const int64_t *ashore_value_shape(const ashore_value *value);
ASHORE_API size_t ashore_value_elements(const ashore_value *value);
ASHORE_API size_t ashore_value_bytes(const ashore_value *value);
ASHORE_API const void *ashore_value_data(const ashore_value *value);
/* Writable while nothing else holds the value; NULL for a wrapped tensor. */
ASHORE_API void *ashore_value_data_mut(ashore_value *value);
/* Element i of a string tensor, not zero-terminated; valid as long as the value. */
ASHORE_API const char *ashore_value_string(const ashore_value *value, size_t i, size_t *length);
/* Sequence: items; optional: 0 or 1; map: 2, its keys and its values as ashore_map_create has them.
 * Items are borrowed. */
ASHORE_API size_t ashore_value_count(const ashore_value *value);
ASHORE_API ashore_value *ashore_value_item(const ashore_value *value, size_t i);

/* ---- models --------------------------------------------------------------------------------- */

/* Resizes ptr (NULL: a new block) from old_size to new_size bytes (0: frees, returns NULL), aligned
 * to 16 at least.  NULL on failure, and the old block is untouched.  Called from any thread. */
typedef void *ashore_realloc_fn(void *user, void *ptr, size_t old_size, size_t new_size);

struct ashore_model_options {
    size_t struct_size;
    const char *name;           /* in messages; NULL: the file's name, or "model" */
    const char *data_dir;       /* where external data is looked up; NULL: the model's folder */
    ashore_realloc_fn *realloc; /* NULL: the C library's */
    void *realloc_user;
    int optimize; /* 0: as it is written, 1: rewritten (default) */
    /* External data by location, for models in memory; NULL: files under data_dir.  Sets *data and
     * *size to bytes that outlive the model; ASHORE_ERR_IO when there are none. */
    int (*external)(void *user, const char *location, const void **data, size_t *size);
    void *external_user;
    /* Takes parts of the bytes that the model was loaded from, in memory or by `external`, which it
     * is not going to read again: while sessions are made and run, each part once.  NULL: they all
     * have to stay. */
    void (*give_back)(void *user, const void *data, size_t size);
    void *give_back_user;
    int dry; /* 1: weights are packed in name alone: memory is taken, and not written.  For
              * predictions, where large weights may be missing (zeros); not to be run */
};
ASHORE_API void ashore_model_options_init(struct ashore_model_options *options);

ASHORE_API int ashore_model_load_file(const char *path, const struct ashore_model_options *options,
                                      ashore_model **model, struct ashore_error *err);
/* bytes must outlive the model, but for what it gives back: weights are used where they lie. */
ASHORE_API int ashore_model_load_memory(const void *bytes, size_t size,
                                        const struct ashore_model_options *options,
                                        ashore_model **model, struct ashore_error *err);
ASHORE_API void ashore_model_destroy(ashore_model **model);

/* One dimension of an input or output as the model declares it or inference finds it: an extent, or
 * -1 with a text: a name ("N"), an expression ("floor(W/8)") or "?" . */
struct ashore_dim {
    int64_t extent;
    const char *text;
};
struct ashore_value_info {
    const char *name;
    int kind;  /* enum ashore_kind */
    int dtype; /* the element's, inside of sequences and optionals too */
    int rank;  /* -1: not known */
    const struct ashore_dim *shape;
    const char *type_text; /* "float32[N,3,48,W]", "sequence(int64[?])" */
};
ASHORE_API size_t ashore_model_input_count(const ashore_model *model);
ASHORE_API size_t ashore_model_output_count(const ashore_model *model);
/* Borrowed from the model.  NULL past the end. */
ASHORE_API const struct ashore_value_info *ashore_model_input(const ashore_model *model, size_t i);
ASHORE_API const struct ashore_value_info *ashore_model_output(const ashore_model *model, size_t i);

struct ashore_model_info {
    const char *name;
    int64_t ir_version;
    const char *producer;
    uint64_t file_bytes; /* with external data */
};
ASHORE_API void ashore_model_describe(const ashore_model *model, struct ashore_model_info *info);
/* Operator sets: domain "" is ai.onnx. */
ASHORE_API size_t ashore_model_opset_count(const ashore_model *model);
ASHORE_API const char *ashore_model_opset(const ashore_model *model, size_t i, int64_t *version);
/* Nodes as written in the file, of subgraphs and called functions too, counted by operator. */
struct ashore_op_count {
    const char *domain, *name;
    size_t count;
    int supported;
    const char *first_node; /* the name of the first of them */
};
ASHORE_API size_t ashore_model_op_kinds(const ashore_model *model);
ASHORE_API const struct ashore_op_count *ashore_model_op(const ashore_model *model, size_t i);
/* Weights (initialisers and Constant nodes) of a type: elements and bytes. */
ASHORE_API size_t ashore_model_weights(const ashore_model *model, int dtype, uint64_t *bytes);

/* ---- sessions ------------------------------------------------------------------------------- */

struct ashore_session_options {
    size_t struct_size;
    int threads;         /* 0: all cores */
    int profile;         /* collect times by node */
    int reference;       /* plain references only, no kernels: slow, the oracle of the others */
    size_t memory_limit; /* bytes of slab and packed weights; 0: none.  More is refused early */
};
ASHORE_API void ashore_session_options_init(struct ashore_session_options *options);

/* ASHORE_ERR_UNSUPPORTED names the first node that cannot run.  The session retains the model's
 * content: the model must outlive it. */
ASHORE_API int ashore_session_create(ashore_model *model,
                                     const struct ashore_session_options *options,
                                     ashore_session **session, struct ashore_error *err);
ASHORE_API void ashore_session_destroy(ashore_session **session);

/* Runs the model.  in_names[i] is given in_values[i]; out_values[i] receives a value (to be
 * released) for out_names[i].  On failure no output is set. */
ASHORE_API int ashore_session_run(ashore_session *session, size_t in_count,
                                  const char *const *in_names, ashore_value *const *in_values,
                                  size_t out_count, const char *const *out_names,
                                  ashore_value **out_values, struct ashore_error *err);
/* Runs into tensors of the caller's: out_values[i] (from ashore_tensor_create, of the type and
 * shape that the output has) is written; their memory is none of the inputs' and none of each
 * other's.  A warm run with exact shapes allocates nothing. */
ASHORE_API int ashore_session_run_into(ashore_session *session, size_t in_count,
                                       const char *const *in_names, ashore_value *const *in_values,
                                       size_t out_count, const char *const *out_names,
                                       ashore_value *const *out_values, struct ashore_error *err);

/* Memory a run at these input extents needs; it is planned and its weights are packed, as the first
 * run would, but nothing is run: shape[i] has the rank of input i. */
struct ashore_memory {
    uint64_t weights; /* the model as loaded: the file and what was made of it */
    uint64_t packed;  /* weights in the kernels' layout */
    uint64_t slab;    /* intermediate values and scratch of one plan */
    uint64_t total;   /* the most held at once, outputs included */
    int exact;        /* 0: something depends on data; the figures are a floor */
    uint64_t outputs; /* of a run that is predicted; part of total */
};
ASHORE_API int ashore_session_predict(ashore_session *session, const int64_t *const *shape,
                                      struct ashore_memory *memory, struct ashore_error *err);
/* What the session and its model hold now; total is the peak so far. */
ASHORE_API void ashore_session_memory(const ashore_session *session, struct ashore_memory *memory);
ASHORE_API int ashore_session_threads(const ashore_session *session);

/* One node of the model as rewritten, its times summed since the session was made. */
struct ashore_step_info {
    const char *node, *op; /* fused operators as "Conv+HardSwish" */
    const char *kernel;    /* the row that runs it, "reference" where there is none */
    const char *shape;     /* of the first output */
    double seconds;        /* summed over runs since the session was made */
    uint64_t runs;
};
ASHORE_API size_t ashore_session_steps(const ashore_session *session);
ASHORE_API int ashore_session_step(const ashore_session *session, size_t i,
                                   struct ashore_step_info *info);

/* Operand k of step i of the plan that was made last, inputs before outputs: its rank, with as many
 * extents (-1: not known), and the step's operator and number of inputs.  From 16 on: it is no
 * tensor, or its rank is not known (16); the step has fewer operands (17); the plan has fewer steps
 * (18). */
struct ashore_operand {
    const char *op;
    int32_t inputs;
    int64_t dim[8];
};
ASHORE_API int ashore_session_operand(const ashore_session *session, size_t i, size_t k,
                                      struct ashore_operand *operand);

/* ---- a run in slices ------------------------------------------------------------------------ */

/* Begins a run; inputs are retained until it ends.  One run at a time and session. */
ASHORE_API int ashore_run_create(ashore_session *session, size_t in_count,
                                 const char *const *in_names, ashore_value *const *in_values,
                                 ashore_run **run, struct ashore_error *err);
/* Runs up to max_steps steps (0: to the end).  ASHORE_OK: done; ASHORE_PENDING: call again;
 * ASHORE_ERR_CANCELLED: ashore_run_cancel was called.  After an error the run can only be
 * destroyed, and the session takes the next. */
ASHORE_API int ashore_run_advance(ashore_run *run, size_t max_steps, struct ashore_error *err);
/* Steps done and steps known so far, for progress. */
ASHORE_API void ashore_run_progress(const ashore_run *run, size_t *done, size_t *known);
/* After ASHORE_OK: output i of the model, to be released. */
ASHORE_API int ashore_run_output(ashore_run *run, size_t i, ashore_value **value,
                                 struct ashore_error *err);
/* Ends a run, from any thread or from a handler of a signal, as long as it is not destroyed: what
 * is left of the step that runs now is skipped, but for the tiles that threads are at. */
ASHORE_API void ashore_run_cancel(ashore_run *run);
/* Before the first advance: *word, which is written and read atomically and outlives the run, ends
 * it as soon as it is not 0.  For those who share memory with the engine and cannot call it. */
ASHORE_API void ashore_run_watch(ashore_run *run, uint32_t *word);
/* Also ends a run that is not done, but for one that another thread advances. */
ASHORE_API void ashore_run_destroy(ashore_run **run);

#ifdef __cplusplus
}
#endif

#endif
