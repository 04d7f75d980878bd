// The worker process: `flashcore-bench worker`.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "device/device.hpp"
#include "worker/job_server.hpp"

namespace flashcore {

// Loads the plug-ins, opens the device, sends hello and answers requests until standard input ends
// (worker/protocol.hpp). Only the protocol uses standard input and output; the output of plug-ins goes to
// standard error. The process and its children end with its parent (worker/guard.hpp). On the CPU its memory is
// limited to the free memory, so that a variant that allocates too much fails without harm to other processes.
// Throws Error if the device or a plug-in cannot be used.
//
// `load` is called after standard output is connected to standard error, and before the device is open.
void serve(const DeviceRequest& device, std::span<const std::string> plugins,
           const std::function<FurtherVariants()>& load = {});

}  // namespace flashcore
