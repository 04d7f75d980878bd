#include "device/cuda_device.hpp"

#include <cuda_runtime.h>
#include <fmt/format.h>

#include "device/cuda_memory.hpp"

namespace flashcore {

int cuda_attribute(int which, int index) {
  int value = 0;
  cuda_check(cudaDeviceGetAttribute(&value, static_cast<cudaDeviceAttr>(which), index),
             "reading a CUDA device attribute");
  return value;
}

int cuda_device_count() {
  int count = 0;
  cuda_check(cudaGetDeviceCount(&count), "counting the CUDA devices");
  return count;
}

DeviceInfo cuda_device_info(int index) {
  cudaDeviceProp properties{};
  cuda_check(cudaGetDeviceProperties(&properties, index),
             fmt::format("reading the properties of CUDA device {}", index));
  DeviceInfo info{.backend = Backend::cuda, .name = properties.name};
  info.limits = {.compute_capability = 10 * properties.major + properties.minor,
                 .max_smem_bytes_per_block = static_cast<int>(properties.sharedMemPerBlockOptin),
                 .num_sms = properties.multiProcessorCount};
  info.memory_bytes = static_cast<std::int64_t>(properties.totalGlobalMem);
  info.l2_bytes = properties.l2CacheSize;
  info.max_sm_clock_mhz = cuda_attribute(cudaDevAttrClockRate, index) / 1000.0;  // reported in kHz
  info.memory_bus_bits = properties.memoryBusWidth;
  info.memory_clock_mhz = cuda_attribute(cudaDevAttrMemoryClockRate, index) / 1000;  // reported in kHz
  char bus_id[32] = {};
  cuda_check(cudaDeviceGetPCIBusId(bus_id, sizeof(bus_id), index), "reading the PCI bus id");
  info.pci_bus_id = bus_id;
  return info;
}

}  // namespace flashcore
