#include "emulated/static_shared.hpp"
// Apart from the inputs, whose constants have the same names.
#include "kernels/reference/cuda_reference.cu"
