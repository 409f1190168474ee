#include "kernels/ref_rows.h"

#include "kernels/attention/attention_vec.c"
