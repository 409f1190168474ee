#include "kernels/ref_rows.h"

#include "kernels/argmax/argmax_vec.c"
