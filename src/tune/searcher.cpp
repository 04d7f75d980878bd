#include "tune/searcher.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "conclude/advantage.hpp"
#include "tune/race.hpp"

namespace flashcore {
namespace {

class Exhaustive : public Searcher {
 public:
  explicit Exhaustive(MeasurePolicy policy) : policy_(std::move(policy)) {}

  Proposal propose(std::span<const Contender> contenders, bool) override {
    if (std::exchange(measured_, true)) return final_round(contenders, policy_);
    return {.measured = open_contenders(contenders), .policy = policy_, .stage = "all"};
  }

 private:
  MeasurePolicy policy_;
  bool measured_ = false;
};

// Times candidates in groups: the rounds of a group are interleaved, and the search can stop between groups.
class Random : public Searcher {
 public:
  static constexpr std::size_t kGroup = 8;

  Random(MeasurePolicy policy, std::uint64_t seed) : policy_(std::move(policy)), random_(seed) {}

  Proposal propose(std::span<const Contender> contenders, bool time_left) override {
    const bool first = !drawn_;
    if (first) {
      order_ = open_contenders(contenders);
      std::ranges::shuffle(order_, random_);
      drawn_ = true;
    }
    if (order_.empty() || (!time_left && !first)) return final_round(contenders, policy_);
    Proposal proposal{.policy = policy_, .stage = "random group"};
    if (!first) proposal.policy.warmup_s = 0;
    const std::size_t count = std::min(kGroup, order_.size());
    proposal.measured.assign(order_.end() - static_cast<std::ptrdiff_t>(count), order_.end());
    order_.resize(order_.size() - count);
    return proposal;
  }

 private:
  MeasurePolicy policy_;
  std::mt19937_64 random_;
  std::vector<std::size_t> order_;  // the remaining candidates; the next one is at the end
  bool drawn_ = false;
};

}  // namespace

TimingMode objective_mode(const MeasurePolicy& policy) {
  for (const TimingMode mode : kAll<TimingMode>) {
    if (std::ranges::count(policy.modes, mode) > 0) return mode;
  }
  return TimingMode::hot;
}

MeasurePolicy with_objective_mode(MeasurePolicy policy) {
  policy.modes = {objective_mode(policy)};
  return policy;
}

std::unique_ptr<Searcher> make_searcher(SearchKind kind, const MeasurePolicy& policy, std::uint64_t seed) {
  const MeasurePolicy deciding = with_objective_mode(policy);
  if (kind == SearchKind::exhaustive) return std::make_unique<Exhaustive>(deciding);
  if (kind == SearchKind::random) return std::make_unique<Random>(deciding, seed);
  return std::make_unique<Race>(deciding);
}

Proposal final_round(std::span<const Contender> contenders, const MeasurePolicy& policy) {
  const TimingMode mode = policy.modes.front();
  std::vector<std::size_t> timed = open_contenders(contenders);
  std::erase_if(timed, [&](std::size_t i) { return !contenders[i].record.timings[mode]; });
  Proposal proposal{.policy = policy, .stage = "finalists", .final = true};
  proposal.policy.warmup_s = 0;
  proposal.measured = tie_set(contenders, timed, mode, policy.relative_width);
  std::ranges::copy_if(timed, std::back_inserter(proposal.dropped),
                       [&](std::size_t i) { return std::ranges::count(proposal.measured, i) == 0; });
  return proposal;
}

std::vector<std::size_t> open_contenders(std::span<const Contender> contenders) {
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (!contenders[i].is_final && contenders[i].record.status == Status::ok) open.push_back(i);
  }
  return open;
}

std::optional<double> ratio_to(const Record& winner, const Contender& contender, TimingMode mode) {
  if (contender.record.status != Status::ok) return std::nullopt;
  if (!contender.finalist) return contender.dropped_at;
  const auto& mine = contender.record.timings[mode];
  const auto& best = winner.timings[mode];
  return mine && best ? std::optional(mine->median / best->median) : std::nullopt;
}

std::vector<std::size_t> tie_set(std::span<const Contender> contenders, std::span<const std::size_t> among,
                                 TimingMode mode, double relative_width) {
  const auto timing = [&](std::size_t i) -> const std::optional<Timing>& {
    return contenders[i].record.timings[mode];
  };
  std::vector<std::size_t> ranked;
  std::ranges::copy_if(among, std::back_inserter(ranked), [&](std::size_t i) {
    return contenders[i].record.status == Status::ok && timing(i).has_value();
  });
  std::ranges::stable_sort(ranked, {}, [&](std::size_t i) { return timing(i)->median; });
  if (ranked.empty()) return ranked;
  const Timing& best = *timing(ranked.front());
  std::erase_if(ranked, [&](std::size_t i) { return !are_tied(best, *timing(i), relative_width); });
  return ranked;
}

}  // namespace flashcore
