// Interleaved measuring: all variants of a problem take turns, so that drift of clocks and temperature
// affects all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "measure/policy.hpp"
#include "measure/rounds.hpp"
#include "measure/series.hpp"
#include "record/record.hpp"

namespace flashcore {

// Whether a reason that slows the device down still holds its clock a little below the highest. After a problem at the power
// limit, the clock of a light one rises for some tenths of a second.
bool clock_may_rise(const TelemetrySummary& summary, std::optional<double> highest_mhz);

// Fills in the timings, telemetry and energy of the candidates' records.
//
// All candidates first take turns untimed until clock and power settle (at most warmup_s), and longer if the power limit
// holds the clocks down. Then each timing
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
// All candidates then leave together, because each has the clock that the company of the others leaves to it. With
// several visits, each takes its part of min_samples, so that other problems come between the blocks.
//
// A candidate becomes an `incorrect` record without timings if a sample does not pass its check. It becomes a
// record with the error's status and without timings if a launch fails. An interrupt ends the rounds and
// keeps the samples. Clocks are absent without telemetry (null, or without NVML).
class Measurement {
 public:
  using OnRound = Rounds::OnRound;

  // With `check`, some samples are checked (Executor::verify_sample): the last sample of each candidate and
  // mode, and others while their checks take at most kCheckShare of the time. `check` and `telemetry` may be
  // null. The readings of `telemetry` since the first visit must be kept.
  Measurement(std::span<Candidate> candidates, const MeasurePolicy& policy, const CheckPolicy* check,
              std::uint64_t seed, Executor& executor, TelemetrySampler* telemetry, int visits = 1)
      : candidates_(candidates),
        policy_(policy),
        check_(check),
        seed_(seed),
        executor_(executor),
        telemetry_(telemetry),
        visits_(visits),
        clocks_(telemetry, policy.pacing) {}

  // One visit. `budget_s` is for all visits. The executor must have the problem prepared.
  void run(double budget_s, const OnRound& on_round);

  // Only a problem whose clocks are held is visited again, if the budget lasts.
  bool wants_visit() const;
  void end_visits() { visits_ = visit_; }

  // Seconds that run() spent on samples. Includes the samples that warm up, but not settling.
  double sampling_s() const { return sampling_s_; }

 private:
  using TimePoint = TelemetryClock::time_point;

  // The samples of all candidates in one timing mode.
  struct ModeSeries {
    TimingMode mode;
    std::vector<Series> all;
    bool held = false;  // the last visit ended with held clocks
    int taken() const;
  };

  void begin();
  void settle();
  TelemetrySummary take_turns_for(double seconds);  // of all candidates, untimed
  int blocks_until(int visit) const;                // of a mode, with those of the visits before
  RoundLimits limits_of(const ModeSeries& mode, double budget_s) const;
  void finish(Series& series, const ModeSeries& mode);
  void warn_of_void_samples(Series& series, TimingMode mode);
  void add_clocks(const Series& series, Timing& timing);
  void summarise_telemetry(Record& record);
  void take_energy(Candidate& candidate);

  std::span<Candidate> candidates_;
  const MeasurePolicy& policy_;
  const CheckPolicy* check_;
  std::uint64_t seed_;
  Executor& executor_;
  TelemetrySampler* telemetry_;
  int visits_;
  int visit_ = 0;  // from 1 on
  double budget_s_ = 0;
  double sampling_s_ = 0;
  HeldClocks clocks_;
  int company_ = 0;  // like TelemetrySummary::company
  std::vector<ModeSeries> modes_;
};

}  // namespace flashcore
