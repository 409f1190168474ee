/* How a function is exported to the package's JavaScript. */
#ifndef ASH_JS_EXPORTS_H
#define ASH_JS_EXPORTS_H

#include "ashore/ashore.h"

#define EXPORT(type, name, ...)                                                                    \
    type js_##name(__VA_ARGS__);                                                                   \
    __attribute__((export_name(#name))) type js_##name(__VA_ARGS__)

/* Of exports_value.c: where a failing export leaves its message, and memory for JavaScript. */
struct ashore_error *js_error(void);
ashore_value *js_buffer(size_t size);

#endif
