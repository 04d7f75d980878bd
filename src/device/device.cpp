#include "device/device.hpp"

#include <cctype>

#include "base/error.hpp"

#ifdef FLASHCORE_HAVE_CUDA
#include <cuda_runtime.h>
#include <fmt/format.h>

#include "device/cuda_device.hpp"
#endif

namespace flashcore {

#ifdef FLASHCORE_HAVE_CUDA

namespace {

// CUDA encodes 13.0 as 13000.
std::string version_text(int version) {
  return version == 0 ? "" : fmt::format("{}.{}", version / 1000, version % 1000 / 10);
}

}  // namespace

CudaStatus cuda_status() {
  CudaStatus status{.compiled_in = true};
  int version = 0;
  if (cudaRuntimeGetVersion(&version) == cudaSuccess) status.runtime_version = version_text(version);
  if (cudaDriverGetVersion(&version) == cudaSuccess) status.driver_version = version_text(version);
  try {
    const int count = cuda_device_count();
    for (int index = 0; index < count; ++index) status.devices.push_back(cuda_device_info(index));
    if (count == 0) status.problem = "the CUDA driver reports no device";
  } catch (const EnvironmentError& error) {
    status.problem = error.what();
  }
  return status;
}

#else

CudaStatus cuda_status() { return {.problem = "this program was built without CUDA"}; }

#endif

std::string to_string(const DeviceRequest& request) {
  if (request.kind == DeviceRequest::Kind::automatic) return "auto";
  return request.kind == DeviceRequest::Kind::cpu ? "cpu" : "cuda:" + std::to_string(request.index);
}

std::string name_as_path(std::string_view name) {
  constexpr std::string_view kVendor = "NVIDIA ";
  if (name.starts_with(kVendor)) name.remove_prefix(kVendor.size());
  std::string folder;
  for (const unsigned char c : name) {
    if (std::isalnum(c) != 0) {
      folder += static_cast<char>(std::tolower(c));
    } else if (!folder.empty() && folder.back() != '-') {
      folder += '-';
    }
  }
  return folder;
}

std::string device_folder(const DeviceInfo& device) {
  return device.backend == Backend::cpu ? "cpu" : name_as_path(device.name);
}

}  // namespace flashcore
