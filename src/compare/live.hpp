// Two builds at once: the same variant in two processes on one device, taken in turns.
//
// Clock, temperature and neighbours fall on both halves of a pair alike, so what is left between them is the
// code, and where its buffers lie. Pairs are taken in kLiveBlocks blocks, and both sides prepare their
// buffers anew for each, the one first and then the other; a block counts by the median of its pairs' log
// ratios, and the interval is Student's over the blocks, so that it holds what placement does, too.
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
inline constexpr double kLiveSmallestEffect = 0.005;  // pairs see more than files do
inline constexpr int kLivePairs = 15;                 // a block

struct LivePolicy {
  ComparePolicy compare;  // its tolerances, allowances and fail_on; not its noise
  CheckPolicy check;
  TimingMode mode = TimingMode::hot;
  int pairs = kLivePairs;
  std::uint64_t seed = 0;
};

using OnLiveBlock = std::function<void(int block, std::string_view variant)>;

// One row a variant. `slower` and `faster` are beyond the tolerance with an interval on one side of 1;
// `unclear` is an interval that reaches beyond the tolerance on the slower side without that. A variant that
// is wrong or fails in the new build is `broken`, one that the base cannot run is `new`, one that neither can
// is left out. Ends early, with the blocks it has, when interrupted.
std::vector<RowVerdict> compare_live(const Problem& problem, std::span<const Variant* const> variants,
                                     Executor& base, Executor& next, const LivePolicy& policy,
                                     const OnLiveBlock& on_block);

}  // namespace flashcore
