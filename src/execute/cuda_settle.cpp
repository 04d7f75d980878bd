#include <cuda_runtime.h>

#include "device/cuda_memory.hpp"
#include "execute/cuda_executor.hpp"

namespace flashcore {
namespace {

// Of the memory that should be free. A family may keep some; other processes of the device take some.
constexpr double kLeastFreeShare = 0.5;

}  // namespace

std::string CudaExecutor::settle() {
  cuda_check(cudaDeviceSynchronize(), "waiting for all of the device's work");
  if (!is_prepared()) return "";
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  cuda_check(cudaMemGetInfo(&free_bytes, &total_bytes), "asking for free device memory");
  const std::int64_t should_be_free = device().free_memory_bytes - required_bytes(buffers().problem());
  const bool is_taken =
      static_cast<double>(free_bytes) < kLeastFreeShare * static_cast<double>(should_be_free);
  return is_taken ? "memory of the device that it took" : "";
}

}  // namespace flashcore
