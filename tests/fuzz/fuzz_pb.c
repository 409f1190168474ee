/* Any bytes as a TensorProto, SequenceProto or OptionalProto: the first byte says which. */
#include "ashore/ashore.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    struct ashore_error err;
    memset(&err, 0, sizeof err);
    ashore_value *value = NULL;
    int rc = ashore_value_parse(data[0] % 4, data + 1, size - 1, &value, &err);
    if ((rc == ASHORE_OK) != (value != NULL)) abort();
    if (rc < 0 && err.text[0] == '\0') abort();
    ashore_value_release(&value);
    return 0;
}
