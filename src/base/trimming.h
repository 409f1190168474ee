/* What a trimmed engine can do without, said beside the code.  cmake/wasm_map.py reads such lines,
 * each on one line and at its beginning.
 *
 * `of` names operators and facts: groups of which each is needed, in one of its forms, "Conv|MatMul
 * Add".  Operators of other domains than ai.onnx are domain:Name, facts begin with + and are found
 * by facts.mjs of the JavaScript package's tools.  With several lines for a function, one that is
 * met is enough. */
#ifndef ASH_BASE_TRIMMING_H
#define ASH_BASE_TRIMMING_H

/* In an engine for models without these, the function returns 0. */
#define ASH_IDLE_WITHOUT(function, of) _Static_assert(sizeof(&function) && sizeof("" of) > 1, "")
/* There, once a model is loaded, nothing calls it. */
#define ASH_ABSENT_WITHOUT(function, of) ASH_IDLE_WITHOUT(function, of)
/* Such a function that would otherwise become a part of the one that calls it. */
#define ASH_APART __attribute__((noinline))

#endif
