// Interleaved measuring: all variants of a problem take turns, so that drift of clocks and temperature
// affects all of them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "measure/policy.hpp"
#include "measure/rounds.hpp"
#include "measure/series.hpp"
#include "record/record.hpp"

namespace flashcore {

// Fills in the timings, telemetry and energy of the candidates' records.
//
// All candidates first take turns untimed until clock and power settle (at most warmup_s). Then each timing
// mode of the policy takes samples in rounds. Each round has a new random order, drawn from `seed`. A
// candidate has converged when the 95 % interval of its median is narrow enough or it has max_samples. It
// leaves the rounds when all candidates with a median near its own have converged. The modes share budget_s,
// which does not include settling. When it is spent, rounds end as soon as every candidate has kMinSamples.
// The first turn of each candidate and mode warms up and is not kept. Burst pacing rests after each turn
// for kBurstRest times its duration.
//
// A sample is one turn. While power or temperature holds the clocks down, a sample is a block of turns that
// lasts block_s: clocks then change within tenths of seconds, so that turns that follow each other agree with
// each other and not with the next run. The block is shorter if the budget does not last for min_samples.
// All candidates then leave together, because each has the clock that the company of the others leaves to it.
//
// A candidate becomes an `incorrect` record without timings if a sample does not pass its check. It becomes a
// record with the error's status and without timings if a launch fails. An interrupt ends the rounds and
// keeps the samples. Clocks are absent without telemetry (null, or without NVML).
class Measurement {
 public:
  using OnRound = Rounds::OnRound;

  // With `check`, some samples are checked (Executor::verify_sample): the last sample of each candidate and
  // mode, and others while their checks take at most kCheckShare of the time. `check` and `telemetry` may be
  // null.
  Measurement(std::span<Candidate> candidates, const MeasurePolicy& policy, const CheckPolicy* check,
              std::uint64_t seed, Executor& executor, TelemetrySampler* telemetry)
      : candidates_(candidates),
        policy_(policy),
        check_(check),
        seed_(seed),
        executor_(executor),
        telemetry_(telemetry),
        clocks_(telemetry, policy.pacing) {}

  void run(double budget_s, const OnRound& on_round);

  // Seconds that run() spent on samples. Includes the samples that warm up, but not settling.
  double sampling_s() const { return sampling_s_; }

 private:
  using TimePoint = TelemetryClock::time_point;

  void settle();
  TelemetrySummary take_turns_for(double seconds);  // of all candidates, untimed
  void finish(const Series& series, TimingMode mode);
  void add_clocks(const Series& series, Timing& timing);
  void summarise_telemetry(Record& record, std::span<const TimeSpan> spans);
  void measure_energy(Candidate& candidate);

  std::span<Candidate> candidates_;
  const MeasurePolicy& policy_;
  const CheckPolicy* check_;
  std::uint64_t seed_;
  Executor& executor_;
  TelemetrySampler* telemetry_;
  double sampling_s_ = 0;
  HeldClocks clocks_;
  int company_ = 0;                                         // like TelemetrySummary::company
  std::map<const Record*, std::vector<TimeSpan>> sampled_;  // when each record's samples were taken
};

}  // namespace flashcore
