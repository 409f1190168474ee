#include "kernels/ref_rows.h"

#include "kernels/nbits/nbits_vec.c"
