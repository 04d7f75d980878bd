// The device argument of the C interface: FLASHCORE_HOST or the number of a CUDA device.
#pragma once

#include <cstdint>

#include "execute/executor.hpp"
#include "variant/variant.hpp"

namespace flashcore {

Backend backend_of(std::int32_t device);

// Queries the devices once. Throws EnvironmentError if the device does not exist.
const DeviceInfo& device_info(std::int32_t device);

// True unless `device` is a CUDA device and not the calling thread's current device.
bool is_current(std::int32_t device);

// Throws UsageError if `device` is a CUDA device but not the calling thread's current device.
void require_current(std::int32_t device);

// Throws OutOfMemoryError or EnvironmentError for the error code of a launch on this device.
[[noreturn]] void throw_launch_error(int code, const Variant& variant, std::int32_t device);

}  // namespace flashcore
