#include "measure/measure.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "check/verdict.hpp"
#include "measure/sample_block.hpp"
#include "measure/statistics.hpp"

namespace flashcore {
namespace {

using SteadyClock = TelemetryClock;
using Seconds = std::chrono::duration<double>;

SteadyClock::duration to_duration(double seconds) {
  return std::chrono::duration_cast<SteadyClock::duration>(Seconds(seconds));
}

// Runs `work`. An EnvironmentError becomes the record's status. Returns false if there was one.
template <class Work>
bool attempt(Record& record, Work work) {
  try {
    work();
    return true;
  } catch (const EnvironmentError& error) {
    record.fail(error.status, error.what());
  }
  return false;
}

// Clock and power have settled if two consecutive warm-up stretches differ by at most these fractions.
constexpr double kSettledClock = 0.01;
constexpr double kSettledPower = 0.03;
constexpr double kWarmupStretchSeconds = 0.1;

bool is_near(double a, double b, double relative) { return std::abs(a - b) <= relative * std::max(a, b); }

bool has_settled(const TelemetrySummary& before, const TelemetrySummary& now) {
  if (!before.sm_clock_mhz || !now.sm_clock_mhz) return false;
  if (!is_near(before.sm_clock_mhz->median, now.sm_clock_mhz->median, kSettledClock)) return false;
  return !before.power_w_mean || !now.power_w_mean ||
         is_near(*before.power_w_mean, *now.power_w_mean, kSettledPower);
}

}  // namespace

// The samples of one candidate in one timing mode, and the time span of each.
struct Measurement::Series {
  Candidate candidate;
  std::vector<double> samples;
  std::vector<TimeSpan> spans;
  double request_share = 0;  // like Timing::request_share; 0: unknown
  bool verified = false;     // the last sample was checked
  bool finished = false;

