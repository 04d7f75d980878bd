// A variant that was chosen once for all calls with tensors of one shape.
#pragma once

#include <cstdint>
#include <string>

#include "attention/problem.hpp"
#include "tune/dispatch.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// Bytes. Kernels rely on it for the addresses of tensors.
inline constexpr std::uintptr_t kTensorAlignment = 16;

// Strides of q, k, v and out, in elements.
struct TensorStrides {
  Strides q, k, v, out;
};

// What "auto" runs for a problem on a device, by the tuned table of the device. Throws UsageError if no variant can run
// the problem.
Choice chosen_variant(const Problem& problem, std::int32_t device);

class LaunchPlan {
 public:
  // Chooses as "auto" does, by the tuned table of the device. `device` is the number of a CUDA device, or -1 for the CPU.
  // Throws UsageError if no variant can run the problem.
  LaunchPlan(const Problem& problem, const TensorStrides& strides, std::int32_t device);

  std::string variant() const { return variant_->id(); }
  const std::string& reason() const { return reason_; }
  std::size_t workspace_bytes() const { return workspace_bytes_; }
  std::int32_t device() const { return device_; }

  // Addresses of the tensors; 0: none. Throws EnvironmentError if the launch fails.
  void launch(std::uintptr_t q, std::uintptr_t k, std::uintptr_t v, std::uintptr_t out, std::uintptr_t lse,
              std::uintptr_t workspace, std::uintptr_t stream) const;

 private:
  const Variant* variant_;
  std::string reason_;
  AttentionArgs args_;
  std::int32_t device_;
  std::size_t workspace_bytes_ = 0;
};

}  // namespace flashcore
