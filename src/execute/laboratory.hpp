// A device on which one variant is launched at a time, with inputs of the caller's choice.
//
// The problem lives in host memory on every backend: a CUDA launch works on copies of its inputs and of its
// poisoned outputs, guards included, and brings the outputs back. Whoever looks at results then needs no
// device code.
#pragma once

#include <memory>
#include <string>

#include "check/cpu_problem.hpp"
#include "device/device.hpp"
#include "variant/variant.hpp"

namespace flashcore {

class Laboratory {
 public:
  virtual ~Laboratory() = default;

  virtual const DeviceInfo& device() const = 0;

  // Poisons the problem's outputs and launches once into them. Throws EnvironmentError when the launch fails,
  // OutOfMemoryError when there is no room for the problem.
  virtual void launch(const Variant& variant, CpuProblem& problem) = 0;

  // The reason why the variant cannot run the problem here, or an empty string. Strides are looked at,
  // pointers not.
  std::string unsupported(const Variant& variant, const Problem& problem) const;
};

// Throws EnvironmentError when the device is not there.
std::unique_ptr<Laboratory> open_laboratory(const DeviceRequest& request);

}  // namespace flashcore
