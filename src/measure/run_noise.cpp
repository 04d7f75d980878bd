#include "measure/run_noise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace flashcore {
namespace {

struct RunNoise {
  Spread spread;
  double between_runs;
};

// In the order of NoiseClass.
constexpr std::array<RunNoise, std::size(kNoiseClassWords)> kCudaNoise = {{
    {{.row = 0.0035, .common = 0.004}, 0.005},
    {{.row = 0.0035, .common = 0.004}, 0.005},
    {{.row = 0.008, .common = 0.006}, 0.005},
    {{.row = 0.01, .common = 0.006}, 0.01},
    {{.row = 0.015, .common = 0.004}, 0.02},
    {{.row = 0.02, .common = 0.012}, 0.03},
}};
// By the number of samples: the half-width of Student's 95 % interval over half of the range from the lowest to the
// highest, for normal samples. No two of fewer than six samples enclose the median with 95 %.
constexpr double kFewSamples[] = {1, 1, 12.7, 2.9, 1.6, 1.1};

double widening(const Timing& timing) {
  return timing.samples.size() < std::size(kFewSamples) ? kFewSamples[timing.samples.size()] : 1;
}

// The standard deviation between runs on a busy host, in that of samples: 0.75 held in 94 to 96 % of 160 rows of ten runs
// beside compilers on two cores, 0.5 in 85 to 94 %.
constexpr double kHostShare = 0.75;
constexpr double kTenths = 2.56;  // distance of the 10th and 90th percentiles of a normal distribution
// Samples of a quiet host scatter by 1 to 10 %, those of a host with other work by 25 % and more.
constexpr double kBusyScatter = 0.12;
constexpr RunNoise kCpuNoise = {{.row = 0.015, .common = 0.015}, 0.02};

const RunNoise& noise_of(Backend backend, NoiseClass kind) {
  return backend == Backend::cpu ? kCpuNoise : kCudaNoise[static_cast<std::size_t>(kind)];
}

// The standard deviation of the samples over their median, from their 10th and 90th percentiles.
double scatter_of(const Timing& timing) { return (timing.p90 - timing.p10) / kTenths / timing.median; }

double sampled_s(const Timing& timing) { return static_cast<double>(timing.samples.size()) * timing.block_s; }

}  // namespace

bool is_at_limit(const Timing& timing) {
  return 2 * timing.throttled_samples > static_cast<std::int64_t>(timing.samples.size());
}

NoiseClass noise_class(const Record& record, const Timing& timing) {
  const bool averaged = timing.block_s > 0 && sampled_s(timing) >= kAveragedSeconds;
  if (is_at_limit(timing) && !averaged) return NoiseClass::capped;
  if (record.backend == Backend::cuda && record.role == Role::peer) return NoiseClass::foreign;
  if (averaged) return NoiseClass::averaged;
  if (timing.median < kSmallProblemUs) return NoiseClass::small;
  return timing.median < kLargeProblemUs ? NoiseClass::medium : NoiseClass::large;
}

Spread default_spread(Backend backend, NoiseClass kind) { return noise_of(backend, kind).spread; }

// A run sees one state of a host that has other work to do. Other runs then differ by nearly as much as samples do.
double host_noise(const Record& record, const Timing& timing) {
  if (record.backend != Backend::cpu || !(timing.median > 0)) return 0;
  const double scatter = scatter_of(timing);
  return scatter > kBusyScatter ? kHostShare * scatter : 0;
}

double between_runs(const Record& record, const Timing& timing) {
  const double stated = noise_of(record.backend, noise_class(record, timing)).between_runs;
  if (record.backend != Backend::cpu || !(timing.median > 0)) return stated;
  return std::max(stated, kHostShare * scatter_of(timing));
}

// On logarithms: an interval of times stays above 0 however wide it is.
Timing with_run_noise(const Record& record, Timing timing) {
  if (!(timing.ci95_low > 0)) return timing;
  const double between = between_runs(record, timing);
  const double factor = widening(timing);
  const double down = factor * std::log(timing.median / timing.ci95_low);
  const double up = factor * std::log(timing.ci95_high / timing.median);
  timing.ci95_low = timing.median * std::exp(-std::hypot(down, between));
  timing.ci95_high = timing.median * std::exp(std::hypot(up, between));
  return timing;
}

}  // namespace flashcore
