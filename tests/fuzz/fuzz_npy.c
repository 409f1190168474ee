/* Any bytes as a NumPy file. */
#include "npy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ashore_error err;
    memset(&err, 0, sizeof err);
    ashore_value *value = NULL;
    int rc = cli_npy_parse(data, size, ASHORE_UNDEFINED, &value, &err);
    if ((rc == ASHORE_OK) != (value != NULL)) abort();
    if (rc < 0 && err.text[0] == '\0') abort();
    ashore_value_release(&value);
    return 0;
}
