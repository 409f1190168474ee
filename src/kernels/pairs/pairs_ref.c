#include "kernels/ref_rows.h"

#include "kernels/pairs/pairs_vec.c"
