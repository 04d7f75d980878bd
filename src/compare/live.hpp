// Two builds at once: the same variant in two processes on one device, sampled in turns.
//
// Clock, temperature and neighbours act on both halves of a pair equally. Their difference is therefore due to the code
// and to the placement of its buffers. Pairs are taken in kLiveBlocks blocks. Both sides allocate their buffers again
// for each block, and the side that allocates first alternates. A block has one value, the median of its pairs' log
// ratios; the interval is Student's over the blocks, so that it includes the effect of placement.
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
  ComparePolicy compare;  // of which tolerances, allowances and fail_on count
  CheckPolicy check;
  TimingMode mode = TimingMode::hot;
  int pairs = kLivePairs;
  std::uint64_t seed = 0;
};

using OnLiveBlock = std::function<void(int block, std::string_view variant)>;

// One row per variant. `slower` and `faster` are beyond the tolerance with an interval that excludes 1; `unclear` is
// any other interval that reaches beyond the tolerance on the slower side. A variant that is wrong or fails in the new
// build is `broken`, one that the base cannot run is `new`, one that neither can run is left out. An interrupt ends the
// comparison with the blocks done so far.
std::vector<RowVerdict> compare_live(const Problem& problem, std::span<const Variant* const> variants,
                                     Executor& base, Executor& next, const LivePolicy& policy,
                                     const OnLiveBlock& on_block);

}  // namespace flashcore
