// Peak figures from datasheets: dense tensor throughput, memory bandwidth, clocks.
#pragma once

#include <span>
#include <string_view>

namespace flashcore {

// Figures for dense fp16 or bf16 products (no structured sparsity) with FP32 accumulation. Both dtypes have
// the same throughput.
struct DevicePeak {
  std::string_view device;  // the name from CUDA and NVML
  int num_sms = 0;
  double flops_per_clock_per_sm = 0;
  double boost_clock_mhz = 0;  // the clock of tensor_flops_per_s
  double tensor_flops_per_s = 0;
  double memory_bytes_per_s = 0;
  std::string_view source;  // the title of NVIDIA's document
};

std::span<const DevicePeak> device_peaks();

// Looks up a device by its exact name: "NVIDIA H100 PCIe" and "NVIDIA H100 80GB HBM3" are different cards,
// and a MIG partition is a third device. Null if the table does not have it.
const DevicePeak* find_peak(std::string_view device_name);

// The peak at a measured SM clock: flops_per_clock_per_sm · num_sms · clock.
double tensor_flops_per_s_at(const DevicePeak& peak, double sm_clock_mhz);

}  // namespace flashcore
