#include "kernels/ref_rows.h"

#include "kernels/affine/affine_vec.c"
