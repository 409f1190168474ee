/* Values in files: .npy and the protocol buffers of ONNX. */
#ifndef ASH_CLI_TENSOR_FILE_H
#define ASH_CLI_TENSOR_FILE_H

#include "cli.h"

/* Reads a value of a kind (enum ashore_kind); .npy is told from TensorProto by its content.  dtype
 * is the type that is wanted, as for cli_npy_parse.  Messages begin with the path. */
int cli_tensor_read(const char *path, int kind, int dtype, ashore_value **value,
                    struct ashore_error *err);
/* Writes a tensor as .npy, whole or not at all. */
int cli_tensor_write(struct cli *cli, const char *path, const ashore_value *value,
                     struct ashore_error *err);

#endif
