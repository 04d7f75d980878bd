#include "measure/rounds.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "check/verdict.hpp"
#include "measure/run_noise.hpp"
#include "measure/statistics.hpp"

namespace flashcore {
namespace {

using Clock = TelemetryClock;

constexpr std::chrono::milliseconds kRecent{200};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double median_of_samples(const Series* series) { return make_timing(series->samples()).median; }

}  // namespace

bool attempt(Record& record, const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const EnvironmentError& error) {
    record.fail(error.status, error.what());
  }
  return false;
}

// A reason alone is not enough: it stays for a while after the load that caused it, and a card near its limit shows it
// at its highest clock.
bool HeldClocks::notice() {
  if (held_ || telemetry_ == nullptr) return false;
  const auto now = Clock::now();
  const auto reading = telemetry_->at(now);
  if (!reading || (reading->throttle_reasons.value_or(0) & kSlowdownReasons) == 0) return false;
  const auto highest = telemetry_->info().max_sm_clock_mhz;
  const TelemetrySummary recent = telemetry_->within({.begin = now - kRecent, .end = now});
  held_ = !highest || !recent.sm_clock_mhz || recent.sm_clock_mhz->median < (1 - kClockDifference) * *highest;
  return held_;
}

// The first turn is slow, because nothing is cached yet.
void Rounds::warm_up(Series& series) {
  if (!attempt(series.record(), [&] { sample_block(executor_, series.variant(), mode_, 1, policy_.pacing); }))
    series.stop();
}

void Rounds::take_turn(Series& series) {
  series.verified = false;
  const bool taken = attempt(series.record(), [&] {
    series.add_turn(sample_block(executor_, series.variant(), mode_, 1, policy_.pacing));
  });
  if (!taken) series.stop();
}

double Rounds::verify_turn(Series& series, bool keep) {
  const TimePoint begin = Clock::now();
  Record& record = series.record();
  double sampled_s = 0;
  attempt(record, [&] {
    const CheckedBlock checked = checked_block(executor_, series.variant(), mode_, *check_, policy_.pacing);
    if (!checked.check.passed) return record.fail_check(sample_reason(mode_, checked.check));
    const bool told = !checked.block.us.empty();
    series.verified = told || !keep;
    sampled_s = checked.block.sampled_s;
    if (keep) series.add_turn(checked.block);
    if (keep && told) return;
    if (keep) series.add_turn(sample_block(executor_, series.variant(), mode_, 1, policy_.pacing));
  });
  if (record.status != Status::ok) series.stop();
  return seconds_since(begin) - sampled_s;
}

bool Rounds::may_be_last(const Series& series) const {
  if (clocks_.held()) return false;  // a block has many turns: verify_last() adds one
  const auto with_this = static_cast<int>(series.size()) + 1;
  return with_this == policy_.min_samples || with_this == policy_.max_samples;
}

// A series whose last turn was not checked takes one more, which is checked but not kept.
void Rounds::verify_last(std::span<Series> all) {
  for (Series& series : all) {
    if (interrupt_requested()) return;
    if (series.record().status != Status::ok) continue;
    if (series.size() > 0 && !series.verified) verify_turn(series, false);
  }
}

bool Rounds::has_converged(const Series& series) const {
  const auto taken = static_cast<int>(series.size());
  if (taken >= policy_.max_samples) return true;
  return taken >= policy_.min_samples &&
         relative_width(make_timing(series.samples())) <= policy_.relative_width;
}

// Candidates that are compared must stop together: one that stopped early would be timed on a cooler, faster GPU. While
// clocks are held, all of them share the power.
void Rounds::drop_converged(std::vector<Series*>& running) const {
  const auto is_short = [&](const Series* series) {
    return static_cast<int>(series->size()) < policy_.min_samples;
  };
  if (std::ranges::all_of(running, is_short)) return;  // sorting thousands of samples takes time
  std::vector<double> open_us;
  for (const Series* series : running) {
    if (!has_converged(*series)) open_us.push_back(median_of_samples(series));
  }
  if (clocks_.held() && !open_us.empty()) return;
  std::erase_if(running, [&](const Series* series) {
    const double us = median_of_samples(series);
    return std::ranges::none_of(open_us, [us](double open) { return are_neighbours(us, open); });
  });
}

void Rounds::take_round(std::span<Series* const> running) {
  const bool has_time = checking_s_ + one_check_s_ <= kCheckShare * seconds_since(begin_);
  for (Series* series : running) {
    if (interrupt_requested()) return;
    const bool is_last = may_be_last(*series);
    const bool has_turn = has_time && series == running.front();
    if (check_ == nullptr || (!is_last && !has_turn)) {
      take_turn(*series);
      continue;
    }
    one_check_s_ = verify_turn(*series, true);
    if (!is_last) checking_s_ += one_check_s_;
  }
}

void Rounds::run(std::span<Series> all, std::uint64_t seed, const RoundLimits& limits,
                 const OnRound& on_round) {
  std::vector<Series*> running;
  int samples = 0;
  for (Series& series : all) {
    samples = std::max(samples, static_cast<int>(series.size()));
    if (series.record().status == Status::ok) warm_up(series);
    if (series.record().status == Status::ok) running.push_back(&series);
  }
  std::mt19937_64 random(seed + static_cast<std::uint64_t>(mode_) + static_cast<std::uint64_t>(samples));
  begin_ = Clock::now();
  TimePoint block = begin_;
  for (int round = 1; !running.empty() && !interrupt_requested(); ++round) {
    if (samples >= kMinSamples && Clock::now() >= limits.deadline) break;
    if (clocks_.held() && limits.held_samples > 0 && samples >= limits.held_samples) break;
    on_round(mode_, round);
    std::shuffle(running.begin(), running.end(), random);
    take_round(running);
    std::erase_if(running, [](const Series* series) { return series->finished(); });
    if (clocks_.notice()) {
      for (Series* series : running) series->restart();
      samples = 0;
      block = Clock::now();
      continue;
    }
    if (clocks_.held() && seconds_since(block) < limits.block_s) continue;
    for (Series* series : running) series->end_block();
    block = Clock::now();
    ++samples;
    drop_converged(running);
  }
  if (samples == 0) {
    for (Series* series : running) series->end_block();  // an interrupt keeps what there is
  }
  if (check_ != nullptr) verify_last(all);
}

}  // namespace flashcore
