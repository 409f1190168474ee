#include "kernels/ref_rows.h"

#include "kernels/softmax/softmax_vec.c"
