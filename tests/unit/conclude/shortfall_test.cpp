#include "conclude/shortfall.hpp"

#include <gtest/gtest.h>

#include "conclude/budget.hpp"
#include "conclude/caveats.hpp"
#include "measure/statistics.hpp"
#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

using testing::failed_record;
using testing::ok_record;
using testing::sample_problem;

constexpr Tile kTile = {64, 64, 4, 2};

// `count` samples, evenly spread from middle − half to middle + half.
Timing even_timing(int count, double half, double middle = 100) {
  std::vector<double> samples;
  for (int i = 0; i < count; ++i) samples.push_back(middle - half + 2 * half * i / std::max(count - 1, 1));
  return make_timing(samples);
}

Record timed_record(const Timing& hot) {
  Record record = ok_record(sample_problem(), "mma", kTile, 100);
  record.timings = {};
  record.timings[TimingMode::hot] = hot;
  return record;
}

const MeasurePolicy kRule{
    .modes = {TimingMode::hot}, .relative_width = 0.01, .min_samples = 15, .max_samples = 200};

TEST(Shortfall, OfSamplesAndOfWidth) {
  EXPECT_FALSE(shortfall(timed_record(even_timing(15, 0.1)), kRule).any());
  const Shortfall few = shortfall(timed_record(even_timing(14, 0.1)), kRule);
  EXPECT_TRUE(few.few_samples);
  EXPECT_FALSE(few.wide);
  const Shortfall wide = shortfall(timed_record(even_timing(15, 2)), kRule);
  EXPECT_FALSE(wide.few_samples);
  EXPECT_TRUE(wide.wide);
  EXPECT_FALSE(wide.at_limit);
}

TEST(Shortfall, EveryTimingNeedsItsSamplesButOnlyTheHeadlineItsWidth) {
  Record record = timed_record(even_timing(15, 0.1));
  record.timings[TimingMode::call] = even_timing(15, 20);
  MeasurePolicy rule = kRule;
  rule.modes = {TimingMode::hot, TimingMode::call};
  EXPECT_FALSE(shortfall(record, rule).any());
  record.timings[TimingMode::call] = even_timing(3, 0.1);
  EXPECT_TRUE(shortfall(record, rule).few_samples);
  EXPECT_FALSE(
      shortfall(record, kRule).any());  // a search may have timed lone calls that the config did not ask for
}

TEST(Shortfall, NoBudgetNarrowsWhatMaxSamplesEnds) {
  EXPECT_TRUE(shortfall(timed_record(even_timing(200, 10)), kRule).at_limit);
  EXPECT_TRUE(shortfall(timed_record(even_timing(15, 20)), kRule).at_limit);
}

TEST(Shortfall, WhatIsNotTimedHasNone) {
  EXPECT_FALSE(shortfall(failed_record(sample_problem(), "mma", kTile, Status::crashed, "why"), kRule).any());
}

TEST(Shortfall, NeededSamplesAreBetweenTheLimits) {
  EXPECT_EQ(needed_samples(even_timing(20, 0.1), kRule), 20);
  EXPECT_EQ(needed_samples(even_timing(3, 0.01), kRule), 15);
  EXPECT_EQ(needed_samples(even_timing(20, 100), kRule), 200);
  EXPECT_EQ(needed_samples(even_timing(1, 0), kRule), 200);
}

TEST(Shortfall, FourTimesTheSamplesHalveTheInterval) {
  const Timing timing = even_timing(20, 2);
  const MeasurePolicy half{.relative_width = relative_width(timing) / 2, .max_samples = 1000};
  EXPECT_NEAR(static_cast<double>(needed_samples(timing, half)), 80, 1);
}

TEST(Shortfall, RuleOfAConfigHasDefaultsWhereTheConfigSaysNothing) {
  const Json config = {{"measure", {{"min_samples", 7}, {"relative_width", 0.02}, {"budget_s", "much"}}}};
  const MeasurePolicy rule = configured_rule(config);
  EXPECT_EQ(rule.min_samples, 7);
  EXPECT_EQ(rule.relative_width, 0.02);
  EXPECT_EQ(rule.max_samples, MeasurePolicy{}.max_samples);
  EXPECT_EQ(configured_rule(Json::object()).min_samples, MeasurePolicy{}.min_samples);
  EXPECT_EQ(configured_rule({{"measure", {{"min_samples", "7"}}}}).min_samples, MeasurePolicy{}.min_samples);
  EXPECT_EQ(configured_rule({{"measure", {{"pacing", "burst"}}}}).pacing, Pacing::burst);
  const auto modes = [](const Json& clocks) {
    return configured_rule({{"measure", {{"clocks", clocks}}}}).modes;
  };
  EXPECT_EQ(modes("call"), std::vector{TimingMode::call});
  EXPECT_EQ(modes({"call", "hot", "other"}), (std::vector{TimingMode::hot, TimingMode::call}));
}

