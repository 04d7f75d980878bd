#include <cuda_runtime.h>
#include <fmt/format.h>

#include "base/build_info.hpp"
#include "base/compiled_architectures.hpp"
#include "base/error.hpp"
#include "check/cuda_check_device.hpp"
#include "device/cuda_device.hpp"
#include "device/cuda_memory.hpp"
#include "execute/launcher.hpp"

namespace flashcore {
namespace {

// Inputs, reference and comparison are kernels, too: without code for the device nothing can be checked on it.
void require_code(const DeviceInfo& device, int index) {
  const std::string reason =
      no_code_reason(build_info().cuda_architectures, device.limits.compute_capability);
  if (!reason.empty()) {
    throw EnvironmentError(fmt::format("--device cuda:{}: {}: {}; --device cpu runs the CPU variants", index,
                                       device.name, reason));
  }
}

}  // namespace

Launcher open_cuda_launcher(int index) {
  const int count = cuda_device_count();
  if (index >= count) {
    throw EnvironmentError(fmt::format("--device cuda:{}: there {} {} CUDA device{}, numbered from 0", index,
                                       count == 1 ? "is" : "are", count, count == 1 ? "" : "s"));
  }
  DeviceInfo info = cuda_device_info(index);
  require_code(info, index);
  cuda_check(cudaSetDevice(index), fmt::format("opening CUDA device {}", index));
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  cuda_check(cudaMemGetInfo(&free_bytes, &total_bytes), "asking for free device memory");
  info.free_memory_bytes = static_cast<std::int64_t>(free_bytes);
  return {std::move(info), make_cuda_check_device()};
}

}  // namespace flashcore
