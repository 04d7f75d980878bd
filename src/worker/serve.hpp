// The worker process: `flashcore-bench worker`.
#pragma once

#include <span>
#include <string>

#include "device/device.hpp"

namespace flashcore {

// Loads the plug-ins, opens the device, says hello and answers the lines of standard input on standard output
// until it ends (worker/protocol.hpp). From the first moment both belong to the protocol alone: what plug-ins
// print goes to standard error. The process dies with its parent, and on the CPU it can take no more memory
// than is free, so that a variant which takes all of it fails alone. Throws Error when device or plug-in
// cannot be used.
void serve(const DeviceRequest& device, std::span<const std::string> plugins);

}  // namespace flashcore
