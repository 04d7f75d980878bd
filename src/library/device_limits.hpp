// The device argument of the C interface: FLASHCORE_HOST or the number of a CUDA device.
#pragma once

#include <cstdint>

#include "execute/executor.hpp"
#include "variant/variant.hpp"

namespace flashcore {

Backend backend_of(std::int32_t device);

// Asked of the device once. Throws EnvironmentError when it is not there.
const DeviceInfo& device_info(std::int32_t device);

// Throws UsageError when a CUDA device is not the calling thread's current one.
void require_current(std::int32_t device);

// What a launch on this device returned, as an OutOfMemoryError or EnvironmentError.
[[noreturn]] void throw_launch_error(int code, const Variant& variant, std::int32_t device);

}  // namespace flashcore