TEST(Caveats, AreCounted) {
  Caveats caveats;
  caveats.add(timed_record(even_timing(3, 3)), kRule);
  caveats.add(timed_record(even_timing(15, 0.1)), kRule);
  Record slowed = ok_record(sample_problem(), "mma", kTile, 100);
  testing::add_measurements(slowed);
  caveats.add(slowed, {.relative_width = 1, .min_samples = 1});
  caveats.add(failed_record(sample_problem(), "mma", kTile, Status::crashed, "why"), kRule);
  EXPECT_EQ(caveats.timed, 3);
  EXPECT_EQ(caveats.few_samples, 1);
  EXPECT_EQ(caveats.wide, 1);
  EXPECT_EQ(caveats.clocks_wandered, 1);
  EXPECT_EQ(caveats.throttled, 1);
  EXPECT_EQ(caveats.throttle_reasons, kSwPowerCap | kHwThermalSlowdown);
}

Timing sampled(Timing timing, double seconds_each) {
  timing.sampled_s = seconds_each * static_cast<double>(timing.samples.size());
  return timing;
}

TEST(Budget, NeedsTheTimeOfTheSamplesThatAreMissing) {
  // 3 of 15 samples of 0.1 s; a second record, far away, has all of its own.
  const Record fast = timed_record(sampled(even_timing(15, 0.01, 10), 0.01));
  const Record records[] = {timed_record(sampled(even_timing(3, 0.001), 0.1)), fast};
  const auto time = needed_time(records, kRule, 0.45);
  ASSERT_TRUE(time);
  EXPECT_NEAR(time->spent_s, 15 * 0.1 + 15 * 0.01, 1e-9);
  EXPECT_NEAR(time->share_s, time->spent_s, 1e-9);
}

TEST(Budget, NeighboursLeaveTogether) {
  const Record records[] = {timed_record(sampled(even_timing(200, 10), 0.1)),
                            timed_record(sampled(even_timing(15, 0.1), 0.1))};
  EXPECT_NEAR(needed_time(records, kRule, 0)->spent_s, 2 * 200 * 0.1, 1e-9);
}

TEST(Budget, WhatIsNoSampleGrowsWithTheSamples) {
  const Record records[] = {timed_record(sampled(even_timing(3, 0.001), 0.1))};
  EXPECT_NEAR(needed_time(records, kRule, 0.6)->spent_s, 2 * 15 * 0.1, 1e-9);
}

TEST(Budget, ModesDivideTheShare) {
  Record record = timed_record(sampled(even_timing(15, 0.1), 0.1));
  record.timings[TimingMode::call] = sampled(even_timing(15, 0.1), 0.001);
  MeasurePolicy rule = kRule;
  rule.modes = {TimingMode::hot, TimingMode::call};
  const auto time = needed_time({&record, 1}, rule, 0);
  EXPECT_NEAR(time->spent_s, 1.515, 1e-9);
  EXPECT_NEAR(time->share_s, 3, 1e-9);  // the first of two modes must end within half of it
}

TEST(Budget, IsUnknownWithoutTheTimeOfSamples) {
  const Record records[] = {timed_record(even_timing(3, 0.001))};
  EXPECT_FALSE(needed_time(records, kRule, 1));
}

TEST(Budget, LaterProblemsUseWhatEarlierOnesLeave) {
  const ProblemTime equal[] = {{.share_s = 2, .spent_s = 2}, {.share_s = 2, .spent_s = 2}};
  EXPECT_EQ(sufficient_budget_s(equal), 4);
  const ProblemTime last[] = {{.share_s = 1, .spent_s = 1}, {.share_s = 9, .spent_s = 9}};
  EXPECT_EQ(sufficient_budget_s(last), 10);
  const ProblemTime first[] = {{.share_s = 9, .spent_s = 9}, {.share_s = 1, .spent_s = 1}};
  EXPECT_EQ(sufficient_budget_s(first), 18);
}

TEST(Budget, IsRoundedUpToTwoDigits) {
  for (const auto& [seconds, shown] : {std::pair{132.0, 140.0}, {130.0, 130.0}, {1.31, 1.4}, {0.0, 0.0}}) {
    EXPECT_NEAR(with_two_digits(seconds), shown, 1e-9);
  }
}

}  // namespace
}  // namespace flashcore
