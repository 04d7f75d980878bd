// The ratio of two rows of one run.
#include "compare/within_run.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

using testing::ok_record;
using testing::sample_problem;

TEST(WithinRun, TheIntervalHoldsTheRatioOfTheMedians) {
  const Record base = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 40);
  const Record next = ok_record(sample_problem(), "mine", {}, 50);
  const Ratio ratio = ratio_within_run(base, next);
  EXPECT_NEAR(ratio.value, 1.25, 1e-9);
  EXPECT_LT(ratio.low, 1.25);
  EXPECT_GT(ratio.low, 1.15);
  EXPECT_GT(ratio.high, 1.25);
  EXPECT_LT(ratio.high, 1.35);
}

TEST(WithinRun, RowsThatWereTimedInDifferentWaysHaveNone) {
  const Record base = ok_record(sample_problem(), "mma", {64, 64, 4, 2}, 40);
  Record direct = ok_record(sample_problem(), "mine", {}, 50);
  direct.direct_calls = "it cannot be captured";
  EXPECT_THROW(ratio_within_run(base, direct), UsageError);
  Record wrong = ok_record(sample_problem(), "mine", {}, 50);
  wrong.fail(Status::incorrect, "wrong");
  EXPECT_THROW(ratio_within_run(base, wrong), UsageError);
}

}  // namespace
}  // namespace flashcore
