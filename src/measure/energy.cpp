#include "measure/energy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "measure/rounds.hpp"
#include "measure/sample_block.hpp"

namespace flashcore {
namespace {

using Clock = TelemetryClock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// The 97.5 % quantiles of Student's t distribution with 1, 2, … degrees of freedom. More degrees have smaller ones.
constexpr double kStudent[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                               2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086};

double student(std::size_t degrees) { return kStudent[std::min(degrees, std::size(kStudent)) - 1]; }

struct Launches {
  std::int64_t count = 0;
  bool compiled = false;
};

Launches run_for(double seconds, Executor& executor, const Variant& variant) {
  const auto begin = Clock::now();
  Launches launches;
  do {
    const SampleBlock block = sample_block(executor, variant, TimingMode::hot, 1);
    launches.count += block.launches;
    launches.compiled = launches.compiled || block.voided > 0;
  } while (seconds_since(begin) < seconds);
  return launches;
}

// Takes windows until one counts.
void take_turn(Candidate& candidate, double window_s, double lead_s, Executor& executor,
               TelemetrySampler& telemetry) {
  for (int taken = 0; taken < kMaxVoidWindows && !interrupt_requested(); ++taken) {
    std::optional<double> joules;
    const bool ran = attempt(*candidate.record, [&] {
      joules = take_energy_window(executor, *candidate.variant, telemetry, window_s, lead_s);
    });
    if (!ran) return;
    if (joules) return add_energy_window(*candidate.record, *joules);
  }
  if (interrupt_requested()) return;
  throw EnvironmentError(
      fmt::format("{}: the energy counter of {} gave no energy in {} windows of {} s in a row",
                  candidate.variant->id(), executor.device().name, kMaxVoidWindows, window_s));
}

}  // namespace

std::optional<EnergyEstimate> energy_estimate(std::span<const double> windows_j) {
  if (windows_j.empty()) return std::nullopt;
  const auto n = static_cast<double>(windows_j.size());
  const double mean = std::accumulate(windows_j.begin(), windows_j.end(), 0.0) / n;
  if (windows_j.size() == 1) return EnergyEstimate{mean, mean, mean};
  double squares = 0;
  for (const double joules : windows_j) squares += (joules - mean) * (joules - mean);
  const double reach = student(windows_j.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return EnergyEstimate{.mean_j = mean, .low_j = mean - reach, .high_j = mean + reach};
}

std::optional<EnergyEstimate> energy_estimate(const Record& record) {
  if (!record.energy_windows_j.empty()) return energy_estimate(record.energy_windows_j);
  if (!record.energy_per_call_j) return std::nullopt;
  return energy_estimate({&*record.energy_per_call_j, 1});
}

bool is_energy_precise(const Record& record) {
  if (record.energy_windows_j.size() < static_cast<std::size_t>(kMinEnergyWindows)) return false;
  return energy_estimate(record)->half_width() <= kEnergyPrecision;
}

bool are_tied(const EnergyEstimate& a, const EnergyEstimate& b) {
  const EnergyEstimate& less = a.mean_j <= b.mean_j ? a : b;
  const EnergyEstimate& more = a.mean_j <= b.mean_j ? b : a;
  return more.low_j <= less.high_j || more.mean_j <= (1 + kEnergyPrecision) * less.mean_j;
}

std::optional<double> take_energy_window(Executor& executor, const Variant& variant,
                                         TelemetrySampler& telemetry, double window_s, double lead_s) {
  run_for(lead_s, executor, variant);
  const auto begin = Clock::now();
  const Launches launches = run_for(window_s, executor, variant);
  const TimeSpan span{.begin = begin, .end = Clock::now()};
  run_for(lead_s, executor, variant);
  const TelemetrySummary summary = telemetry.summary({&span, 1});
  if (launches.compiled || !summary.energy_j || *summary.energy_j <= 0) return std::nullopt;
  return *summary.energy_j / static_cast<double>(launches.count);
}

double EnergyPolicy::fitting_window_s(std::size_t candidates) const {
  const double turn_s =
      budget_s / (kMinEnergyWindows * static_cast<double>(std::max<std::size_t>(candidates, 1)));
  return std::clamp(turn_s - 2 * lead_s(), kShortestWindow * window_s, window_s);
}

std::size_t EnergyPolicy::affordable() const {
  const double shortest_s = kMinEnergyWindows * (kShortestWindow * window_s + 2 * lead_s());
  return static_cast<std::size_t>(std::clamp(budget_s / shortest_s, 2.0, 1e6));
}

void add_energy_window(Record& record, double joules_per_call) {
  record.energy_windows_j.push_back(joules_per_call);
  record.energy_per_call_j = energy_estimate(record.energy_windows_j)->mean_j;
}

double measure_energy(std::span<Candidate> candidates, const EnergyPolicy& policy, std::uint64_t seed,
                      Executor& executor, TelemetrySampler& telemetry,
                      const std::function<void(int round)>& on_round) {
  const auto begin = Clock::now();
  std::mt19937_64 random(seed);
  std::vector<Candidate*> running;
  for (Candidate& candidate : candidates) running.push_back(&candidate);
  const auto is_out = [](const Candidate* one) { return one->record->status != Status::ok; };
  std::erase_if(running, is_out);
  const double window_s = policy.fitting_window_s(running.size());
  for (int round = 1; !running.empty() && !interrupt_requested(); ++round) {
    const auto round_begin = Clock::now();
    on_round(round);
    std::ranges::shuffle(running, random);
    for (Candidate* candidate : running) {
      if (!interrupt_requested()) take_turn(*candidate, window_s, policy.lead_s(), executor, telemetry);
    }
    std::erase_if(running, is_out);
    if (round < kMinEnergyWindows) continue;
    if (std::ranges::all_of(running, [](const Candidate* one) { return is_energy_precise(*one->record); }))
      break;
    if (seconds_since(begin) + seconds_since(round_begin) > policy.budget_s) break;
  }
  return seconds_since(begin);
}

}  // namespace flashcore
