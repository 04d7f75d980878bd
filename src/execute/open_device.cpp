#include "execute/open_device.hpp"

#include "base/error.hpp"
#include "execute/cpu_executor.hpp"

#ifdef FLASHCORE_HAVE_CUDA
#include "execute/cuda_executor.hpp"
#endif

namespace flashcore {
namespace {

#ifdef FLASHCORE_HAVE_CUDA
std::unique_ptr<Executor> open_cuda_device(int index) { return std::make_unique<CudaExecutor>(index); }
#else
std::unique_ptr<Executor> open_cuda_device(int) { return nullptr; }  // unused: cuda_status() has no device
#endif

}  // namespace

std::unique_ptr<Executor> open_device(const DeviceRequest& request) {
  if (request.kind == DeviceRequest::Kind::cpu) return make_cpu_executor();
  const CudaStatus cuda = cuda_status();
  if (!cuda.devices.empty()) return open_cuda_device(request.index);
  if (request.kind == DeviceRequest::Kind::automatic) return make_cpu_executor();
  throw EnvironmentError("--device cuda: no CUDA device can be used: " + cuda.problem +
                         "; --device cpu runs the CPU variants");
}

}  // namespace flashcore
