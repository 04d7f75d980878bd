// Launches variants into the buffers of a problem on one device.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "check/problem_buffers.hpp"
#include "device/device.hpp"
#include "variant/variant.hpp"

namespace flashcore {

class Launcher {
 public:
  Launcher(DeviceInfo info, std::unique_ptr<CheckDevice> device)
      : info_(std::move(info)), device_(std::move(device)) {}

  const DeviceInfo& info() const { return info_; }
  DeviceInfo& info() { return info_; }
  CheckDevice& device() const { return *device_; }

  // The reason why the variant cannot run the problem on this device, or an empty text. Considers strides,
  // but not pointers.
  std::string unsupported(const Variant& variant, const Problem& problem) const;

  // Arguments of a launch that reads one view of the inputs, with the variant's workspace and its plan. The plan is made by
  // the first call for the variant, and kept until forget_plans(): all views have the same lengths.
  AttentionArgs args(const Variant& variant, ProblemBuffers& buffers, InputView view) const;

  // Queues one launch. Throws OutOfMemoryError or EnvironmentError, with the variant's id.
  void launch(const Variant& variant, const AttentionArgs& args) const;

  // Brings the output of the last launch to the arguments' outputs (Family::collect).
  void collect(const Variant& variant, const AttentionArgs& args) const;

  // To be called when other buffers come.
  void forget_plans() const { plans_.clear(); }
  // To be called when other lengths come into the same buffers. Plans are made anew in the memory that they have.
  void renew_plans() const;

  // Launches once on input set 0, without poisoning the outputs first, with a new plan, and waits.
  void run(const Variant& variant, ProblemBuffers& buffers) const;

 private:
  struct Plan {
    Memory memory;
    bool is_current = false;
  };
  void* plan(const Variant& variant, const AttentionArgs& args) const;

  DeviceInfo info_;
  std::unique_ptr<CheckDevice> device_;
  mutable std::map<const Variant*, Plan> plans_;
};

Launcher open_cpu_launcher();
// Opens CUDA device `index`. Throws EnvironmentError when it is not there.
Launcher open_cuda_launcher(int index);
// `automatic` is the first CUDA device. Throws EnvironmentError when the device is not there.
Launcher open_launcher(const DeviceRequest& request);

}  // namespace flashcore
