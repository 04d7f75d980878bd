#include "emulated/static_shared.hpp"
// In a file of its own: the inputs have constants of the same names.
#include "kernels/reference/cuda_reference.cu"
