#include <bit>
#include <cstdlib>
#include <cstring>

#include "emulated/static_shared.hpp"

// Of the runtime, what comparing needs; launches are complete when they return.
// NOLINTBEGIN(readability-identifier-naming)
cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  *data = std::malloc(bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
  std::free(data);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
static void atomicAdd(unsigned long long* address, unsigned long long value) { *address += value; }
static unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
// NOLINTEND(readability-identifier-naming)

// In a file of its own: the other files of kernels/reference have constants of the same names.
#include "kernels/reference/cuda_compare.cu"
