#include "kernels/ref_rows.h"

#include "kernels/transpose/transpose_vec.c"
