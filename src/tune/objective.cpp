#include "tune/objective.hpp"

#include <algorithm>

#include "conclude/pareto.hpp"

namespace flashcore {
namespace {

using Indices = std::vector<std::size_t>;

Indices finalists_of(std::span<const Contender> contenders) {
  Indices finalists;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (contenders[i].finalist && contenders[i].record.status == Status::ok) finalists.push_back(i);
  }
  return finalists;
}

Indices least_energy(std::span<const Contender> contenders, Indices finalists) {
  const auto estimate = [&](std::size_t i) { return *energy_estimate(contenders[i].record); };
  std::erase_if(finalists, [&](std::size_t i) { return !energy_estimate(contenders[i].record); });
  std::ranges::stable_sort(finalists, {}, [&](std::size_t i) { return estimate(i).mean_j; });
  if (finalists.empty()) return finalists;
  const EnergyEstimate best = estimate(finalists.front());
  std::erase_if(finalists, [&](std::size_t i) { return !are_tied(best, estimate(i)); });
  return finalists;
}

}  // namespace

std::vector<std::size_t> winners(std::span<const Contender> contenders, const MeasurePolicy& policy,
                                 Objective objective) {
  const Indices finalists = finalists_of(contenders);
  if (objective == Objective::energy) return least_energy(contenders, finalists);
  return tie_set(contenders, finalists, objective_mode(policy), policy.relative_width);
}

std::vector<std::size_t> pareto_finalists(std::span<const Contender> contenders, TimingMode mode,
                                          Objective objective) {
  if (objective != Objective::both) return {};
  const Indices finalists = finalists_of(contenders);
  std::vector<const Record*> records;
  for (const std::size_t i : finalists) records.push_back(&contenders[i].record);
  Indices set;
  for (const std::size_t place : pareto_set(records, mode)) set.push_back(finalists[place]);
  return set;
}

std::optional<double> ratio_to(const Record& winner, const Contender& contender, TimingMode mode,
                               Objective objective) {
  if (objective != Objective::energy || !contender.finalist) return ratio_to(winner, contender, mode);
  const auto mine = energy_estimate(contender.record);
  const auto best = energy_estimate(winner);
  return mine && best ? std::optional(mine->mean_j / best->mean_j) : std::nullopt;
}

void EnergyCounts::add(std::span<const Contender> contenders) {
  for (const std::size_t i : finalists_of(contenders)) {
    if (!energy_estimate(contenders[i].record)) continue;
    ++measured;
    imprecise += is_energy_precise(contenders[i].record) ? 0 : 1;
  }
}

}  // namespace flashcore
