#include "kernels/ref_rows.h"

#include "kernels/rnn/rnn_vec.c"
