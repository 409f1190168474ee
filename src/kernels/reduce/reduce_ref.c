#include "kernels/ref_rows.h"

#include "kernels/reduce/reduce_vec.c"
