#include "conclude/caveats.hpp"

#include <algorithm>

#include "conclude/shortfall.hpp"
#include "record/ranking.hpp"

namespace flashcore {
namespace {

// If the clocks of one record's samples differ by more than this fraction, the record counts.
constexpr double kWanderingClock = 0.05;

// A run of this program may keep all cores busy by itself.
constexpr double kBusyShare = 1.5;

bool clocks_wandered(const Timing& timing) {
  if (timing.sm_clock_mhz.empty()) return false;
  const auto [low, high] = std::ranges::minmax(timing.sm_clock_mhz);
  return high > (1 + kWanderingClock) * low;
}

}  // namespace

void Caveats::add(const Record& record, const MeasurePolicy& policy) {
  if (!is_timed(record)) return;
  const Timing& timing = *record.headline();
  const Shortfall missed = shortfall(record, policy);
  ++timed;
  few_samples += missed.few_samples ? 1 : 0;
  wide += missed.wide ? 1 : 0;
  at_limit += missed.at_limit ? 1 : 0;
  clocks_wandered += flashcore::clocks_wandered(timing) ? 1 : 0;
  if (timing.throttled_samples == 0) return;
  ++throttled;
  if (record.telemetry) throttle_reasons |= record.telemetry->throttle_reasons & kSlowdownReasons;
}

bool is_busy(double load, double cores) { return load > kBusyShare * cores; }

}  // namespace flashcore
