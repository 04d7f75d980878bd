// Checking in host memory.
#pragma once

#include <memory>

#include "check/check_device.hpp"

namespace flashcore {

std::unique_ptr<CheckDevice> make_cpu_check_device();

}  // namespace flashcore
