#include "emulated/static_shared.hpp"
// In a file of its own: the reference has constants of the same names.
#include "kernels/reference/cuda_inputs.cu"
