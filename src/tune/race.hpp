// The race: all candidates are measured briefly and in turns, those that are clearly slower than the best
// drop out, the rest is measured longer, and what is left then anew and in full (Maron, Moore: "Hoeffding
// races", 1994, with intervals of medians in place of Hoeffding's bound).
//
// A few samples give no honest interval, so that each heat widens it by what a single sample may be off. The
// first heat takes lone calls, which cost a launch each where a sample of back-to-back launches costs a
// millisecond; launch overhead differs between kernels, for which it allows a constant.
#pragma once

#include "tune/searcher.hpp"

namespace flashcore {

// What candidates must show to stay in the race.
struct Heat {
  bool lone_calls;    // TimingMode::call in place of the clock that decides
  int samples;        // of each candidate, after one that warms up
  double margin;      // intervals are widened by this share of themselves at both ends
  double slack_us;    // and are apart by more than this when a candidate drops out
  const char* stage;  // for the progress line
};

inline constexpr Heat kHeats[] = {
    {.lone_calls = true, .samples = 3, .margin = 0.10, .slack_us = 10, .stage = "heat 1 of 4"},
    {.lone_calls = false, .samples = 1, .margin = 0.10, .slack_us = 0, .stage = "heat 2 of 4"},
    {.lone_calls = false, .samples = 4, .margin = 0.03, .slack_us = 0, .stage = "heat 3 of 4"},
    {.lone_calls = false, .samples = 10, .margin = 0.01, .slack_us = 0, .stage = "heat 4 of 4"},
};

// With no more than these left there is nothing to gain before the fresh round at the end.
inline constexpr std::size_t kFinalists = 3;

class Race : public Searcher {
 public:
  // `policy` takes one clock: that which decides.
  explicit Race(MeasurePolicy policy) : policy_(std::move(policy)) {}

  // The heats are short, and what they drop need not be measured in full: they take place even without time.
  Proposal propose(std::span<const Contender> contenders, bool) override;

 private:
  // Takes those that lost the heat out of `running`.
  std::vector<std::size_t> drop_losers(std::span<const Contender> contenders, const Heat& heat,
                                       std::vector<std::size_t>& running) const;
  MeasurePolicy heat_policy(const Heat& heat) const;
  bool is_run(const Heat& heat) const {
    return !heat.lone_calls || policy_.modes.front() != TimingMode::call;
  }

  MeasurePolicy policy_;
  std::size_t next_heat_ = 0;
  const Heat* last_heat_ = nullptr;
};

}  // namespace flashcore
