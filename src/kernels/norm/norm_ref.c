#include "kernels/ref_rows.h"

#include "kernels/norm/norm_vec.c"
