// Kernels that are right, but whose bits depend on the company of a sequence: one way each, and what the test of batch
// invariance has to say of them.
#pragma once

#include <string_view>
#include <vector>

#include "variant/variant.hpp"

namespace flashcore::broken {

enum class BatchBreak : int {
  none,
  splits_by_batch,
  order_by_place,
  tile_by_longest,
  pieces_from_end,
  order_by_launch,
  plan_of_all,
};

inline constexpr int kBatchBreakCount = static_cast<int>(BatchBreak::plan_of_all) + 1;

struct BatchBreakText {
  std::string_view family;  // that of its variant
  const char* summary;
  std::string_view ragged;       // how the company begins in which a ragged batch shows it; empty: none does
  std::string_view rectangular;  // the same of equal sequences
};

inline constexpr BatchBreakText kBatchBreaks[kBatchBreakCount] = {
    {"batch_honest", "pieces of 64 keys, in order", "", ""},
    {"splits_by_batch", "small batches split the keys in four", "in a batch of 7", "in a batch of 7"},
    {"order_by_place", "sequences with an odd number add up their keys from the end", "in a batch of 7",
     "in a batch of "},
    {"tile_by_longest", "the longest sequence of the batch sets the size of a piece",
     "beside a longer sequence", ""},
    {"pieces_from_end", "pieces are counted from the last key of the launch", "in chunks", "in chunks"},
    {"order_by_launch", "every other launch adds up from the end, as atomics may", "in a second launch",
     "in a second launch"},
    {"plan_of_all", "the keys of all sequences are dealt out in eight equal shares", "in a batch of 2",
     "in a batch of 2"},
};

constexpr const BatchBreakText& describe(BatchBreak which) { return kBatchBreaks[static_cast<int>(which)]; }

// One variant per way, in order, the honest one first.
const std::vector<Variant>& cpu_batch_kernels();
const std::vector<Variant>& cuda_batch_kernels();  // only with CUDA compiled in

}  // namespace flashcore::broken
