// Checking on a CUDA device.
#pragma once

#include <memory>

#include "check/check_device.hpp"

namespace flashcore {

// Works on the current device, on a stream of its own.
std::unique_ptr<CheckDevice> make_cuda_check_device();

}  // namespace flashcore
