#include "tune/race.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

namespace flashcore {

MeasurePolicy Race::heat_policy(const Heat& heat) const {
  MeasurePolicy policy = policy_;
  policy.min_samples = policy.max_samples = heat.samples;
  policy.energy_s = 0;
  if (heat.lone_calls) policy.modes = {TimingMode::call};
  return policy;
}

std::vector<std::size_t> Race::drop_losers(std::span<const Contender> contenders, const Heat& heat,
                                           std::vector<std::size_t>& running) const {
  const TimingMode mode = heat_policy(heat).modes.front();
  const auto timing = [&](std::size_t i) { return contenders[i].record.timings[mode]; };
  double bar = std::numeric_limits<double>::infinity();  // the best that is sure, µs
  for (const std::size_t i : running) {
    if (const auto taken = timing(i)) bar = std::min(bar, taken->ci95_high * (1 + heat.margin));
  }
  std::vector<std::size_t> dropped;
  std::erase_if(running, [&](std::size_t i) {
    const auto taken = timing(i);
    const bool lost = taken && taken->ci95_low * (1 - heat.margin) > bar + heat.slack_us;
    if (lost) dropped.push_back(i);
    return lost;
  });
  return dropped;
}

Proposal Race::propose(std::span<const Contender> contenders, bool) {
  Proposal proposal;
  proposal.measured = open_contenders(contenders);
  if (last_heat_ != nullptr) proposal.dropped = drop_losers(contenders, *last_heat_, proposal.measured);
  while (next_heat_ < std::size(kHeats) && !is_run(kHeats[next_heat_])) ++next_heat_;
  const bool warm = last_heat_ != nullptr;
  if (proposal.measured.size() <= kFinalists || next_heat_ == std::size(kHeats)) {
    proposal.policy = policy_;
    proposal.stage = "finalists";
    proposal.final = true;
  } else {
    const Heat& heat = kHeats[next_heat_++];
    proposal.policy = heat_policy(heat);
    proposal.stage = heat.stage;
    last_heat_ = &heat;
  }
  if (warm) proposal.policy.warmup_s = 0;
  return proposal;
}

}  // namespace flashcore
