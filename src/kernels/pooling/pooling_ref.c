#include "kernels/ref_rows.h"

#include "kernels/pooling/pooling_vec.c"
