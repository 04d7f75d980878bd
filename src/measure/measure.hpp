// Interleaved measuring: all variants of a problem take turns, so that drift of clocks and temperature
// affects all of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "measure/policy.hpp"
#include "measure/sample_block.hpp"
#include "record/record.hpp"

namespace flashcore {

// A variant that passed its check, and the record for its timings.
struct Candidate {
  const Variant* variant;
  Record* record;
};

inline constexpr int kMinSamples = 3;
inline constexpr double kCheckShare = 0.02;  // of the sampling time, for checks of samples

// Fills in the timings, telemetry and energy of the candidates' records.
//
// All candidates first take turns untimed until clock and power settle (at most warmup_s). Then each timing
// mode of the policy takes samples in rounds. Each round has a new random order, drawn from `seed`. A
// candidate has converged when the 95 % interval of its median is narrow enough or it has max_samples. It
// leaves the rounds when all candidates with a median near its own have converged. The modes share budget_s,
// which does not include settling. When it is spent, rounds end as soon as every candidate has kMinSamples.
// The first sample of each candidate and mode warms up and is not kept. Burst pacing rests after each sample
// for kBurstRest times its duration.
//
// A candidate becomes an `incorrect` record without timings if a sample does not pass its check. It becomes a
// record with the error's status and without timings if a launch fails. An interrupt ends the rounds and
// keeps the samples. Clocks are absent without telemetry (null, or without NVML).
class Measurement {
 public:
  using OnRound = std::function<void(TimingMode, int round)>;

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
        telemetry_(telemetry) {}

  void run(double budget_s, const OnRound& on_round);

  // Seconds that run() spent on samples. Includes the samples that warm up, but not settling.
  double sampling_s() const { return sampling_s_; }

 private:
  struct Series;
  using TimePoint = TelemetryClock::time_point;

  void warm_up();
  void warm_up(Series& series, TimingMode mode);
  void take_sample(Series& series, TimingMode mode);
  // Takes a sample and checks its output. With `keep`, adds the sample to the series. Returns the seconds
  // that the check took.
  double verify_sample(Series& series, TimingMode mode, bool keep);
  void add(Series& series, const SampleBlock& block);
  bool may_be_last(const Series& series) const;
  void verify_last(std::span<Series> all, TimingMode mode);
  void sample_rounds(std::span<Series> all, TimingMode mode, TimePoint deadline, const OnRound& on_round);
  bool has_converged(const Series& series) const;
  void drop_converged(std::vector<Series*>& running) const;
  void finish(Series& series, TimingMode mode);
  void summarise_telemetry(Record& record, std::span<const TimeSpan> spans);
  void measure_energy(Candidate& candidate);

  std::span<Candidate> candidates_;
  const MeasurePolicy& policy_;
  const CheckPolicy* check_;
  std::uint64_t seed_;
  Executor& executor_;
  TelemetrySampler* telemetry_;
  double sampling_s_ = 0;
  std::map<const Record*, std::vector<TimeSpan>> sampled_;  // when each record's samples were taken
};

}  // namespace flashcore
