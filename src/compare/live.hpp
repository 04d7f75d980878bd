// Compares two builds in turns: the same variant in two processes on one device.
//
// Clock, temperature and other load affect both samples of a pair equally. The difference of the samples is
// therefore due to the code and to the placement of its buffers. Pairs are taken in kLiveBlocks blocks. Both
// sides allocate their buffers again for each block, and the side that allocates first alternates. A block
// has one value: the median log ratio of its pairs. The interval is Student's t interval over the blocks, so
// that it includes the effect of placement.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "compare/comparison.hpp"
#include "execute/executor.hpp"

namespace flashcore {

inline constexpr int kLiveBlocks = 8;
inline constexpr double kLiveQuantile = 2.365;        // of Student's t with 7 degrees of freedom, at 97.5 %
inline constexpr double kLiveSmallestEffect = 0.005;  // pairs resolve smaller effects than files
inline constexpr int kLivePairs = 15;                 // per block

struct LivePolicy {
  ComparePolicy compare;  // only its tolerances, allowances and fail_on count
  CheckPolicy check;
  TimingMode mode = TimingMode::hot;
  int pairs = kLivePairs;
  std::uint64_t seed = 0;
};

using OnLiveBlock = std::function<void(int block, std::string_view variant)>;

// One row per variant. It is `slower` or `faster` if the ratio is beyond the tolerance and the interval
// excludes 1. Otherwise it is `unclear` if the interval reaches beyond the tolerance on the slower side. It
// is `broken` if the variant is wrong or fails in the new build only, `new` if in the base only, and `same`
// if in both. A base whose time is not a positive number makes the row `unclear`, not `new` or `same`. Variants that neither build supports are left out. An interrupt ends the comparison; rows
// without all blocks are then `unclear`.
std::vector<RowVerdict> compare_live(const Problem& problem, std::span<const Variant* const> variants,
                                     Executor& base, Executor& next, const LivePolicy& policy,
                                     const OnLiveBlock& on_block);

}  // namespace flashcore
