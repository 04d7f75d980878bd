#include "conclude/pareto.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flashcore {
namespace {

using Indices = std::vector<std::size_t>;

TimeAndEnergy point(double us, double joules, double reach = 0.01) {
  return {us, {.mean_j = joules, .low_j = joules * (1 - reach), .high_j = joules * (1 + reach)}};
}

TEST(Pareto, SetIsInTheOrderOfTime) {
  const TimeAndEnergy points[] = {point(20, 2), point(10, 4), point(15, 3), point(16, 3.5), point(30, 2.5)};
  EXPECT_EQ(pareto_set(points), (Indices{1, 2, 0}));
}

TEST(Pareto, TheFastestOfAllAndFrugalestIsAlone) {
  const TimeAndEnergy points[] = {point(11, 2), point(10, 1), point(12, 1.5)};
  EXPECT_EQ(pareto_set(points), Indices{1});
}

TEST(Pareto, ASavingWithinTheIntervalsIsNone) {
  const TimeAndEnergy points[] = {point(10, 2, 0.05), point(11, 1.9, 0.05), point(12, 1.5)};
  EXPECT_EQ(pareto_set(points), (Indices{0, 2}));
}

TEST(Pareto, OfEqualTimesTheFrugalestCounts) {
  const TimeAndEnergy points[] = {point(10, 3), point(10, 2)};
  EXPECT_EQ(pareto_set(points), Indices{1});
  EXPECT_TRUE(pareto_set({}).empty());
}

}  // namespace
}  // namespace flashcore
