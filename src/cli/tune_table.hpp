// The terminal output of a tuned problem: the winner, its ties, and the next best variants with reasons.
#pragma once

#include <span>
#include <string>

#include "tune/objective.hpp"
#include "tune/searcher.hpp"

namespace flashcore {

// What decided between the contenders.
struct Deciding {
  TimingMode mode = TimingMode::hot;
  Objective objective = Objective::latency;
};

// `best` holds the indices of the winner and its ties; it is empty if no candidate is correct. The next best
// candidates follow in the order of their distances, then all candidates that are incorrect or failed. `width` is in
// characters. Of an objective that needs energy, the table also has joules per call, and the Pareto set of
// Objective::both stands below it.
std::string render_tuned(std::span<const Contender> contenders, std::span<const std::size_t> best,
                         const Deciding& deciding, int width);

// Probable reasons why a record is slower than the winner: spills, occupancy, waves. Empty if resources show
// none.
std::string why_slower(const Record& record, const Record& winner);

}  // namespace flashcore
