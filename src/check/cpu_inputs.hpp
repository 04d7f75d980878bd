// One of Q, K and V in host memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "attention/problem.hpp"
#include "device/cpu_memory.hpp"
#include "kernels/common/inputs.hpp"

namespace flashcore {

struct CpuInput {
  HostBuffer<std::byte> elements;  // in their layout; gaps hold NaN, for kernels that ignore strides
  HostBuffer<float> descale;       // [batch, heads_kv] for a scaled dtype, else null
};

// The values of the input generator, scaled and rounded to source.dtype. Throws OutOfMemoryError.
CpuInput make_cpu_input(const TensorShape& shape, std::int64_t heads_kv, const kernels::InputSource& source);

// The same of chosen values, [batch, heads, rows, head_dim] without gaps.
CpuInput make_cpu_input(const TensorShape& shape, std::int64_t heads_kv, const kernels::InputSource& source,
                        std::span<const float> values);

// Flips the sign of every element, gaps included.
void negate(CpuInput& input, Dtype dtype);

}  // namespace flashcore
