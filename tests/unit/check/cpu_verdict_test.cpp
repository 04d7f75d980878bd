// The judgement on outputs: what passes, what does not, and how the reason reads.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "check/verdict.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

const Problem kProblem{.batch = 2, .heads_q = 4, .heads_kv = 4, .seq_q = 100, .seq_kv = 100, .head_dim = 64};
const ErrorNorms kUnfused{.max_abs = 1e-3, .rel_l2 = 5e-4};

Observation good() { return {.error = {.max_abs = 1e-3, .rel_l2 = 5e-4, .worst_index = 12345}}; }

Check judged(const Observation& seen, const CheckPolicy& policy = {}) {
  return judge(kProblem, seen, kUnfused, policy);
}

TEST(Verdict, PassesWithinTwiceTheUnfusedError) {
  const Check check = judged(good());
  EXPECT_TRUE(check.passed) << check.reason;
  EXPECT_EQ(check.reason, "");
  EXPECT_GE(check.limit.max_abs, 2e-3);
  EXPECT_LT(check.limit.max_abs, 2.1e-3);
  EXPECT_EQ(check.unfused_max_abs, kUnfused.max_abs);
}

TEST(Verdict, NamesTheWorstElement) {
  Observation seen = good();
  seen.error.max_abs = 0.5;
  seen.error.worst_index = ((1 * 4 + 3) * 100 + 25) * 64 + 7;
  const Check check = judged(seen);
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.reason, "the largest error is 0.5 (limit 0.002) at (batch 1, head 3, row 25, column 7)");
}

TEST(Verdict, RelativeErrorAloneFails) {
  Observation seen = good();
  seen.error.rel_l2 = 2e-3;
  EXPECT_FALSE(judged(seen).passed);
  EXPECT_NE(judged(seen).reason.find("relative L2"), std::string::npos);
}

TEST(Verdict, NanNeverPasses) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (double ErrorNorms::*field : {&ErrorNorms::max_abs, &ErrorNorms::rel_l2}) {
    Observation seen = good();
    seen.error.*field = kNan;
    EXPECT_FALSE(judged(seen).passed);
  }
  Observation seen = good();
  seen.error.nonfinite = 1;
  EXPECT_FALSE(judged(seen).passed);
  ErrorNorms unfused = kUnfused;
  unfused.max_abs = kNan;
  EXPECT_FALSE(judge(kProblem, good(), unfused, {}).passed);
}

TEST(Verdict, WritingPastTheWorkspaceFails) {
  Observation seen = good();
  seen.past_workspace = 3;
  EXPECT_EQ(judged(seen).reason, "writes past its workspace: 3 words around it have changed");
}

TEST(Verdict, UnwrittenAndOutOfBoundsFail) {
  Observation seen = good();
  seen.unwritten = 3;
  EXPECT_EQ(judged(seen).reason, "3 elements were not written at (batch 0, head 1, row 92, column 57)");
  seen = good();
  seen.lse_unwritten = 1;
  EXPECT_FALSE(judged(seen).passed);
  EXPECT_EQ(judged(seen).unwritten, 1);
  seen = good();
  seen.out_of_bounds = 2;
  EXPECT_EQ(judged(seen).reason, "2 elements outside of the output were written");
}

TEST(Verdict, EveryHeadIsJudgedByItself) {
  Observation seen = good();
  seen.heads.assign(8, {.rel_l2 = 5e-4, .unfused_rel_l2 = 5e-4});
  EXPECT_TRUE(judged(seen).passed) << judged(seen).reason;
  seen.heads[6].rel_l2 = 0.02;
  testing::expect_contains(judged(seen).reason, "the relative L2 error of one head is 0.02 (limit 0.001");
  testing::expect_contains(judged(seen).reason, " at (batch 1, head 2)");
  seen.heads[6].unfused_rel_l2 = 0.01;  // as far off as this head's unfused attention allows
  EXPECT_TRUE(judged(seen).passed) << judged(seen).reason;
}

