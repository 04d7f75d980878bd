#include "cli/runnable.hpp"

#include <fmt/format.h>

namespace flashcore {

bool is_meant_for(const Variant& variant, const Problem& problem) {
  return variant.spec.dtype == problem.dtype && variant.spec.head_dim == problem.head_dim;
}

std::string unsupported_reason(const Variant& variant, const Problem& problem, const DeviceInfo& device) {
  if (variant.backend != device.backend) return fmt::format("runs on {}", describe(variant.backend));
  if (variant.spec.dtype != problem.dtype) return "compiled for another dtype";
  const char* reason = variant.unsupported(attention_args(problem), device.limits);
  return reason == nullptr ? "" : reason;
}

std::string unsupported_reason(const Variant& variant, const DeviceInfo& device) {
  Problem problem;
  problem.seq_q = problem.seq_kv = 512;
  problem.dtype = variant.spec.dtype;
  problem.head_dim = variant.spec.head_dim;
  problem.scale = default_scale(problem.head_dim);
  return unsupported_reason(variant, problem, device);
}

std::string_view describe(Backend backend) { return backend == Backend::cpu ? "the CPU" : "a CUDA device"; }

}  // namespace flashcore
