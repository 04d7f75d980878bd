// Entries of a tuned table, from the contenders of a search.
#include <algorithm>
#include <cmath>

#include "tune/tuned_table.hpp"

namespace flashcore {
namespace {

// A few scattered samples may have an interval without an end. The reader takes no more than kMaxTimeUs.
double finite(double bound_us) { return std::clamp(bound_us, -kMaxTimeUs, kMaxTimeUs); }

TunedVariant make_tuned(const Record& record, TimingMode mode) {
  const Timing& timing = *record.timings[mode];
  return {.variant = record.variant_id(),
          .code_hash = record.code_hash,
          .median_us = timing.median,
          .ci95_low_us = finite(timing.ci95_low),
          .ci95_high_us = finite(timing.ci95_high),
          .samples = static_cast<std::int64_t>(timing.samples.size()),
          .energy = energy_estimate(record)};
}

std::vector<TunedTime> relative_times(std::span<const Contender> contenders, const Record& winner,
                                      const TunedWhere& where) {
  std::vector<TunedTime> times;
  for (const Contender& contender : contenders) {
    const std::optional<double> ratio = ratio_to(winner, contender, where.mode, where.objective);
    if (!ratio || (*ratio > kMostKeptRatio && !contender.is_default)) continue;
    const auto& resources = contender.record.resources;
    times.push_back({.variant = contender.record.variant_id(),
                     .code_hash = contender.record.code_hash,
                     .ratio = std::round(*ratio * 1e4) / 1e4,
                     .blocks_per_sm = resources ? resources->blocks_per_sm : 0});
  }
  std::ranges::sort(times, {}, &TunedTime::variant);  // sweeps and their journals have other orders
  return times;
}

}  // namespace

TunedEntry make_entry(std::span<const Contender> contenders, std::span<const std::size_t> best,
                      const TunedWhere& where) {
  const Record& winner = contenders[best.front()].record;
  TunedEntry entry{.problem = winner.problem,
                   .fingerprint = where.fingerprint,
                   .tuned_at = where.tuned_at,
                   .mode = where.mode,
                   .winner = make_tuned(winner, where.mode),
                   .times = relative_times(contenders, winner, where),
                   .num_sms = where.num_sms};
  if (winner.telemetry && winner.telemetry->sm_clock_mhz) {
    entry.sm_clock_mhz = winner.telemetry->sm_clock_mhz->median;
  }
  for (const std::size_t tie : best.subspan(1)) {
    entry.ties.push_back(make_tuned(contenders[tie].record, where.mode));
  }
  for (const std::size_t i : pareto_finalists(contenders, where.mode, where.objective)) {
    entry.pareto.push_back(make_tuned(contenders[i].record, where.mode));
  }
  const auto found = std::ranges::find_if(contenders, &Contender::is_default);
  if (found != contenders.end()) entry.default_variant = found->record.variant_id();
  return entry;
}

}  // namespace flashcore
