#include "tune/race.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <optional>

#include "measure/statistics.hpp"

namespace flashcore {

MeasurePolicy Race::stage_policy(const RaceStage& stage) const {
  MeasurePolicy policy = policy_;
  policy.min_samples = policy.max_samples = stage.samples;
  policy.energy_s = 0;
  policy.block_s = 0;  // candidates that take turns share the clock
  if (stage.lone_calls) policy.modes = {TimingMode::call};
  return policy;
}

std::vector<std::size_t> Race::drop_slower(std::span<const Contender> contenders, const RaceStage& stage,
                                           std::vector<std::size_t>& running) const {
  const TimingMode mode = stage_policy(stage).modes.front();
  // The interval of the samples alone: candidates of one run share what differs between runs.
  const auto timing = [&](std::size_t i) -> std::optional<Timing> {
    const auto& taken = contenders[i].record.timings[mode];
    return taken ? std::optional(make_timing(taken->samples)) : std::nullopt;
  };
  double best_high_us = std::numeric_limits<double>::infinity();  // the smallest upper end of an interval
  for (const std::size_t i : running) {
    if (const auto taken = timing(i)) {
      best_high_us = std::min(best_high_us, taken->ci95_high * (1 + stage.margin));
    }
  }
  std::vector<std::size_t> dropped;
  std::erase_if(running, [&](std::size_t i) {
    const auto taken = timing(i);
    const bool is_slower = taken && taken->ci95_low * (1 - stage.margin) > best_high_us + stage.slack_us;
    if (is_slower) dropped.push_back(i);
    return is_slower;
  });
  return dropped;
}

Proposal Race::propose(std::span<const Contender> contenders, bool) {
  Proposal proposal;
  proposal.measured = open_contenders(contenders);
  if (last_stage_ != nullptr) proposal.dropped = drop_slower(contenders, *last_stage_, proposal.measured);
  while (next_stage_ < std::size(kRaceStages) && !is_run(kRaceStages[next_stage_])) ++next_stage_;
  const bool warm = last_stage_ != nullptr;
  if (proposal.measured.size() <= kFinalists || next_stage_ == std::size(kRaceStages)) {
    proposal.policy = policy_;
    proposal.stage = "finalists";
    proposal.final = true;
  } else {
    const RaceStage& stage = kRaceStages[next_stage_++];
    proposal.policy = stage_policy(stage);
    proposal.stage = stage.name;
    last_stage_ = &stage;
  }
  if (warm) proposal.policy.warmup_s = 0;
  return proposal;
}

}  // namespace flashcore
