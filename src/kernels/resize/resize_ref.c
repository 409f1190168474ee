#include "kernels/ref_rows.h"

#include "kernels/resize/resize_vec.c"