TEST(Verdict, LogSumExpHasItsOwnLimit) {
  Observation seen = good();
  seen.lse = ErrorNorms{.max_abs = 1e-4, .worst_index = 399, .reference_rms = 7};
  EXPECT_TRUE(judged(seen).passed);
  seen.lse->max_abs = 0.01;
  EXPECT_EQ(judged(seen).reason,
            "the log-sum-exp is off by 0.01 (limit 0.00107) at (batch 0, head 3, row 99)");
  EXPECT_EQ(judged(seen).lse_max_abs, 0.01);
  seen.lse->max_abs = 0;
  seen.lse->nonfinite = 1;
  EXPECT_FALSE(judged(seen).passed);
}

TEST(Verdict, LogSumExpOfScaledDtypesMayBeOffByAShareOfLargeScores) {
  Problem problem = kProblem;
  problem.dtype = Dtype::e4m3;
  const auto limit = [&](double lse_rms) {
    Observation seen = good();
    seen.lse = ErrorNorms{.reference_rms = lse_rms};
    return judge(problem, seen, kUnfused, {}).limit.lse_max_abs;
  };
  const double log_keys = std::log(static_cast<double>(problem.seq_kv));
  EXPECT_LT(limit(log_keys), 2.1e-3);        // scores near 0
  EXPECT_LT(limit(log_keys + 0.5), 3.1e-3);  // scores of normal values
  EXPECT_NEAR(limit(log_keys + 60), 2e-3 + 60 * static_cast<double>(problem.head_dim) / 32768, 1e-3);
}

TEST(Verdict, ConfiguredLimitsComeOnTop) {
  EXPECT_FALSE(judged(good(), {.max_abs = 1e-4}).passed);
  EXPECT_FALSE(judged(good(), {.rel_l2 = 1e-4}).passed);
  EXPECT_TRUE(judged(good(), {.max_abs = 1, .rel_l2 = 1}).passed);
  EXPECT_EQ(judged(good(), {.max_abs = 1}).limit.max_abs, judged(good()).limit.max_abs);
}

TEST(Verdict, AnExactUnfusedAttentionLeavesOneRounding) {
  const ErrorNorms exact{.reference_rms = 1};
  Observation seen = good();
  seen.error.max_abs = 0x1p-10;  // one rounding of an element between 2 and 4
  seen.error.rel_l2 = 1e-4;
  EXPECT_TRUE(judge(kProblem, seen, exact, {}).passed);
  seen.error.max_abs = 0x1p-8;
  EXPECT_FALSE(judge(kProblem, seen, exact, {}).passed);
}

TEST(Verdict, NothingFiniteHasNoErrors) {
  kernels::DifferenceSums sums;
  EXPECT_EQ(error_norms(sums, 4).max_abs, 0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  add_difference(sums, nan, nan, false, 1);
  EXPECT_EQ(error_norms(sums, 4).max_abs, 0) << "NaN where the reference has it is no error";
  add_difference(sums, nan, 1.0f, false, 2);
  add_difference(sums, 0, 1.0f, true, 3);
  for (double ErrorNorms::*norm : {&ErrorNorms::max_abs, &ErrorNorms::mean_abs, &ErrorNorms::rel_l2}) {
    EXPECT_TRUE(std::isnan(error_norms(sums, 4).*norm));
    EXPECT_EQ(unfused_norms(sums, 4).*norm, 0);
  }
  add_difference(sums, 1.5f, 1.0f, false, 4);
  EXPECT_EQ(error_norms(sums, 4).max_abs, 0.5);
}

TEST(Verdict, NormsPointAtTheGravestElement) {
  kernels::DifferenceSums sums;
  const float infinity = std::numeric_limits<float>::infinity();
  add_difference(sums, 1.5f, 1.0f, false, 10);
  add_difference(sums, -infinity, -infinity, false, 11);
  EXPECT_EQ(error_norms(sums, 4).worst_index, 10);
  EXPECT_EQ(error_norms(sums, 4).nonfinite, 0);
  add_difference(sums, std::numeric_limits<float>::quiet_NaN(), 1.0f, false, 12);
  add_difference(sums, 0.0f, -infinity, false, 13);
  EXPECT_EQ(error_norms(sums, 4).nonfinite, 2);
  EXPECT_EQ(error_norms(sums, 4).worst_index, 12);
  EXPECT_EQ(error_norms(sums, 4).max_abs, 0.5);
  add_difference(sums, 0.0f, 0.0f, true, 14);
  EXPECT_EQ(error_norms(sums, 4).worst_index, 14);
}

}  // namespace
}  // namespace flashcore
