#include "kernels/ref_rows.h"

#include "kernels/rnnq/rnnq_vec.c"
