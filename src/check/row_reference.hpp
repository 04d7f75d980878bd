// The reference of single rows, from the values that the inputs hold at this moment.
#pragma once

#include "attention/problem.hpp"
#include "check/check_device.hpp"
#include "check/verdict.hpp"
#include "device/memory.hpp"

namespace flashcore {

// One row of every head, compared. Indices number the elements of the whole output.
struct RowComparison {
  Observation seen;    // errors of the launch; other members of it are not filled in
  ErrorNorms unfused;  // errors of an unfused attention on the same row
};

// Memory for one row of every head on the device, FP32.
struct RowMemory {
  RowMemory(CheckDevice& device, const Problem& problem);
  Memory reference, unfused;  // [batch, heads_q, head_dim]
  Memory lse;                 // [batch, heads_q]
};

// `launched` are the arguments of the launch that wrote the outputs. Throws as CheckDevice does.
RowComparison compare_row(CheckDevice& device, const RowMemory& memory, const Problem& problem,
                          const AttentionArgs& launched, std::int32_t row);

}  // namespace flashcore
