// The test of batch invariance on a device: kernels whose bits depend on company are found, with captured graphs.
#include <string>

#include "broken/batch_breaks.hpp"
#include "gpu/gpu_test.hpp"
#include "unit/support/batch_problems.hpp"

namespace flashcore {
namespace {

using BatchInvarianceGpu = GpuTest;

TEST_F(BatchInvarianceGpu, FindsEachWayOfBreakingIt) {
  for (const Problem& problem : testing::batch_problems()) {
    executor().prepare(problem, 7);
    for (int i = 0; i < broken::kBatchBreakCount; ++i) {
      const auto& text = broken::kBatchBreaks[i];
      const std::string_view wanted = is_rectangular(problem) ? text.rectangular : text.ragged;
      const Variant& variant = broken::cuda_batch_kernels()[static_cast<std::size_t>(i)];
      const Check check = executor().verify(variant, {});
      EXPECT_TRUE(check.passed) << text.family << ": " << check.reason;
      const BatchInvariance found = executor().test_batch_invariance(variant);
      EXPECT_GT(found.companies, wanted.empty() ? 8 : 0) << text.family;
      EXPECT_TRUE(found.broken_in.starts_with(wanted)) << text.family << ": " << found.broken_in;
      EXPECT_EQ(found.broken_in.empty(), wanted.empty()) << text.family << ": " << found.broken_in;
    }
  }
}

}  // namespace
}  // namespace flashcore
