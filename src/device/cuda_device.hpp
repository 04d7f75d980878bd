// Properties of CUDA devices from the CUDA runtime. All functions throw EnvironmentError.
#pragma once

#include "device/device_info.hpp"

namespace flashcore {

int cuda_device_count();
DeviceInfo cuda_device_info(int index);
int cuda_attribute(int which, int index);  // a cudaDeviceAttr

}  // namespace flashcore
