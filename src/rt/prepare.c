#include "rt/prepare.h"

#include "onnx/onnx_writer.h"
#include "rt/model.h"

#include <string.h>

int ash_model_prepare(const ashore_model *model, bool types, ashore_value **value,
                      struct ashore_error *err) {
    struct ash_wire_out out = {.heap = model->heap};
    const struct ash_onnx_write_options options = {
        .types = types, .prepared = true, .output_names = model->output_names};
    int rc = ash_onnx_write(model->graph, &options, &out, err);
    const int64_t size = (int64_t)out.size;
    if (rc == ASHORE_OK) rc = ash_value_tensor(NULL, ASHORE_UINT8, 1, &size, value, err);
    if (rc == ASHORE_OK) memcpy((*value)->tensor.data, out.data, out.size);
    ash_wire_out_deinit(&out);
    return ash_model_error(model, rc, err);
}
