#include "library/device_limits.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "capi/flashcore.h"
#include "device/device.hpp"

#ifdef FLASHCORE_HAVE_CUDA
#include <cuda_runtime.h>

#include "device/cuda_memory.hpp"
#endif

namespace flashcore {
namespace {

#ifdef FLASHCORE_HAVE_CUDA

int current_cuda_device() {
  int current = 0;
  cuda_check(cudaGetDevice(&current), "reading the current CUDA device");
  return current;
}

void throw_cuda_error(int code, const std::string& what) { cuda_check(code, what); }

#else

// Not called in a build without CUDA: it has no CUDA devices.
int current_cuda_device() { return FLASHCORE_HOST; }
void throw_cuda_error(int, const std::string&) {}

#endif

}  // namespace

Backend backend_of(std::int32_t device) { return device == FLASHCORE_HOST ? Backend::cpu : Backend::cuda; }

const DeviceInfo& device_info(std::int32_t device) {
  if (device == FLASHCORE_HOST) {
    static const DeviceInfo cpu = cpu_device();
    return cpu;
  }
  static const CudaStatus cuda = cuda_status();
  if (cuda.devices.empty()) throw EnvironmentError("device: no CUDA device can be used: " + cuda.problem);
  if (device < 0 || static_cast<std::size_t>(device) >= cuda.devices.size()) {
    throw EnvironmentError(
        fmt::format("device: CUDA device {} does not exist; there are {}", device, cuda.devices.size()));
  }
  return cuda.devices[static_cast<std::size_t>(device)];
}

bool is_current(std::int32_t device) { return device == FLASHCORE_HOST || device == current_cuda_device(); }

void require_current(std::int32_t device) {
  if (is_current(device)) return;
  throw UsageError(
      fmt::format("device: {} is not this thread's current CUDA device, {}", device, current_cuda_device()));
}

void throw_launch_error(int code, const Variant& variant, std::int32_t device) {
  const std::string what = fmt::format("launching {}", variant.id());
  if (device != FLASHCORE_HOST) throw_cuda_error(code, what);
  const std::string message = fmt::format("{}: {}", what, std::strerror(code));
  if (code == ENOMEM) throw OutOfMemoryError(message);
  throw EnvironmentError(message);
}

}  // namespace flashcore
