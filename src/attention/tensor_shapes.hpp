// Constants of the shapes of tensors in memory.
#pragma once

#include <cstdint>

namespace flashcore {

// Of the layout far_batches: one more than a 32-bit index holds, and some, so that an index that wraps around lies in
// another row.
inline constexpr std::int64_t kFarElements = (std::int64_t{1} << 31) + 64;

// Rows of a ragged batch's tensors that belong to no sequence.
inline constexpr std::int64_t kSpareRows = 3;

}  // namespace flashcore
