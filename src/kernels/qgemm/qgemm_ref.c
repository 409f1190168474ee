#include "kernels/ref_rows.h"

#include "kernels/qgemm/qgemm_vec.c"
