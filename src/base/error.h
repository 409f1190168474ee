/* Error plumbing: a status code is returned, the detail goes into the caller's struct
 * ashore_error, which may be NULL. */
#ifndef ASH_BASE_ERROR_H
#define ASH_BASE_ERROR_H

#include "ashore/ashore_error.h"

#include <stdint.h>

#if defined(__GNUC__)
#    define ASH_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#    define ASH_PRINTF(fmt, first)
#endif

/* Returns what `expr` returns unless that is ASHORE_OK.  For functions that own nothing; one that
 * must clean up keeps the code in `rc` and leaves through its single `done:` label. */
#define ASH_TRY(expr)                                                                              \
    do {                                                                                           \
        int ash_try_rc = (expr);                                                                   \
        if (ash_try_rc != ASHORE_OK) return ash_try_rc;                                            \
    } while (0)

/* ASH_FAIL_IF(n < 0, err, SHAPE, "extent %d", n): sets the error and returns its code. */
#define ASH_FAIL_IF(cond, err, CODE, ...)                                                          \
    do {                                                                                           \
        if (cond) return ash_fail((err), ASHORE_ERR_##CODE, __VA_ARGS__);                          \
    } while (0)

/* ASH_FAIL_IF() where types, ranks and attributes alone decide, once each node of a graph is gone
 * through: an engine for one model whose types are all known has seen it when it was loaded. */
#define ASH_MISFIT_IF(cond, err, CODE, ...)                                                        \
    do {                                                                                           \
        if (cond) {                                                                                \
            ash_misfit();                                                                          \
            return ash_fail((err), ASHORE_ERR_##CODE, __VA_ARGS__);                                \
        }                                                                                          \
    } while (0)
void ash_misfit(void); /* does nothing: what calls it can be found and trimmed */

/* Writes code and text (cut to fit) and returns code. */
#if defined(__wasm__)
#    include "base/error_wasm.h"
#else
int ash_fail(struct ashore_error *err, int code, const char *fmt, ...) ASH_PRINTF(3, 4);
#endif

/* Out of memory, with the size that was asked for.  Returns ASHORE_ERR_NOMEM. */
int ash_fail_nomem(struct ashore_error *err, uint64_t bytes);

/* Puts formatted text before the message that is already there; the code stays. */
void ash_error_prefix(struct ashore_error *err, const char *fmt, ...) ASH_PRINTF(2, 3);

#endif
