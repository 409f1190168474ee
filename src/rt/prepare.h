/* A model as a prepared file (onnx/prepared.c): what tools/trim.mjs of the JavaScript package makes
 * of it before it trims an engine to it. */
#ifndef ASH_RT_PREPARE_H
#define ASH_RT_PREPARE_H

#include "ashore/ashore.h"

#include <stdbool.h>

/* *value: the bytes, uint8[n].  types: with those of intermediate values.  Before the model has a
 * session, which gives constants back. */
int ash_model_prepare(const ashore_model *model, bool types, ashore_value **value,
                      struct ashore_error *err);

#endif
