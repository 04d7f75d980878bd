// The terminal output of a tuned problem: the winner, its ties, and the next best variants with reasons.
#pragma once

#include <span>
#include <string>

#include "tune/searcher.hpp"

namespace flashcore {

// `best` holds the indices of the winner and its ties; it is empty if no candidate is correct. The next best
// candidates follow in the order of their distances, then all candidates that are incorrect or failed. `width` is in
// characters.
std::string render_tuned(std::span<const Contender> contenders, std::span<const std::size_t> best,
                         TimingMode mode, int width);

// Probable reasons why a record is slower than the winner: spills, occupancy, waves. Empty if resources show
// none.
std::string why_slower(const Record& record, const Record& winner);

}  // namespace flashcore
