// The executor of a device, in this process.
#pragma once

#include <memory>

#include "device/device.hpp"
#include "execute/executor.hpp"

namespace flashcore {

// Throws EnvironmentError when the device is not there.
std::unique_ptr<Executor> open_device(const DeviceRequest& request);

}  // namespace flashcore
