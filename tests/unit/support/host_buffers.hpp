// The buffers of a problem in host memory, with the device that they stand on.
#pragma once

#include <memory>

#include "check/cpu_check_device.hpp"
#include "check/problem_buffers.hpp"

namespace flashcore {

struct HostDevice {
  std::unique_ptr<CheckDevice> device = make_cpu_check_device();
};

// HostDevice is a base so that it is there before the buffers, and as long.
class HostBuffers : private HostDevice, public ProblemBuffers {
 public:
  HostBuffers(const Problem& problem, std::uint64_t seed, kernels::InputKind kind)
      : ProblemBuffers(problem, seed, kind, *device) {}
};

}  // namespace flashcore
