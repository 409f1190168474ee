#include "onnx/prepared.h"

const unsigned char ash_prepared_seal = 1;
