// The functions of the CUDA runtime that launches call, for a device with few multiprocessors.
#include <cuda_runtime.h>

#include <cstring>
#include <string_view>
#include <utility>

#include "emulated/machine/launch.hpp"
#include "emulated/machine/tensor_map.hpp"

namespace flashcore::emulated {
namespace {

int multiprocessors = 2;

}  // namespace

Multiprocessors::Multiprocessors(int count) : before_(std::exchange(multiprocessors, count)) {}
Multiprocessors::~Multiprocessors() { multiprocessors = before_; }

}  // namespace flashcore::emulated

using flashcore::emulated::multiprocessors;

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

extern "C" {

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      return cudaSuccess;
    case cudaDevAttrMultiProcessorCount:
      *value = multiprocessors;
      return cudaSuccess;
    default:
      return cudaErrorInvalidValue;
  }
}

cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t) {
  std::memset(memory, value, bytes);
  return cudaSuccess;
}

cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaFuncGetName(const char** name, const void*) {
  *name = "";
  return cudaSuccess;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** entry, unsigned, unsigned long long,
                                             cudaDriverEntryPointQueryResult* found) {
  if (std::string_view(symbol) != "cuTensorMapEncodeTiled") return cudaErrorNotSupported;
  *entry = reinterpret_cast<void*>(&flashcore::emulated::encode_tensor_map);
  *found = cudaDriverEntryPointSuccess;
  return cudaSuccess;
}

// Its counterpart in toolkits before 12.5.
cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** entry, unsigned long long flags,
                                    cudaDriverEntryPointQueryResult* found) {
  return cudaGetDriverEntryPointByVersion(symbol, entry, 0, flags, found);
}

}  // extern "C"

// NOLINTEND(readability-identifier-naming)
