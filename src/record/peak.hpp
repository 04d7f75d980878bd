// What devices can do on paper: dense tensor throughput, memory bandwidth, clocks.
#pragma once

#include <span>
#include <string_view>

namespace flashcore {

// Dense figures (no structured sparsity) of fp16 and bf16 products with FP32 accumulation; both types have
// the same.
struct DevicePeak {
  std::string_view device;  // the name that CUDA and NVML report
  int num_sms = 0;
  double flops_per_clock_per_sm = 0;
  double boost_clock_mhz = 0;  // the clock that tensor_flops_per_s is stated for
  double tensor_flops_per_s = 0;
  double memory_bytes_per_s = 0;
  std::string_view source;  // title of NVIDIA's document
};

std::span<const DevicePeak> device_peaks();

// By the device's exact name: "NVIDIA H100 PCIe" and "NVIDIA H100 80GB HBM3" are different cards, and a part
// of one (MIG) is neither. Null when it is not in the table.
const DevicePeak* find_peak(std::string_view device_name);

// flops_per_clock_per_sm · num_sms · clock: the peak at a measured SM clock.
double tensor_flops_per_s_at(const DevicePeak& peak, double sm_clock_mhz);

}  // namespace flashcore
