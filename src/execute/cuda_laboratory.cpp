#include "execute/cuda_laboratory.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include <cstddef>
#include <span>

#include "device/cuda_memory.hpp"
#include "execute/cuda_executor.hpp"

namespace flashcore {
namespace {

template <class Word>
DeviceBuffer to_device(const Word* words, std::int64_t count) {
  const std::size_t bytes = static_cast<std::size_t>(count) * sizeof(Word);
  DeviceBuffer buffer(bytes);
  cuda_check(cudaMemcpy(buffer.data(), words, bytes, cudaMemcpyHostToDevice), "copying to the device");
  return buffer;
}

// A guarded output on the device, for as long as one launch lasts.
template <class Word>
class DeviceTwin {
 public:
  explicit DeviceTwin(GuardedHostTensor<Word>& host)
      : host_(host),
        memory_(to_device(host.memory().data(), static_cast<std::int64_t>(host.memory().size()))) {}

  void* tensor() const {
    return static_cast<Word*>(memory_.data()) + GuardedHostTensor<Word>::kGuardElements;
  }

  void bring_back() {
    cuda_check(
        cudaMemcpy(host_.memory().data(), memory_.data(), memory_.size_bytes(), cudaMemcpyDeviceToHost),
        "copying from the device");
  }

 private:
  GuardedHostTensor<Word>& host_;
  DeviceBuffer memory_;
};

class CudaLaboratory : public Laboratory {
 public:
  explicit CudaLaboratory(int device_index) : executor_(device_index) {}

  const DeviceInfo& device() const override { return executor_.device(); }
  void launch(const Variant& variant, CpuProblem& problem) override;

 private:
  CudaExecutor executor_;  // opens the device
};

void CudaLaboratory::launch(const Variant& variant, CpuProblem& problem) {
  problem.poison_outputs();
  AttentionArgs args = problem.args(0);
  const auto copy = [&](const void* tensor, const TensorShape& shape) {
    const auto element_bytes = static_cast<std::int64_t>(size_bytes(problem.problem().dtype));
    return to_device(static_cast<const std::byte*>(tensor), element_bytes * shape.span_elements);
  };
  const auto copy_factors = [&](const float* factors) {
    const std::int64_t count = problem.problem().batch * problem.problem().heads_kv;
    return factors == nullptr ? DeviceBuffer() : to_device(factors, count);
  };
  const DeviceBuffer q = copy(args.q, query_shape(problem.problem()));
  const DeviceBuffer k = copy(args.k, key_value_shape(problem.problem()));
  const DeviceBuffer v = copy(args.v, key_value_shape(problem.problem()));
  const DeviceBuffer q_descale = copy_factors(args.q_descale);
  const DeviceBuffer k_descale = copy_factors(args.k_descale);
  const DeviceBuffer v_descale = copy_factors(args.v_descale);
  DeviceTwin out(problem.out());
  DeviceTwin lse(problem.lse());
  args.q = q.data();
  args.k = k.data();
  args.v = v.data();
  args.q_descale = static_cast<const float*>(q_descale.data());
  args.k_descale = static_cast<const float*>(k_descale.data());
  args.v_descale = static_cast<const float*>(v_descale.data());
  args.out = out.tensor();
  args.lse = problem.problem().lse ? static_cast<float*>(lse.tensor()) : nullptr;
  const std::size_t bytes = variant.workspace_bytes(args);
  const DeviceBuffer workspace = bytes > 0 ? DeviceBuffer(bytes) : DeviceBuffer();
  args.workspace = workspace.data();
  cuda_check(variant.launch(args, nullptr), fmt::format("launching {}", variant.id()));
  cuda_check(cudaDeviceSynchronize(), fmt::format("running {}", variant.id()));
  out.bring_back();
  lse.bring_back();
}

}  // namespace

std::unique_ptr<Laboratory> make_cuda_laboratory(int device_index) {
  return std::make_unique<CudaLaboratory>(device_index);
}

}  // namespace flashcore
