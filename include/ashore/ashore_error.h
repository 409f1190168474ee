/* Status codes of Ashore.  Zero is success, errors are negative and pinned: a code never changes
 * its number.  Positive codes are not errors. */
#ifndef ASHORE_ERROR_H
#define ASHORE_ERROR_H

#include <stdint.h>

/* X(NAME, number, text) */
#define ASHORE_STATUS_LIST(X)                                                                      \
    X(OK, 0, "success")                                                                            \
    X(PENDING, 1, "not finished: call again")                                                      \
    X(NEEDS_DATA, 2, "the shape depends on data that is not known yet")                            \
    X(ERR_NOMEM, -1, "out of memory")                                                              \
    X(ERR_IO, -2, "a file could not be read or written")                                           \
    X(ERR_FORMAT, -3, "malformed model or tensor file")                                            \
    X(ERR_UNSUPPORTED, -4, "operator, type or feature not supported")                              \
    X(ERR_TYPE, -5, "wrong element type or kind of value")                                         \
    X(ERR_SHAPE, -6, "shapes do not fit")                                                          \
    X(ERR_ATTR, -7, "attribute missing, of the wrong type or out of range")                        \
    X(ERR_NAME, -8, "no such input, output or dimension")                                          \
    X(ERR_LIMIT, -9, "a stated limit is exceeded")                                                 \
    X(ERR_INDEX, -10, "index out of range")                                                        \
    X(ERR_STATE, -11, "call not allowed in this state")                                            \
    X(ERR_CANCELLED, -12, "cancelled")                                                             \
    X(ERR_ARGUMENT, -13, "invalid argument")                                                       \
    X(ERR_INTERNAL, -14, "internal error")

enum ashore_status {
#define ASHORE_STATUS_ROW(name, number, text) ASHORE_##name = number,
    ASHORE_STATUS_LIST(ASHORE_STATUS_ROW)
#undef ASHORE_STATUS_ROW
};

/* Detail of a failure, in storage of the caller's.  `text` is the whole message: model, node,
 * operator and shapes where they are known; `node` and `op` are there for programs. */
struct ashore_error {
    int32_t code;
    char node[96];
    char op[48];
    char text[640];
};

#endif
