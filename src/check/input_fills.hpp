// Fills of parts of a tensor.
#pragma once

#include <vector>

#include "check/check_device.hpp"

namespace flashcore {

// Splits a fill. Heads or batches in the same memory are filled one after the other, all with the same values
// and factors. Batches that lie far apart are also filled one after the other, each with other values.
std::vector<InputTensorFill> split_fill(const InputTensorFill& whole);

// The shape of one sequence of a tensor without gaps.
TensorShape contiguous_shape(const TensorShape& tensor, std::int64_t rows);

inline void* advance(void* data, std::int64_t bytes) { return static_cast<std::byte*>(data) + bytes; }

}  // namespace flashcore
