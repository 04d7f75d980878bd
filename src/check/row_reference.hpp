// The reference of single rows, from the values that the inputs hold at this moment.
#pragma once

#include "attention/problem.hpp"
#include "check/check_device.hpp"
#include "check/verdict.hpp"
#include "device/memory.hpp"

namespace flashcore {

// Memory for one row of every head on the device, FP32.
struct RowMemory {
  RowMemory(CheckDevice& device, const Problem& problem);
  Memory reference, unfused;  // [batch, heads_q, head_dim]
  Memory lse;                 // [batch, heads_q]
};

// Errors of one row of every head of the outputs, which a launch with the arguments `launched` wrote; other members are
// not filled in. Indices number the elements of the whole output. Throws as CheckDevice does.
Observation compare_row(CheckDevice& device, const RowMemory& memory, const Problem& problem,
                        const AttentionArgs& launched, std::int32_t row);

// Errors of an unfused attention on the row that compare_row() took last.
ErrorNorms unfused_row_error(CheckDevice& device, const RowMemory& memory, const Problem& problem,
                             const AttentionArgs& launched, std::int32_t row);

}  // namespace flashcore
