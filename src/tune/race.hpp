// The racing search: times all candidates briefly in interleaved rounds, drops candidates that are clearly
// slower than the best, times the rest for longer, and so on. The finalists are timed again in full (Maron,
// Moore: "Hoeffding races", 1994; intervals of medians replace Hoeffding's bound).
//
// The interval of a few samples is too narrow, so each stage widens it by a margin for the error of a single
// sample. The first stage takes lone calls: a lone call costs a single launch, a sample of back-to-back
// launches costs a millisecond. Launch overhead differs between kernels, so that stage also allows a constant
// slack.
#pragma once

#include "tune/searcher.hpp"

namespace flashcore {

// A candidate is dropped after a stage if its widened interval lies above the best one's by more than
// slack_us.
struct RaceStage {
  bool lone_calls;   // times TimingMode::call instead of the mode that decides
  int samples;       // per candidate, after one warm-up sample
  double margin;     // both ends of an interval move outwards by this fraction
  double slack_us;   // additional distance
  const char* name;  // for the progress line
};

inline constexpr RaceStage kRaceStages[] = {
    {.lone_calls = true, .samples = 3, .margin = 0.10, .slack_us = 10, .name = "stage 1 of 4"},
    {.lone_calls = false, .samples = 1, .margin = 0.10, .slack_us = 0, .name = "stage 2 of 4"},
    {.lone_calls = false, .samples = 4, .margin = 0.03, .slack_us = 0, .name = "stage 3 of 4"},
    {.lone_calls = false, .samples = 10, .margin = 0.01, .slack_us = 0, .name = "stage 4 of 4"},
};

// With at most this many candidates left, the race skips its other stages: the final round times them all
// anyway.
inline constexpr std::size_t kFinalists = 3;

class Race : public Searcher {
 public:
  // `policy` must have one timing mode: the one that decides.
  explicit Race(MeasurePolicy policy) : policy_(std::move(policy)) {}

  // Runs the stages even without time left: they are short, and the final round need not time the candidates
  // that they drop.
  Proposal propose(std::span<const Contender> contenders, bool) override;

 private:
  // Removes the clearly slower contenders from `running` and returns them.
  std::vector<std::size_t> drop_slower(std::span<const Contender> contenders, const RaceStage& stage,
                                       std::vector<std::size_t>& running) const;
  MeasurePolicy stage_policy(const RaceStage& stage) const;
  bool is_run(const RaceStage& stage) const {
    return !stage.lone_calls || policy_.modes.front() != TimingMode::call;
  }

  MeasurePolicy policy_;
  std::size_t next_stage_ = 0;
  const RaceStage* last_stage_ = nullptr;
};

}  // namespace flashcore
