#include "measure/measure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "measure/energy.hpp"
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
constexpr double kRestingClock = 0.003;  // so far below the highest is one step of the clock
constexpr double kWarmupStretchSeconds = 0.1;
constexpr double kHeldWarmupSeconds = 2;  // until the power controller has settled
constexpr double kAgainWarmupSeconds = 1;
constexpr double kBudgetShare = 0.9;  // for blocks; turns end a little later than the block should

constexpr double kUnknownMhz = std::numeric_limits<double>::infinity();

bool is_near(double a, double b, double relative) { return std::abs(a - b) <= relative * std::max(a, b); }

bool has_settled(const TelemetrySummary& before, const TelemetrySummary& now) {
  if (!before.sm_clock_mhz || !now.sm_clock_mhz) return false;
  if (!is_near(before.sm_clock_mhz->median, now.sm_clock_mhz->median, kSettledClock)) return false;
  return !before.power_w_mean || !now.power_w_mean ||
         is_near(*before.power_w_mean, *now.power_w_mean, kSettledPower);
}

}  // namespace

bool clock_may_rise(const TelemetrySummary& summary, std::optional<double> highest_mhz) {
  return summary.slowed_down() && summary.sm_clock_mhz && highest_mhz &&
         summary.sm_clock_mhz->median < (1 - kRestingClock) * *highest_mhz;
}

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

int Measurement::ModeSeries::taken() const {
  std::size_t most = 0;
  for (const Series& series : all) most = std::max(most, series.size());
  return static_cast<int>(most);
}

void Measurement::begin() {
  for (const TimingMode mode : policy_.modes) {
    ModeSeries& series = modes_.emplace_back(ModeSeries{.mode = mode, .all = {}});
    for (const Candidate& candidate : candidates_) {
      if (candidate.record->status == Status::ok) series.all.emplace_back(candidate);
    }
  }
  company_ = static_cast<int>(modes_.front().all.size()) - 1;
}

// Burst pacing keeps the card cool, so there is nothing to wait for.
void Measurement::settle() {
  if (telemetry_ == nullptr || !telemetry_->problem().empty() || policy_.pacing == Pacing::burst) return;
  if (visit_ > 1) {
    if (policy_.warmup_s > 0) take_turns_for(kAgainWarmupSeconds);
    return;
  }
  const TimePoint begin = SteadyClock::now();
  TelemetrySummary before;
  while (Seconds(SteadyClock::now() - begin).count() < policy_.warmup_s && !interrupt_requested()) {
    const TelemetrySummary now = take_turns_for(kWarmupStretchSeconds);
    clocks_.notice();
    if (clocks_.held()) break;
    if (has_settled(before, now) && !clock_may_rise(now, telemetry_->info().max_sm_clock_mhz)) break;
    before = now;
  }
  if (clocks_.held() && policy_.warmup_s > 0) take_turns_for(kHeldWarmupSeconds);
}

int Measurement::blocks_until(int visit) const {
  return (policy_.min_samples * visit + visits_ - 1) / visits_;
}

// What is left of the budget is shared by the blocks that are still missing. While the clocks are free, mode k of n may
// sample until k / n of the budget is spent.
RoundLimits Measurement::limits_of(const ModeSeries& mode, double budget_s) const {
  const auto missing = [&](const ModeSeries& of, int wanted) { return std::max(0, wanted - of.taken()); };
  int all_blocks = 0;
  for (const ModeSeries& one : modes_) all_blocks += missing(one, policy_.min_samples);
  const int blocks = std::max(1, missing(mode, blocks_until(visit_)));
  all_blocks = std::max(all_blocks, blocks);
  const double left_s = std::max(0.0, budget_s - sampling_s_);
  double until_s = left_s * blocks / all_blocks;
  if (!clocks_.held()) {
    const auto place = static_cast<double>(&mode - modes_.data() + 1);
    until_s = std::max(0.0, budget_s * place / static_cast<double>(modes_.size()) - sampling_s_);
  }
  return {.deadline = SteadyClock::now() + to_duration(until_s),
          .block_s = std::min(policy_.block_s, kBudgetShare * left_s / all_blocks),
          .held_samples = visit_ < visits_ ? std::max(kMinSamples, blocks_until(visit_)) : 0};
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

void Measurement::finish(Series& series, const ModeSeries& mode) {
  Record& record = series.record();
  if (series.size() == 0 || record.status != Status::ok) return;
  if (series.voided() > 0) warn_of_void_samples(series, mode.mode);
  Timing timing = make_timing(series.samples());
  timing.block_s = mode.held ? series.block_s() : 0;
  timing.sampled_s = series.sampled_s();
  if (series.request_share() > 0) timing.request_share = series.request_share();
  if (telemetry_ != nullptr && telemetry_->problem().empty()) {
    add_clocks(series, timing);
    summarise_telemetry(record);
  }
  record.timings[mode.mode] = with_run_noise(record, std::move(timing));
}

// A later visit may have more of them.
void Measurement::warn_of_void_samples(Series& series, TimingMode mode) {
  std::vector<std::string>& warnings = series.record().warnings;
  if (!series.warning) {
    series.warning = warnings.size();
    warnings.emplace_back();
  }
  warnings[*series.warning] =
      fmt::format("{}: {} void, because something was compiled meanwhile", to_string(mode),
                  series.voided() == 1 ? "1 sample is" : fmt::format("{} samples are", series.voided()));
}

// Summarises telemetry over all samples of the record so far, in all timing modes.
void Measurement::summarise_telemetry(Record& record) {
  std::vector<TimeSpan> spans;
  for (const ModeSeries& mode : modes_) {
    for (const Series& series : mode.all) {
      if (&series.record() == &record)
        spans.insert(spans.end(), series.spans().begin(), series.spans().end());
    }
  }
  record.telemetry = telemetry_->summary(spans);
  record.telemetry->company = company_;
}

// Interleaved samples are too short for the card's energy counter, so each candidate runs alone for a while.
void Measurement::take_energy(Candidate& candidate) {
  if (candidate.record->status != Status::ok || interrupt_requested()) return;
  attempt(*candidate.record, [&] {
    const auto joules = take_energy_window(executor_, *candidate.variant, *telemetry_, policy_.energy_s,
                                           kEnergyLeadShare * policy_.energy_s);
    if (joules) add_energy_window(*candidate.record, *joules);
  });
}

bool Measurement::wants_visit() const {
  return visit_ < visits_ && sampling_s_ < budget_s_ && !interrupt_requested() &&
         std::ranges::any_of(modes_, [](const ModeSeries& mode) { return mode.held; }) &&
         std::ranges::any_of(
             candidates_, [](const Candidate& candidate) { return candidate.record->status == Status::ok; });
}

void Measurement::run(double budget_s, const OnRound& on_round) {
  if (policy_.modes.empty()) return;
  if (++visit_ == 1) begin();
  budget_s_ = budget_s;
  settle();
  for (ModeSeries& mode : modes_) {
    if (interrupt_requested()) break;
    if (visit_ > 1 && !mode.held) continue;
    const TimePoint sampling = SteadyClock::now();
    Rounds(mode.mode, policy_, check_, executor_, clocks_)
        .run(mode.all, seed_, limits_of(mode, budget_s), on_round);
    sampling_s_ += Seconds(SteadyClock::now() - sampling).count();
    mode.held = clocks_.held();
    for (Series& series : mode.all) finish(series, mode);
  }
  if (wants_visit() || policy_.energy_s <= 0 || telemetry_ == nullptr || !telemetry_->problem().empty())
    return;
  for (Candidate& candidate : candidates_) take_energy(candidate);
}

}  // namespace flashcore
