#include "execute/laboratory.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "execute/cpu_launcher.hpp"
#include "registry/supports.hpp"

#ifdef FLASHCORE_HAVE_CUDA
#include "execute/cuda_laboratory.hpp"
#endif

namespace flashcore {
namespace {

class CpuLaboratory : public Laboratory {
 public:
  const DeviceInfo& device() const override { return device_; }

  void launch(const Variant& variant, CpuProblem& problem) override {
    problem.poison_outputs();
    launcher_.launch(variant, problem.args(0));
  }

 private:
  DeviceInfo device_ = cpu_device();
  CpuLauncher launcher_;
};

#ifndef FLASHCORE_HAVE_CUDA
std::unique_ptr<Laboratory> make_cuda_laboratory(int) { return nullptr; }
#endif

}  // namespace

std::string Laboratory::unsupported(const Variant& variant, const Problem& problem) const {
  return unsupported_reason(variant, problem, place_of(device()));
}

std::unique_ptr<Laboratory> open_laboratory(const DeviceRequest& request) {
  if (request.kind == DeviceRequest::Kind::cpu) return std::make_unique<CpuLaboratory>();
  const CudaStatus cuda = cuda_status();
  if (cuda.devices.empty()) throw EnvironmentError("no CUDA device can be used: " + cuda.problem);
  return make_cuda_laboratory(request.index);
}

}  // namespace flashcore
