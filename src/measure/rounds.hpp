// Rounds of one timing mode: in each, every candidate that is not done takes a turn.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "device/telemetry_sampler.hpp"
#include "execute/executor.hpp"
#include "measure/policy.hpp"
#include "measure/series.hpp"

namespace flashcore {

inline constexpr int kMinSamples = 3;
inline constexpr double kCheckShare = 0.02;  // of the sampling time, for checks of samples

// Whether power or temperature holds the clocks down while one problem is measured.
class HeldClocks {
 public:
  // `telemetry` may be null; the clocks then never count as held.
  HeldClocks(const TelemetrySampler* telemetry, Pacing pacing)
      : telemetry_(pacing == Pacing::burst ? nullptr : telemetry) {}

  // Reads the telemetry. True if the clocks are held and were not at the last call: what was measured before does not
  // belong to this state.
  bool notice();
  // True from the first reading on that shows it. Clocks that are held now and then are held.
  bool held() const { return held_; }

 private:
  const TelemetrySampler* telemetry_;
  bool held_ = false;
};

// Of one visit to a problem.
struct RoundLimits {
  TelemetryClock::time_point deadline;
  double block_s = 0;    // of a sample while the clocks are held
  int held_samples = 0;  // with so many in all, rounds end while the clocks are held; 0: no limit
};

class Rounds {
 public:
  using TimePoint = TelemetryClock::time_point;
  using OnRound = std::function<void(TimingMode, int round)>;

  // `check` may be null. Measurement says what rounds do.
  Rounds(TimingMode mode, const MeasurePolicy& policy, const CheckPolicy* check, Executor& executor,
         HeldClocks& clocks)
      : mode_(mode), policy_(policy), check_(check), executor_(executor), clocks_(clocks) {}

  // Series that have samples get more.
  void run(std::span<Series> all, std::uint64_t seed, const RoundLimits& limits, const OnRound& on_round);

 private:
  void warm_up(Series& series);
  void take_round(std::span<Series* const> running);
  void take_turn(Series& series);
  // Takes a turn and checks its output. With `keep`, adds it to the series. Returns the seconds that the check took.
  double verify_turn(Series& series, bool keep);
  bool may_be_last(const Series& series) const;
  void verify_last(std::span<Series> all);
  bool has_converged(const Series& series) const;
  void drop_converged(std::vector<Series*>& running) const;

  TimingMode mode_;
  const MeasurePolicy& policy_;
  const CheckPolicy* check_;
  Executor& executor_;
  HeldClocks& clocks_;
  TimePoint begin_{};
  double checking_s_ = 0;  // for turns that cannot be the last
  double one_check_s_ = 0;
};

// Runs `work`. An EnvironmentError becomes the record's status. Returns false if there was one.
bool attempt(Record& record, const std::function<void()>& work);

}  // namespace flashcore
