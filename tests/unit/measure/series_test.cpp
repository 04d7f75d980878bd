#include "measure/series.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace flashcore {
namespace {

using std::chrono::seconds;

SampleBlock turn(double us, int begin_s) {
  const TelemetryClock::time_point begin{seconds(begin_s)};
  return {.us = {us}, .spans = {{begin, begin + seconds(1)}}, .launches = 1, .sampled_s = 1e-6 * us};
}

TEST(Series, ATurnIsASample) {
  Record record;
  Series series({nullptr, &record});
  for (int i = 0; i < 3; ++i) {
    series.add_turn(turn(10 + i, i));
    series.end_block();
  }
  EXPECT_EQ(series.samples(), (std::vector<double>{10, 11, 12}));
  EXPECT_DOUBLE_EQ(series.block_s(), 1);
}

TEST(Series, ABlockIsTheMeanWithoutItsEnds) {
  Record record;
  Series series({nullptr, &record});
  for (int i = 0; i < 9; ++i) series.add_turn(turn(i % 2 == 0 ? 10 : 20, i));
  series.add_turn(turn(1000, 9));  // an interruption
  series.end_block();
  ASSERT_EQ(series.size(), 1u);
  EXPECT_DOUBLE_EQ(series.samples()[0], (4 * 10 + 4 * 20) / 8.0);  // without one 10 and without 1000
  EXPECT_DOUBLE_EQ(series.block_s(), 10);
  series.end_block();  // no turns since then
  EXPECT_EQ(series.size(), 1u);
}

TEST(Series, RestartDeletesSamplesAndTurns) {
  Record record;
  Series series({nullptr, &record});
  series.add_turn(turn(10, 0));
  series.end_block();
  series.add_turn(turn(20, 1));
  series.restart();
  series.end_block();
  EXPECT_EQ(series.size(), 0u);
  series.add_turn(turn(30, 2));
  series.end_block();
  EXPECT_EQ(series.samples(), std::vector<double>{30});
  EXPECT_FALSE(series.finished());
}

}  // namespace
}  // namespace flashcore
