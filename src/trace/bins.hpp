// Groups calls that cost nearly the same, so that a few of them stand for all.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "trace/call_cost.hpp"

namespace flashcore {

inline constexpr std::size_t kMaxBins = 64;

struct Bin {
  std::size_t representative = 0;    // index of the call that stands for all: the one nearest to their middle
  std::vector<std::size_t> members;  // indices, ascending
  // About the number of members: the sum of their costs (CallCost::seconds) over the cost of the representative, so that
  // weight times cost is the sum.
  double weight = 0;
};

// At most `most` bins, those of the largest sums of cost first; fewer if calls are equal. Starts from one bin and splits,
// again and again, where that takes away most of the spread of a feature in a bin. Features are logarithms of cost, bytes,
// FLOPs, sequences and longest sequence, and the share of decoding; calls count by their cost. Equal costs give equal bins.
std::vector<Bin> bin_calls(std::span<const CallCost> calls, std::size_t most);

}  // namespace flashcore
