#include "run/rates.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "check/problem_buffers.hpp"
#include "measure/statistics.hpp"
#include "record/peak.hpp"

namespace flashcore {
namespace {

constexpr double kTera = 1e12;

std::string microseconds(double us) { return fmt::format("{:.3g} us", us); }

double peak_flops_per_s(const DevicePeak& peak, const Timing& timing) {
  if (timing.sm_clock_mhz.empty()) return peak.tensor_flops_per_s;
  return tensor_flops_per_s_at(peak, make_timing(timing.sm_clock_mhz).median);
}

// A time may be shorter than a floor by this factor, because clocks have errors.
constexpr double kSlack = 1.02;

// A matrix unit (AMX) does up to this times the work of the FP32 vector units of its core.
constexpr double kMatrixUnit = 16;

// An upper limit; absent where the peak is not known. 8-bit dtypes have twice the rate of fp16 and bf16, on devices that
// support them.
std::optional<double> fastest_flops_per_s(const DevicePeak* peak, const DeviceInfo& device, Dtype dtype) {
  const double rate = traits(dtype).scaled ? 2 : 1;
  if (device.fma_flops_per_s) return rate * kMatrixUnit * *device.fma_flops_per_s;
  if (peak == nullptr) return {};
  const double clock_mhz = std::max(peak->boost_clock_mhz, device.max_sm_clock_mhz.value_or(0));
  return rate * tensor_flops_per_s_at(*peak, clock_mhz);
}

// The shortest time of a `cold` launch by memory bandwidth. The input sets take at least twice the L2 cache,
// so at least half of the bytes come from memory. 0 for small problems, whose sets may fit into L2, and for
// masks that leave out rows or keys.
double memory_floor_us(const Problem& problem, const DevicePeak& peak, const DeviceInfo& device) {
  const double bytes = compulsory_bytes(problem);
  const bool in_l2 =
      bytes * static_cast<double>(ProblemBuffers::kMaxSets) < 2.0 * static_cast<double>(device.l2_bytes);
  const bool leaves_out = problem.window_left >= 0 || problem.window_right >= 0 ||
                          (problem.causal && problem.seq_q > problem.seq_kv);
  return in_l2 || leaves_out ? 0 : 1e6 * bytes / 2 / peak.memory_bytes_per_s;
}

}  // namespace

std::string impossible_time(const Record& record, const DeviceInfo& device) {
  const DevicePeak* peak = find_peak(device.name);
  const auto flops_per_s = fastest_flops_per_s(peak, device, record.problem.dtype);
  if (!flops_per_s) return "";
  const double arithmetic_us = 1e6 * flops(record.problem) / *flops_per_s;
  for (const TimingMode mode : kAll<TimingMode>) {
    if (!record.timings[mode]) continue;
    const double us = record.timings[mode]->median;
    if (kSlack * us < arithmetic_us) {
      return fmt::format("{} in {} is impossible: at its peak {} needs {} for the arithmetic",
                         microseconds(us), to_string(mode), device.name, microseconds(arithmetic_us));
    }
    if (peak == nullptr || !sampling_of(mode).rotates_inputs) continue;
    const double memory_us = memory_floor_us(record.problem, *peak, device);
    if (kSlack * us < memory_us) {
      return fmt::format("{} in {} is impossible: {} needs {} to read the inputs", microseconds(us),
                         to_string(mode), device.name, microseconds(memory_us));
    }
  }
  return "";
}

void add_rates(Record& record, const DeviceInfo& device) {
  const Timing* timing = record.headline();
  if (timing == nullptr || timing->median <= 0) return;
  const double work = flops(record.problem);
  record.tflops = work / timing->median * 1e-6;
  if (traits(record.problem.dtype).scaled) return;  // the known peaks are for fp16 and bf16
  if (const DevicePeak* peak = find_peak(device.name)) {
    const double most = peak_flops_per_s(*peak, *timing);
    record.peak_tflops = most / kTera;
    record.percent_of_peak = percent_of_peak(work, timing->median, most);
  }
  if (device.ceilings) record.roofline = roofline(record.problem, ceilings_of(*device.ceilings));
}

}  // namespace flashcore