  void stop() {
    samples.clear();
    finished = true;
  }
};

bool Measurement::has_converged(const Series& series) const {
  const auto taken = static_cast<int>(series.samples.size());
  if (taken >= policy_.max_samples) return true;
  return taken >= policy_.min_samples &&
         relative_width(make_timing(series.samples)) <= policy_.relative_width;
}

// Candidates that are compared must stop together: one that stopped early would be timed on a cooler, faster
// GPU.
void Measurement::drop_converged(std::vector<Series*>& running) const {
  const auto median_of = [](const Series* series) { return make_timing(series->samples).median; };
  std::erase_if(running, [](const Series* series) { return series->finished; });
  std::vector<double> open_us;
  for (const Series* series : running) {
    if (!has_converged(*series)) open_us.push_back(median_of(series));
  }
  std::erase_if(running, [&](const Series* series) {
    const double us = median_of(series);
    return std::ranges::none_of(open_us, [us](double open) { return are_neighbours(us, open); });
  });
}

void Measurement::add(Series& series, const SampleBlock& block) {
  series.samples.insert(series.samples.end(), block.us.begin(), block.us.end());
  series.spans.insert(series.spans.end(), block.spans.begin(), block.spans.end());
  if (block.request_s > 0)
    series.request_share = std::max(series.request_share, block.sampled_s / block.request_s);
}

void Measurement::take_sample(Series& series, TimingMode mode) {
  series.verified = false;
  const bool taken = attempt(*series.candidate.record, [&] {
    add(series, sample_block(executor_, *series.candidate.variant, mode, 1, policy_.pacing));
  });
  if (!taken) series.stop();
}

double Measurement::verify_sample(Series& series, TimingMode mode, bool keep) {
  const TimePoint begin = SteadyClock::now();
  Record& record = *series.candidate.record;
  double sampled_s = 0;
  attempt(record, [&] {
    const CheckedBlock checked =
        checked_block(executor_, *series.candidate.variant, mode, *check_, policy_.pacing);
    if (!checked.check.passed) return record.fail_check(sample_reason(mode, checked.check));
    const bool told = !checked.block.us.empty();
    series.verified = told || !keep;
    sampled_s = checked.block.sampled_s;
    if (keep && told) return add(series, checked.block);
    if (keep) add(series, sample_block(executor_, *series.candidate.variant, mode, 1, policy_.pacing));
  });
  if (record.status != Status::ok) series.stop();
  return Seconds(SteadyClock::now() - begin).count() - sampled_s;
}

bool Measurement::may_be_last(const Series& series) const {
  const auto with_this = static_cast<int>(series.samples.size()) + 1;
  return with_this == policy_.min_samples || with_this == policy_.max_samples;
}

// A series whose last sample was not checked takes one more sample, which is checked but not kept.
void Measurement::verify_last(std::span<Series> all, TimingMode mode) {
  for (Series& series : all) {
    if (interrupt_requested()) return;
    if (!series.samples.empty() && !series.verified) verify_sample(series, mode, false);
  }
}

// The first sample is slow, because nothing is cached yet.
void Measurement::warm_up(Series& series, TimingMode mode) {
  const bool taken = attempt(*series.candidate.record, [&] {
    sample_block(executor_, *series.candidate.variant, mode, 1, policy_.pacing);
  });
  if (!taken) series.stop();
}

// Burst pacing keeps the card cool, so there is nothing to wait for.
void Measurement::warm_up() {
  if (telemetry_ == nullptr || !telemetry_->problem().empty() || policy_.pacing == Pacing::burst) return;
  const TimePoint deadline = SteadyClock::now() + to_duration(policy_.warmup_s);
  TelemetrySummary before;
  while (SteadyClock::now() < deadline) {
    const TimePoint stretch_end = SteadyClock::now() + to_duration(kWarmupStretchSeconds);
    telemetry_->begin();
    do {
      for (Candidate& candidate : candidates_) {
        if (candidate.record->status != Status::ok) continue;
        attempt(*candidate.record,
                [&] { sample_block(executor_, *candidate.variant, policy_.modes.front(), 1); });
        if (interrupt_requested()) return;
      }
    } while (SteadyClock::now() < stretch_end);
    const TelemetrySummary now = telemetry_->end();
    if (has_settled(before, now)) return;
    before = now;
  }
}

void Measurement::sample_rounds(std::span<Series> all, TimingMode mode, TimePoint deadline,
                                const OnRound& on_round) {
  std::mt19937_64 random(seed_ + static_cast<std::uint64_t>(mode));
  std::vector<Series*> running;
  for (Series& series : all) {
    warm_up(series, mode);
    if (!series.finished) running.push_back(&series);
  }
  const TimePoint begin = SteadyClock::now();
  double checking_s = 0;  // for samples that cannot be the last
  double one_check_s = 0;
  for (int round = 1; !running.empty() && !interrupt_requested(); ++round) {
    if (round > kMinSamples && SteadyClock::now() >= deadline) break;
    on_round(mode, round);
    std::shuffle(running.begin(), running.end(), random);
    const bool has_time =
        checking_s + one_check_s <= kCheckShare * Seconds(SteadyClock::now() - begin).count();
    for (Series* series : running) {
      if (interrupt_requested()) return;
      const bool is_last = may_be_last(*series);
      const bool has_turn = has_time && series == running.front();
      if (check_ == nullptr || (!is_last && !has_turn)) {
        take_sample(*series, mode);
        continue;
      }
      one_check_s = verify_sample(*series, mode, true);
      if (!is_last) checking_s += one_check_s;
    }
    drop_converged(running);
  }
  if (check_ != nullptr) verify_last(all, mode);
}

void Measurement::finish(Series& series, TimingMode mode) {
  if (series.samples.empty()) return;
  Timing timing = make_timing(std::move(series.samples));
  if (series.request_share > 0) timing.request_share = series.request_share;
  for (const TimeSpan& span : series.spans) timing.sampled_s += Seconds(span.end - span.begin).count();
  if (telemetry_ != nullptr) {
    std::vector<double> cycles;
    for (std::size_t i = 0; i < series.spans.size(); ++i) {
      const TimeSpan& span = series.spans[i];
      const auto reading = telemetry_->at(span.begin + (span.end - span.begin) / 2);
      if (!reading || !reading->sm_clock_mhz) break;
      timing.sm_clock_mhz.push_back(*reading->sm_clock_mhz);
      timing.throttled_samples += (reading->throttle_reasons.value_or(0) & kSlowdownReasons) != 0 ? 1 : 0;
      cycles.push_back(timing.samples[i] * *reading->sm_clock_mhz);
    }
    if (timing.sm_clock_mhz.size() != timing.samples.size()) timing.sm_clock_mhz.clear();
    if (!timing.sm_clock_mhz.empty()) timing.cycles = make_timing(std::move(cycles)).median;
    summarise_telemetry(*series.candidate.record, series.spans);
  }
  series.candidate.record->timings[mode] = std::move(timing);
}

// Summarises telemetry over all samples of the record so far, in all timing modes.
void Measurement::summarise_telemetry(Record& record, std::span<const TimeSpan> spans) {
  if (!telemetry_->problem().empty()) return;
  std::vector<TimeSpan>& all = sampled_[&record];
  all.insert(all.end(), spans.begin(), spans.end());
  record.telemetry = telemetry_->summary(all);
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
  warm_up();
  const TimePoint begin = SteadyClock::now();
  for (std::size_t i = 0; i < policy_.modes.size() && !interrupt_requested(); ++i) {
    std::vector<Series> all;
    for (const Candidate& candidate : candidates_) {
      if (candidate.record->status == Status::ok) all.push_back({.candidate = candidate});
    }
    const double share = static_cast<double>(i + 1) / static_cast<double>(policy_.modes.size());
    const TimePoint sampling = SteadyClock::now();
    sample_rounds(all, policy_.modes[i], begin + to_duration(budget_s * share), on_round);
    sampling_s_ += Seconds(SteadyClock::now() - sampling).count();
    for (Series& series : all) finish(series, policy_.modes[i]);
  }
  if (policy_.energy_s > 0 && telemetry_ != nullptr && telemetry_->problem().empty()) {
    for (Candidate& candidate : candidates_) measure_energy(candidate);
  }
}

}  // namespace flashcore
