// Interleaved measuring: all variants of a problem take turns, so that drift of clocks and temperature falls
// on all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "measure/policy.hpp"
#include "record/record.hpp"

namespace flashcore {

// A variant that passed its check, and where its timings go.
struct Candidate {
  const Variant* variant;
  Record* record;
};

inline constexpr int kFewestSamples = 3;
inline constexpr double kCheckShare = 0.03;  // of the time of samples, for verifying some of them

// Fills in the timings, telemetry and energy of the candidates' records.
//
// First all take turns untimed until clock and power settle (at most warmup_s). Then, for each clock of the
// policy, samples are taken round by round, each round in a new random order drawn from `seed`. A candidate
// has converged when the 95 % interval of its median is narrow enough or it has max_samples; it leaves the
// rounds when that holds of all whose medians are near to its own. Once budget_s is spent, settling apart,
// rounds end as soon as every candidate has kFewestSamples; the clocks share the budget.
// The first sample of each candidate and clock warms up and is not kept. Burst pacing rests after each
// sample, kBurstRest times as long as it lasted.
//
// A candidate whose sample does not pass its check becomes an `incorrect` record without timings. A candidate whose launch fails becomes an `error` record without timings. An interrupt ends the rounds;
// what was sampled until then is kept. Without telemetry (null, or where NVML is missing) clocks are absent.
class Measurement {
 public:
  using OnRound = std::function<void(TimingMode, int round)>;

  // With `check`, samples are verified (Executor::verify_sample): the one that warms up, and further ones that take
  // kCheckShare of the time. `check` and `telemetry` may be null.
  Measurement(std::span<Candidate> candidates, const MeasurePolicy& policy, const CheckPolicy* check,
              std::uint64_t seed, Executor& executor, TelemetrySampler* telemetry)
      : candidates_(candidates),
        policy_(policy),
        check_(check),
        seed_(seed),
        executor_(executor),
        telemetry_(telemetry) {}

  void run(double budget_s, const OnRound& on_round);

  // Seconds that run() spent on taking samples, those that warm up included; settling is not.
  double sampling_s() const { return sampling_s_; }

 private:
  struct Series;
  using TimePoint = TelemetryClock::time_point;

  void warm_up();
  void warm_up(Series& series, TimingMode mode);
  void take_sample(Series& series, TimingMode mode);
  void verify_sample(Series& series, TimingMode mode);
  void sample_rounds(std::span<Series> all, TimingMode mode, TimePoint deadline, const OnRound& on_round);
  bool has_converged(const Series& series) const;
  void let_go(std::vector<Series*>& running) const;
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
