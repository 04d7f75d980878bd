#include "measure/statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>

#include "base/error.hpp"

namespace flashcore {
namespace {

TEST(Quantile, InterpolatesBetweenNeighbours) {
  const std::vector<double> four = {10, 20, 40, 80};
  EXPECT_DOUBLE_EQ(quantile(four, 0), 10);
  EXPECT_DOUBLE_EQ(quantile(four, 0.5), 30);  // position 1.5
  EXPECT_DOUBLE_EQ(quantile(four, 0.1), 13);  // position 0.3
  EXPECT_DOUBLE_EQ(quantile(four, 0.9), 68);  // position 2.7
  EXPECT_DOUBLE_EQ(quantile(four, 1), 80);
  EXPECT_DOUBLE_EQ(quantile(std::vector<double>{7}, 0.9), 7);
  EXPECT_THROW(quantile({}, 0.5), std::invalid_argument);
}

// Ranks from 1 in the tables of textbooks: 1–6, 2–8, 2–9, 6–15, 18–33, 40–61.
TEST(MedianInterval, MatchesTabulatedRanks) {
  const auto expect_ranks = [](std::size_t n, std::size_t low, std::size_t high) {
    const RankInterval ranks = median_interval_ranks(n);
    EXPECT_EQ(ranks.low + 1, low) << "n = " << n;
    EXPECT_EQ(ranks.high + 1, high) << "n = " << n;
  };
  expect_ranks(1, 1, 1);
  expect_ranks(2, 1, 2);
  expect_ranks(5, 1, 5);
  expect_ranks(6, 1, 6);
  expect_ranks(9, 2, 8);
  expect_ranks(10, 2, 9);
  expect_ranks(20, 6, 15);
  expect_ranks(50, 18, 33);
  expect_ranks(100, 40, 61);
}

// In whole numbers, by Pascal's triangle: the interval covers 95 %, one rank further in would not.
TEST(MedianInterval, IsTheNarrowestThatCovers95Percent) {
  std::vector<std::uint64_t> binomials = {1};
  for (std::size_t n = 1; n <= 55; ++n) {
    for (std::size_t i = binomials.size(); i-- > 1;) binomials[i] += binomials[i - 1];
    binomials.push_back(1);
    const double all = std::ldexp(1.0, static_cast<int>(n));
    const auto left_out = [&](std::size_t rank) {  // the probability that the median lies outside
      std::uint64_t below = 0;
      for (std::size_t i = 0; i <= rank; ++i) below += binomials[i];
      return 2 * static_cast<double>(below) / all;
    };
    const RankInterval ranks = median_interval_ranks(n);
    EXPECT_EQ(ranks.low + ranks.high, n - 1);
    if (n >= 6) {
      EXPECT_LE(left_out(ranks.low), 0.05) << "n = " << n;
    }
    EXPECT_GT(left_out(ranks.low + 1), 0.05) << "n = " << n;
  }
}

TEST(MedianInterval, SurvivesCountsWhosePowersOfTwoUnderflow) {
  const RankInterval ranks = median_interval_ranks(4000);
  // The normal approximation: 2000 − 1.96 · √4000 / 2 = 1938.
  EXPECT_NEAR(static_cast<double>(ranks.low), 1938, 2);
}

TEST(MakeTiming, KeepsTheOrderOfSamplesAndSortsForStatistics) {
  const Timing timing = make_timing({5, 1, 4, 2, 3, 9, 6});
  EXPECT_EQ(timing.samples, (std::vector<double>{5, 1, 4, 2, 3, 9, 6}));
  EXPECT_DOUBLE_EQ(timing.median, 4);
  EXPECT_DOUBLE_EQ(timing.p10, 1.6);
  EXPECT_DOUBLE_EQ(timing.p90, 7.2);
  EXPECT_DOUBLE_EQ(timing.ci95_low, 1);
  EXPECT_DOUBLE_EQ(timing.ci95_high, 9);
  EXPECT_DOUBLE_EQ(relative_width(timing), 2);
}

TEST(MakeTiming, RefusesWhatIsNoTime) {
  EXPECT_THROW(make_timing({}), std::invalid_argument);
  EXPECT_THROW(make_timing({1, std::nan("")}), EnvironmentError);
  EXPECT_THROW(make_timing({1, std::numeric_limits<double>::infinity()}), EnvironmentError);
}

TEST(RelativeWidth, IsInfiniteForAClockThatStandsStill) {
  EXPECT_TRUE(std::isinf(relative_width(make_timing({0, 0}))));
}

}  // namespace
}  // namespace flashcore
