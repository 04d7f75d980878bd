#include "conclude/weighted_total.hpp"

#include <gtest/gtest.h>

#include "render/conclusion_text.hpp"
#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

Record timed(double weight, std::string family, double us, Role role = Role::ladder) {
  Problem problem = testing::sample_problem();
  problem.weight = weight;
  Record record = testing::ok_record(problem, std::move(family), {64, 64, 4, 2}, us);
  record.role = role;
  return record;
}

Conclusion conclusion_of(double first, double second) {
  Conclusion conclusion("", {});
  conclusion.add(std::vector{timed(first, "mma", 10), timed(first, "wmma", 30), timed(first, "scalar", 90),
                             timed(first, "peer_x", 20, Role::peer)});
  conclusion.add(std::vector{timed(second, "mma", 50), timed(second, "wmma", 40),
                             timed(second, "peer_x", 30, Role::peer)});
  return conclusion;
}

TEST(WeightedTotal, SumsWeightTimesMedianOverVariantsOfAllProblems) {
  const Conclusion conclusion = conclusion_of(1000, 500);
  const std::vector<WeightedTotal> totals = conclusion.totals().totals();
  ASSERT_EQ(totals.size(), 4u);  // not scalar, which has no time on the second problem
  EXPECT_EQ(totals[0].variant, "");
  EXPECT_NEAR(totals[0].seconds, 0.030, 1e-9);
  EXPECT_NEAR(totals[1].seconds, 0.035, 1e-9);
  EXPECT_TRUE(totals[1].variant.starts_with("mma/") || totals[1].is_peer);
  EXPECT_NEAR(totals[3].seconds, 0.050, 1e-9);
  const std::string sentence = total_sentence(conclusion);
  EXPECT_TRUE(sentence.starts_with("weighted sum over 2 problems: 30.00 ms with the fastest of each, "))
      << sentence;
  EXPECT_NE(sentence.find("35.00 ms with peer_x/"), std::string::npos) << sentence;
  EXPECT_EQ(sentence.find("wmma/"), std::string::npos) << sentence;
}

TEST(WeightedTotal, SaysNothingWithoutWeightsOrOfOneProblem) {
  EXPECT_EQ(total_sentence(conclusion_of(1, 1)), "");
  Conclusion one("", {});
  one.add(std::vector{timed(5, "mma", 10), timed(5, "wmma", 30)});
  EXPECT_EQ(total_sentence(one), "");
}

}  // namespace
}  // namespace flashcore
