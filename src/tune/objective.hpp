// What decides between the finalists of a problem: time, or joules per call.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/tune_policy.hpp"
#include "measure/policy.hpp"
#include "tune/searcher.hpp"

namespace flashcore {

// A candidate that was dropped may take less energy than the fastest one. Those dropped at most so far behind it are timed
// again with the finalists, up to kEnergyFinalists in all. At a power cap energy follows time; below the cap, a slower
// variant must draw a fifth less power to save energy.
inline constexpr double kEnergyMargin = 0.25;
inline constexpr std::size_t kEnergyFinalists = 8;

// The indices of the winner and of the finalists that tie with it, the best first: by time, or for Objective::energy by
// joules per call. Empty if no finalist is correct and has what decides.
std::vector<std::size_t> winners(std::span<const Contender> contenders, const MeasurePolicy& policy,
                                 Objective objective = Objective::latency);

// Of Objective::both: the finalists of pareto_set(), in the order of time. Empty for the others.
std::vector<std::size_t> pareto_finalists(std::span<const Contender> contenders, TimingMode mode,
                                          Objective objective);

// What a contender takes over what the winner takes: of time by ratio_to(), or for Objective::energy of joules per call.
// Of a candidate that was dropped it is the time in both cases. Nothing for one without such a value.
std::optional<double> ratio_to(const Record& winner, const Contender& contender, TimingMode mode,
                               Objective objective);

// Finalists whose energy was measured, and those of them that are not precise (is_energy_precise()).
struct EnergyCounts {
  std::size_t measured = 0;
  std::size_t imprecise = 0;
  void add(std::span<const Contender> contenders);
};

}  // namespace flashcore
