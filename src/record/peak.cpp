#include "record/peak.hpp"

#include <algorithm>

namespace flashcore {
namespace {

constexpr std::string_view kL4 = "NVIDIA L4 Tensor Core GPU datasheet";
constexpr std::string_view kA10 = "NVIDIA A10 Tensor Core GPU datasheet";
constexpr std::string_view kA100 = "NVIDIA A100 Tensor Core GPU datasheet; GA100 architecture whitepaper";
constexpr std::string_view kAda = "NVIDIA Ada GPU architecture whitepaper";
constexpr std::string_view kH100 = "NVIDIA H100 Tensor Core GPU datasheet; GH100 architecture whitepaper";
constexpr std::string_view kH200 = "NVIDIA H200 Tensor Core GPU datasheet";

// If a datasheet states throughput with sparsity, the table has half of it. GeForce cards accumulate in FP32
// at half rate. The Hopper documents state no clock for their throughput; the table has the clock that
// results from it.
constexpr DevicePeak kPeaks[] = {
    {"NVIDIA L4", 58, 1024, 2040, 121e12, 300e9, kL4},
    {"NVIDIA A10", 72, 1024, 1695, 125e12, 600e9, kA10},
    {"NVIDIA A100-SXM4-40GB", 108, 2048, 1410, 312e12, 1555e9, kA100},
    {"NVIDIA A100-PCIE-40GB", 108, 2048, 1410, 312e12, 1555e9, kA100},
    {"NVIDIA A100-SXM4-80GB", 108, 2048, 1410, 312e12, 2039e9, kA100},
    {"NVIDIA A100 80GB PCIe", 108, 2048, 1410, 312e12, 1935e9, kA100},
    {"NVIDIA GeForce RTX 4090", 128, 512, 2520, 165.2e12, 1008e9, kAda},
    {"NVIDIA H100 80GB HBM3", 132, 4096, 1830, 989.4e12, 3350e9, kH100},
    {"NVIDIA H100 PCIe", 114, 4096, 1620, 756e12, 2000e9, kH100},
    {"NVIDIA H200", 132, 4096, 1830, 989.4e12, 4800e9, kH200},
};

}  // namespace

std::span<const DevicePeak> device_peaks() { return kPeaks; }

const DevicePeak* find_peak(std::string_view device_name) {
  const auto* found = std::find_if(std::begin(kPeaks), std::end(kPeaks),
                                   [&](const DevicePeak& peak) { return peak.device == device_name; });
  return found == std::end(kPeaks) ? nullptr : found;
}

double tensor_flops_per_s_at(const DevicePeak& peak, double sm_clock_mhz) {
  return peak.flops_per_clock_per_sm * peak.num_sms * sm_clock_mhz * 1e6;
}

}  // namespace flashcore
