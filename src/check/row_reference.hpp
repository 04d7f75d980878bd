// The reference of single rows, from the current values of the inputs.
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

// The errors of one row of every head of the outputs, which a launch with the arguments `launched` wrote.
// Only `error` and `lse` are filled in. Indices are in the whole output. Throws like CheckDevice.
Observation compare_row(CheckDevice& device, const RowMemory& memory, const Problem& problem,
                        const AttentionArgs& launched, std::int32_t row);

// The errors of an unfused attention on `row`. The last call of compare_row() with `memory` must have had the
// same row.
ErrorNorms unfused_row_error(CheckDevice& device, const RowMemory& memory, const Problem& problem,
                             const AttentionArgs& launched, std::int32_t row);

}  // namespace flashcore
