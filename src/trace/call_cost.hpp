// What a call of attention costs by a simple model. It ranks and groups calls; it predicts no time of a kernel.
#pragma once

#include <cstdint>

#include "attention/problem.hpp"

namespace flashcore {

// The nominal device of the model: its balance is that of a data-centre GPU that reaches about two thirds of its peaks.
inline constexpr double kNominalBytesPerS = 3e12;
inline constexpr double kNominalFlopsPerS = 500e12;

struct CallCost {
  double bytes = 0;            // Q and O, and those K and V that some query sees
  double flops = 0;            // as flops() counts them
  std::int64_t sequences = 0;  // with a query
  std::int64_t longest = 0;    // most keys that the queries of one sequence see
  double decode_share = 0;     // share of the sequences that have one query

  // The longer of reading the bytes and computing the FLOPs, on the nominal device.
  double seconds() const;
};

// Pages that sequences share count once per sequence.
CallCost call_cost(const Problem& problem);

}  // namespace flashcore
