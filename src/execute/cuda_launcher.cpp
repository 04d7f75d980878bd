#include <cuda_runtime.h>
#include <fmt/format.h>

#include "base/error.hpp"
#include "check/cuda_check_device.hpp"
#include "device/cuda_device.hpp"
#include "device/cuda_memory.hpp"
#include "execute/launcher.hpp"

namespace flashcore {

Launcher open_cuda_launcher(int index) {
  const int count = cuda_device_count();
  if (index >= count) {
    throw EnvironmentError(fmt::format("--device cuda:{}: there {} {} CUDA device{}, numbered from 0", index,
                                       count == 1 ? "is" : "are", count, count == 1 ? "" : "s"));
  }
  cuda_check(cudaSetDevice(index), fmt::format("opening CUDA device {}", index));
  DeviceInfo info = cuda_device_info(index);
  std::size_t free_bytes = 0;
  std::size_t total_bytes = 0;
  cuda_check(cudaMemGetInfo(&free_bytes, &total_bytes), "asking for free device memory");
  info.free_memory_bytes = static_cast<std::int64_t>(free_bytes);
  return {std::move(info), make_cuda_check_device()};
}

}  // namespace flashcore
