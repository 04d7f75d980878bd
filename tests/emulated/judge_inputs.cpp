#include "emulated/static_shared.hpp"
// Apart from the reference, whose constants have the same names.
#include "kernels/reference/cuda_inputs.cu"
