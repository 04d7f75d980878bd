#include "run/rates.hpp"

#include "measure/statistics.hpp"
#include "record/peak.hpp"

namespace flashcore {
namespace {

constexpr double kTera = 1e12;

double peak_flops_per_s(const DevicePeak& peak, const Timing& timing) {
  if (timing.sm_clock_mhz.empty()) return peak.tensor_flops_per_s;
  return tensor_flops_per_s_at(peak, make_timing(timing.sm_clock_mhz).median);
}

}  // namespace

void add_rates(Record& record, const DeviceInfo& device) {
  const Timing* timing = record.headline();
  if (timing == nullptr || timing->median <= 0) return;
  const double work = flops(record.problem);
  record.tflops = work / timing->median * 1e-6;
  if (traits(record.problem.dtype).scaled) return;  // the peaks known here are those of fp16 and bf16
  if (const DevicePeak* peak = find_peak(device.name)) {
    const double most = peak_flops_per_s(*peak, *timing);
    record.peak_tflops = most / kTera;
    record.percent_of_peak = percent_of_peak(work, timing->median, most);
  }
  if (device.ceilings) record.roofline = roofline(record.problem, ceilings_of(*device.ceilings));
}

}  // namespace flashcore
