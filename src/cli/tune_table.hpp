// What a person reads of a tuned problem: the winner, what ties with it, who came next and why they lost.
#pragma once

#include <span>
#include <string>

#include "tune/searcher.hpp"

namespace flashcore {

// `best`: indices of the winner and of what ties with it; empty when nothing is right. The others follow by
// their times, the nearest few by name, and after them each candidate that is wrong or failed.
std::string render_tuned(std::span<const Contender> contenders, std::span<const std::size_t> best,
                         TimingMode mode);

// In what the loser stands behind the winner: spills, occupancy, waves. Empty when resources do not tell.
std::string why_slower(const Record& loser, const Record& winner);

}  // namespace flashcore
