/* How a function is exported to the package's JavaScript. */
#ifndef ASH_JS_EXPORTS_H
#define ASH_JS_EXPORTS_H

#include "ashore/ashore_error.h"

#define EXPORT(type, name, ...)                                                                    \
    type js_##name(__VA_ARGS__);                                                                   \
    __attribute__((export_name(#name))) type js_##name(__VA_ARGS__)

/* Where a failing export leaves its message; an export itself. */
struct ashore_error *js_error(void);

#endif
