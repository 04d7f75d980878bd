#include "measure/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "measure/run_noise.hpp"
#include "measure/sample_block.hpp"
#include "measure/statistics.hpp"

namespace flashcore {
namespace {

using SteadyClock = TelemetryClock;
using Seconds = std::chrono::duration<double>;

SteadyClock::duration to_duration(double seconds) {
  return std::chrono::duration_cast<SteadyClock::duration>(Seconds(seconds));
}

// Clock and power have settled if two consecutive warm-up stretches differ by at most these fractions.
constexpr double kSettledClock = 0.01;
constexpr double kSettledPower = 0.03;
constexpr double kWarmupStretchSeconds = 0.1;
constexpr double kHeldWarmupSeconds = 2;  // until the power controller has settled

constexpr double kUnknownMhz = std::numeric_limits<double>::infinity();

bool is_near(double a, double b, double relative) { return std::abs(a - b) <= relative * std::max(a, b); }

bool has_settled(const TelemetrySummary& before, const TelemetrySummary& now) {
  if (!before.sm_clock_mhz || !now.sm_clock_mhz) return false;
  if (!is_near(before.sm_clock_mhz->median, now.sm_clock_mhz->median, kSettledClock)) return false;
  return !before.power_w_mean || !now.power_w_mean ||
         is_near(*before.power_w_mean, *now.power_w_mean, kSettledPower);
}

}  // namespace

TelemetrySummary Measurement::take_turns_for(double seconds) {
  const TimePoint end = SteadyClock::now() + to_duration(seconds);
  telemetry_->begin();
  do {
    for (Candidate& candidate : candidates_) {
      if (interrupt_requested()) break;
      if (candidate.record->status != Status::ok) continue;
      attempt(*candidate.record,
              [&] { sample_block(executor_, *candidate.variant, policy_.modes.front(), 1); });
    }
  } while (SteadyClock::now() < end && !interrupt_requested());
  return telemetry_->end();
}

// Burst pacing keeps the card cool, so there is nothing to wait for.
void Measurement::settle() {
  if (telemetry_ == nullptr || !telemetry_->problem().empty() || policy_.pacing == Pacing::burst) return;
  const TimePoint begin = SteadyClock::now();
  TelemetrySummary before;
  while (Seconds(SteadyClock::now() - begin).count() < policy_.warmup_s && !interrupt_requested()) {
    const TelemetrySummary now = take_turns_for(kWarmupStretchSeconds);
    clocks_.notice();
    if (has_settled(before, now)) break;
    before = now;
  }
  if (clocks_.held() && policy_.warmup_s > 0) take_turns_for(kHeldWarmupSeconds);
}

// A sample counts as throttled if a reading within it shows a reason and the clock was low.
void Measurement::add_clocks(const Series& series, Timing& timing) {
  const double low_mhz = (1 - kClockDifference) * telemetry_->info().max_sm_clock_mhz.value_or(kUnknownMhz);
  std::vector<double> cycles;
  for (const TimeSpan& span : series.spans()) {
    const TelemetrySummary summary = telemetry_->within(span);
    if (!summary.sm_clock_mhz) return;
    cycles.push_back(timing.samples[cycles.size()] * summary.sm_clock_mhz->median);
    timing.sm_clock_mhz.push_back(summary.sm_clock_mhz->median);
    timing.throttled_samples += summary.slowed_down() && summary.sm_clock_mhz->median < low_mhz ? 1 : 0;
  }
  if (!cycles.empty()) timing.cycles = make_timing(std::move(cycles)).median;
}

void Measurement::finish(const Series& series, TimingMode mode) {
  if (series.size() == 0) return;
  Record& record = series.record();
  if (series.voided() > 0) {
    record.warnings.push_back(
        fmt::format("{}: {} void, because something was compiled meanwhile", to_string(mode),
                    series.voided() == 1 ? "1 sample is" : fmt::format("{} samples are", series.voided())));
  }
  Timing timing = make_timing(series.samples());
  timing.block_s = clocks_.held() ? series.block_s() : 0;
  timing.sampled_s = series.sampled_s();
  if (series.request_share() > 0) timing.request_share = series.request_share();
  if (telemetry_ != nullptr && telemetry_->problem().empty()) {
    add_clocks(series, timing);
    summarise_telemetry(record, series.spans());
  }
  record.timings[mode] = with_run_noise(record, std::move(timing));
}

// Summarises telemetry over all samples of the record so far, in all timing modes.
void Measurement::summarise_telemetry(Record& record, std::span<const TimeSpan> spans) {
  std::vector<TimeSpan>& all = sampled_[&record];
  all.insert(all.end(), spans.begin(), spans.end());
  record.telemetry = telemetry_->summary(all);
  record.telemetry->company = company_;
}

// Interleaved samples are too short for the card's energy counter, so each candidate runs alone for a while.
void Measurement::measure_energy(Candidate& candidate) {
  if (candidate.record->status != Status::ok || interrupt_requested()) return;
  attempt(*candidate.record, [&] {
    const TimePoint deadline = SteadyClock::now() + to_duration(policy_.energy_s);
    std::int64_t launches = 0;
    telemetry_->begin();
    do {
      launches += sample_block(executor_, *candidate.variant, TimingMode::hot, 1).launches;
    } while (SteadyClock::now() < deadline);
    const TelemetrySummary summary = telemetry_->end();
    if (summary.energy_j)
      candidate.record->energy_per_call_j = *summary.energy_j / static_cast<double>(launches);
  });
}

void Measurement::run(double budget_s, const OnRound& on_round) {
  if (policy_.modes.empty()) return;
  if (telemetry_ != nullptr) telemetry_->discard_before(SteadyClock::now());
  company_ =
      static_cast<int>(std::ranges::count_if(
          candidates_, [](const Candidate& candidate) { return candidate.record->status == Status::ok; })) -
      1;
  settle();
  const TimePoint begin = SteadyClock::now();
  for (std::size_t i = 0; i < policy_.modes.size() && !interrupt_requested(); ++i) {
    std::vector<Series> all;
    for (const Candidate& candidate : candidates_) {
      if (candidate.record->status == Status::ok) all.emplace_back(candidate);
    }
    const double share = static_cast<double>(i + 1) / static_cast<double>(policy_.modes.size());
    const TimePoint sampling = SteadyClock::now();
    Rounds(policy_.modes[i], policy_, check_, executor_, clocks_)
        .run(all, seed_, begin + to_duration(budget_s * share), on_round);
    sampling_s_ += Seconds(SteadyClock::now() - sampling).count();
    for (const Series& series : all) finish(series, policy_.modes[i]);
  }
  if (policy_.energy_s > 0 && telemetry_ != nullptr && telemetry_->problem().empty()) {
    for (Candidate& candidate : candidates_) measure_energy(candidate);
  }
}

}  // namespace flashcore
