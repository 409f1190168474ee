#include "kernels/ref_rows.h"

#include "kernels/winograd/winograd_vec.c"
