#include "kernels/ref_rows.h"

#include "kernels/quantize/quantize_vec.c"
