#include "kernels/ref_rows.h"

#include "kernels/half/half_vec.c"
