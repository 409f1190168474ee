#include "cli_tensor_file.h"

#include "cli_file.h"
#include "npy.h"

#include <string.h>

int cli_tensor_read(const char *path, int kind, int dtype, ashore_value **value,
                    struct ashore_error *err) {
    struct cli_bytes bytes;
    int rc = cli_file_read(path, &bytes, err);
    if (rc) return rc;
    if (cli_npy_is(bytes.data, bytes.size)) {
        rc = kind == ASHORE_TENSOR
                 ? cli_npy_parse(bytes.data, bytes.size, dtype, value, err)
                 : cli_fail(err, ASHORE_ERR_TYPE, "an .npy file holds a tensor, which this is not");
    } else if (bytes.size >= 4 && memcmp(bytes.data, "PK\3\4", 4) == 0) {
        rc = cli_fail(err, ASHORE_ERR_FORMAT,
                      "an archive (.npz?): unpack it and give the .npy file inside");
    } else if (bytes.size == 0 && kind == ASHORE_TENSOR) {
        rc = cli_fail(err, ASHORE_ERR_FORMAT, "the file is empty");
    } else {
        rc = ashore_value_parse(kind, bytes.data, bytes.size, value, err);
    }
    if (rc) cli_error_prefix(err, "%s: ", path);
    cli_file_free(&bytes);
    return rc;
}

int cli_tensor_write(struct cli *cli, const char *path, const ashore_value *value,
                     struct ashore_error *err) {
    struct cli_output out;
    int rc = cli_output_open(cli, path, &out, err);
    if (rc) return rc;
    rc = cli_npy_write(out.file, value, err);
    if (rc) cli_error_prefix(err, "%s: ", path);
    return cli_output_close(&out, rc, err);
}
