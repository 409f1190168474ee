/* One table for all kernels of a WebAssembly module. */
#include "base/vec_math.h"

#if defined(VF_WASM)
const float ash_vec_math[VF_MATH] = {VF_MATH_TABLE};
_Static_assert(sizeof((float[]){VF_MATH_TABLE}) == sizeof ash_vec_math, "enum vf_math_at");
#endif
