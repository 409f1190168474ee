#include "kernels/ref_rows.h"

#include "kernels/eltwise/eltwise_vec.c"
