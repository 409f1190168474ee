/* Writes ONNX models for tests: protobuf fields appended to a buffer.  Messages are opened and
 * closed; their length takes five bytes, padded, as the wire format allows. */
#ifndef MODEL_WRITER_H
#define MODEL_WRITER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MW_ROOM = 1 << 20 };

/* Field numbers of onnx.proto. */
enum {
    MW_MODEL_IR = 1,
    MW_MODEL_GRAPH = 7,
    MW_MODEL_OPSET = 8,
    MW_GRAPH_NODE = 1,
    MW_GRAPH_NAME = 2,
    MW_GRAPH_INITIALIZER = 5,
    MW_GRAPH_INPUT = 11,
    MW_GRAPH_OUTPUT = 12,
    MW_ATTR_GRAPH = 6
};

struct mw {
    unsigned char *bytes;
    size_t size;
};

static inline void mw_init(struct mw *m) {
    m->bytes = (unsigned char *)malloc(MW_ROOM);
    m->size = 0;
    if (m->bytes == NULL) abort();
}

static inline void mw_deinit(struct mw *m) { free(m->bytes); }

static inline void mw_raw(struct mw *m, const void *data, size_t size) {
    if (size > MW_ROOM - m->size) abort();
    memcpy(m->bytes + m->size, data, size);
    m->size += size;
}

static inline void mw_number(struct mw *m, uint64_t v) {
    do {
        unsigned char byte = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
        mw_raw(m, &byte, 1);
        v >>= 7;
    } while (v != 0);
}

static inline void mw_varint(struct mw *m, unsigned field, int64_t v) {
    mw_number(m, field << 3);
    mw_number(m, (uint64_t)v);
}

static inline void mw_bytes(struct mw *m, unsigned field, const void *data, size_t size) {
    mw_number(m, field << 3 | 2);
    mw_number(m, size);
    mw_raw(m, data, size);
}

static inline void mw_text(struct mw *m, unsigned field, const char *text) {
    mw_bytes(m, field, text, strlen(text));
}

static inline size_t mw_open(struct mw *m, unsigned field) {
    mw_number(m, field << 3 | 2);
    mw_raw(m, "\x80\x80\x80\x80", 5);
    return m->size;
}

static inline void mw_close(struct mw *m, size_t start) {
    size_t length = m->size - start;
    for (size_t i = 0; i < 5; i++) {
        m->bytes[start - 5 + i] = (unsigned char)((length >> (7 * i) & 127) | (i < 4 ? 128 : 0));
    }
}

/* A value that is a graph's input or output.  rank below 0: no shape. */
static inline void mw_value(struct mw *m, unsigned field, const char *name, int dtype, int rank,
                            const int64_t *shape) {
    size_t info = mw_open(m, field);
    mw_text(m, 1, name);
    size_t type = mw_open(m, 2);
    size_t tensor = mw_open(m, 1);
    mw_varint(m, 1, dtype);
    if (rank >= 0) {
        size_t dims = mw_open(m, 2);
        for (int i = 0; i < rank; i++) {
            size_t dim = mw_open(m, 1);
            if (shape[i] >= 0) {
                mw_varint(m, 1, shape[i]);
            } else {
                mw_text(m, 2, "N");
            }
            mw_close(m, dim);
        }
        mw_close(m, dims);
    }
    mw_close(m, tensor);
    mw_close(m, type);
    mw_close(m, info);
}

static inline void mw_tensor(struct mw *m, unsigned field, const char *name, int dtype, int rank,
                             const int64_t *shape, const void *data, size_t size) {
    size_t tensor = mw_open(m, field);
    for (int i = 0; i < rank; i++) mw_varint(m, 1, shape[i]);
    mw_varint(m, 2, dtype);
    mw_text(m, 8, name);
    mw_bytes(m, 9, data, size);
    mw_close(m, tensor);
}

/* Opens a node; inputs and outputs are names with blanks between them, "-" for one left out. */
static inline size_t mw_node(struct mw *m, const char *op, const char *name, const char *inputs,
                             const char *outputs) {
    size_t node = mw_open(m, MW_GRAPH_NODE);
    for (unsigned field = 1; field <= 2; field++) {
        const char *at = field == 1 ? inputs : outputs;
        while (*at != '\0') {
            size_t n = strcspn(at, " ");
            mw_bytes(m, field, at, n == 1 && *at == '-' ? 0 : n);
            at += n + (at[n] == ' ');
        }
    }
    mw_text(m, 3, name);
    mw_text(m, 4, op);
    return node;
}

/* Attributes of the node that is open: of type INT (2), INTS (7) and GRAPH (5, to be closed by two
 * mw_close: first the graph, then the attribute). */
static inline void mw_attr_int(struct mw *m, const char *name, int64_t v) {
    size_t attr = mw_open(m, 5);
    mw_text(m, 1, name);
    mw_varint(m, 3, v);
    mw_varint(m, 20, 2);
    mw_close(m, attr);
}

static inline void mw_attr_ints(struct mw *m, const char *name, int count, const int64_t *v) {
    size_t attr = mw_open(m, 5);
    mw_text(m, 1, name);
    for (int i = 0; i < count; i++) mw_varint(m, 8, v[i]);
    mw_varint(m, 20, 7);
    mw_close(m, attr);
}

static inline size_t mw_attr_graph(struct mw *m, const char *name, size_t *graph) {
    size_t attr = mw_open(m, 5);
    mw_text(m, 1, name);
    mw_varint(m, 20, 5);
    *graph = mw_open(m, MW_ATTR_GRAPH);
    mw_text(m, MW_GRAPH_NAME, name);
    return attr;
}

/* Begins a model of IR version 8; the graph is to be closed with mw_end. */
static inline size_t mw_begin(struct mw *m) {
    mw_varint(m, MW_MODEL_IR, 8);
    size_t opset = mw_open(m, MW_MODEL_OPSET);
    mw_text(m, 1, "");
    mw_varint(m, 2, 17);
    mw_close(m, opset);
    size_t graph = mw_open(m, MW_MODEL_GRAPH);
    mw_text(m, MW_GRAPH_NAME, "g");
    return graph;
}

#endif
