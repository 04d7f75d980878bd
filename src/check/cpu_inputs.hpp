// Inputs in host memory.
#pragma once

#include <span>

#include "check/check_device.hpp"

namespace flashcore {

// Fills in the values of the input generator, scaled and rounded to the fill's dtype. Gaps get NaN.
void fill_host_input(const InputTensorFill& fill);

// The same with chosen values, [batch, heads, rows, head_dim] without gaps.
void write_host_input(const InputTensorFill& fill, std::span<const float> values);

}  // namespace flashcore
