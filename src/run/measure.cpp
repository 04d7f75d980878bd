#include "run/measure.hpp"

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "core/error.hpp"
#include "run/run.hpp"
#include "run/statistics.hpp"

namespace flashcore {
namespace {

using SteadyClock = std::chrono::steady_clock;

// The samples of one candidate at one clock.
struct Series {
  Candidate candidate;
  std::vector<double> samples;
  bool finished = false;
};

bool has_converged(const Series& series, const MeasurePolicy& policy) {
  const auto taken = static_cast<int>(series.samples.size());
  if (taken >= policy.max_samples) return true;
  return taken >= policy.min_samples && relative_width(make_timing(series.samples)) <= policy.relative_width;
}

void fail(Series& series, Status status, const std::string& reason) {
  Record& record = *series.candidate.record;
  record.status = status;
  record.reason = reason;
  record.hot_us.reset();
  record.cold_us.reset();
  record.call_us.reset();
  series.samples.clear();
  series.finished = true;
}

// One sample, or the end of the series.
void take_sample(Series& series, Clock clock, bool keep, Executor& executor) {
  try {
    const double us = executor.sample(*series.candidate.variant, clock);
    if (keep) series.samples.push_back(us);
  } catch (const OutOfMemoryError& error) {
    fail(series, Status::out_of_memory, error.what());
  } catch (const EnvironmentError& error) {
    fail(series, Status::error, error.what());
  }
}

void sample_rounds(std::vector<Series>& all, Clock clock, const MeasurePolicy& policy,
                   SteadyClock::time_point deadline, std::mt19937_64& random, Executor& executor,
                   const std::function<void(Clock, int)>& on_round) {
  std::vector<Series*> running;
  for (Series& series : all) {
    take_sample(series, clock, false, executor);
    if (!series.finished) running.push_back(&series);
  }
  for (int round = 1; !running.empty() && !interrupt_requested(); ++round) {
    if (round > kFewestSamples && SteadyClock::now() >= deadline) return;
    on_round(clock, round);
    std::shuffle(running.begin(), running.end(), random);
    for (Series* series : running) {
      if (interrupt_requested()) return;
      take_sample(*series, clock, true, executor);
      series->finished = series->finished || has_converged(*series, policy);
    }
    std::erase_if(running, [](const Series* series) { return series->finished; });
  }
}

}  // namespace

void measure(std::span<Candidate> candidates, const MeasurePolicy& policy, double budget_s,
             std::uint64_t seed, Executor& executor, const std::function<void(Clock, int round)>& on_round) {
  std::mt19937_64 random(seed);
  const auto begin = SteadyClock::now();
  const auto clocks = static_cast<double>(policy.clocks.size());
  for (std::size_t i = 0; i < policy.clocks.size() && !interrupt_requested(); ++i) {
    const Clock clock = policy.clocks[i];
    const std::chrono::duration<double> share(budget_s * static_cast<double>(i + 1) / clocks);
    std::vector<Series> all;
    for (const Candidate& candidate : candidates) {
      if (candidate.record->status == Status::ok) all.push_back({.candidate = candidate});
    }
    sample_rounds(all, clock, policy, begin + std::chrono::duration_cast<SteadyClock::duration>(share),
                  random, executor, on_round);
    for (Series& series : all) {
      if (!series.samples.empty())
        series.candidate.record->timing(clock) = make_timing(std::move(series.samples));
    }
  }
}

}  // namespace flashcore
