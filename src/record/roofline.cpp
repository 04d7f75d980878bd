#include "record/roofline.hpp"

namespace flashcore {
namespace {

constexpr double kMicrosecondsPerSecond = 1e6;

}  // namespace

double Roofline::floor_us() const {
  switch (limit) {
    case Limit::arithmetic:
      return arithmetic_floor_us;
    case Limit::exponential:
      return exponential_floor_us.value_or(0);
    case Limit::memory:
      return memory_floor_us;
  }
  return 0;
}

Roofline roofline(const Problem& problem, const Ceilings& ceilings) {
  Roofline roof;
  roof.flops = flops(problem);
  roof.bytes = compulsory_bytes(problem);
  roof.arithmetic_floor_us = roof.flops / ceilings.tensor_flops_per_s * kMicrosecondsPerSecond;
  roof.memory_floor_us = roof.bytes / ceilings.memory_bytes_per_s * kMicrosecondsPerSecond;
  if (ceilings.exp2_per_s) {
    const double exponentials =
        static_cast<double>(problem.heads_q) * static_cast<double>(unmasked_pairs(problem));
    roof.exponential_floor_us = exponentials / *ceilings.exp2_per_s * kMicrosecondsPerSecond;
  }
  if (roof.exponential_floor_us > roof.floor_us()) roof.limit = Limit::exponential;
  if (roof.memory_floor_us > roof.floor_us()) roof.limit = Limit::memory;
  return roof;
}

double percent_of_roofline(const Roofline& roofline, double latency_us) {
  return 100 * roofline.floor_us() / latency_us;
}

double percent_of_peak(double flops, double latency_us, double peak_flops_per_s) {
  return 100 * flops / (latency_us / kMicrosecondsPerSecond) / peak_flops_per_s;
}

}  // namespace flashcore
