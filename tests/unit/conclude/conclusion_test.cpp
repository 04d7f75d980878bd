#include "conclude/conclusion.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "measure/statistics.hpp"
#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

using testing::failed_record;
using testing::ok_record;
using testing::sample_problem;

constexpr Tile kTile = {64, 64, 4, 2};

Timing timing_of(double median, double low, double high) {
  return {.median = median, .ci95_low = low, .ci95_high = high, .samples = {low, median, high}};
}

Record record_of(std::string family, double us, Role role = Role::ladder, Tile tile = kTile) {
  Record record = ok_record(sample_problem(), std::move(family), tile, us);
  record.role = role;
  return record;
}

TEST(Tie, OverlappingIntervalsOrNearMedians) {
  const Timing best = timing_of(100, 99, 101);
  EXPECT_TRUE(are_tied(best, timing_of(103, 100.5, 105), 0.01));
  EXPECT_TRUE(are_tied(timing_of(103, 100.5, 105), best, 0.01));
  EXPECT_FALSE(are_tied(best, timing_of(103, 102, 105), 0.01));
  EXPECT_TRUE(are_tied(best, timing_of(103, 102, 105), 0.03));
}

TEST(Advantage, CombinesTheIntervalsOfBothMedians) {
  const Advantage over = advantage(timing_of(100, 97, 103), timing_of(200, 192, 208), 0.01);
  EXPECT_DOUBLE_EQ(over.ratio, 2);
  EXPECT_NEAR(over.low, 2 * std::exp(-std::hypot(std::log(200. / 192), std::log(1.03))), 1e-12);
  EXPECT_NEAR(over.high, 2 * std::exp(std::hypot(std::log(1.04), std::log(100. / 97))), 1e-12);
  EXPECT_FALSE(over.tied);
  const Advantage back = advantage(timing_of(200, 192, 208), timing_of(100, 97, 103), 0.01);
  EXPECT_NEAR(back.inverted().low, over.low, 1e-12);
  EXPECT_NEAR(back.inverted().high, over.high, 1e-12);
}

// Pairs of runs of two kernels whose true medians are 1.2 apart.
TEST(Advantage, IntervalHoldsTheTrueRatioInAbout95Percent) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(0, 0.03);
  const auto run = [&](double us) {
    std::vector<double> samples(25);
    std::ranges::generate(samples, [&] { return us * std::exp(noise(random)); });
    return make_timing(samples);
  };
  int held = 0;
  constexpr int kPairs = 2000;
  for (int i = 0; i < kPairs; ++i) {
    const Advantage over = advantage(run(10), run(12), 0.01);
    held += over.low <= 1.2 && 1.2 <= over.high ? 1 : 0;
  }
  EXPECT_GE(held, 0.94 * kPairs);
  EXPECT_LE(held, 0.985 * kPairs);
}

TEST(Advantage, OneSampleHasNoInterval) {
  const Timing one{.median = 10, .ci95_low = 10, .ci95_high = 10, .samples = {10}};
  EXPECT_FALSE(advantage(one, timing_of(20, 19, 21), 0.01).has_interval);
  EXPECT_TRUE(advantage(timing_of(10, 9, 11), timing_of(20, 19, 21), 0.01).has_interval);
}

TEST(GeometricMean, AveragesLogarithmsAndNarrowsWithTheirNumber) {
  const Advantage two{.ratio = 2, .low = 1.9, .high = 2.1};
  const Advantage half{.ratio = 0.5, .low = 1 / 2.1, .high = 1 / 1.9};
  const auto none = geometric_mean(std::vector{two, half});
  ASSERT_TRUE(none);
  EXPECT_NEAR(none->ratio, 1, 1e-12);
  EXPECT_TRUE(none->tied);
  const auto four = geometric_mean(std::vector{two, two, two, two});
  EXPECT_NEAR(four->ratio, 2, 1e-12);
  EXPECT_NEAR(std::log(four->high / 2), std::log(1.05) / 2, 1e-12);
  EXPECT_FALSE(four->tied);
  EXPECT_FALSE(geometric_mean({}));
}

TEST(Contest, IsWonTiedOrLostByTheRuleOfTies) {
  const Timing own = timing_of(100, 99, 101);
  EXPECT_EQ(contest(advantage(own, timing_of(120, 119, 121), 0.01)), Contest::won);
  EXPECT_EQ(contest(advantage(own, timing_of(80, 79, 81), 0.01)), Contest::lost);
  EXPECT_EQ(contest(advantage(own, timing_of(98, 90, 99.5), 0.01)), Contest::tied);
}

TEST(Conclude, TheFastestOfThisProjectBesideBaselineAndFastestPeer) {
  const Record records[] = {record_of("scalar", 400), record_of("peer_a", 5, Role::peer),
                            record_of("mma", 10), record_of("peer_b", 20, Role::peer),
                            record_of("mine", 8, Role::plugin)};
  const auto found = conclude(records, "scalar/*", {});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->fastest, records[4].variant_id());
  EXPECT_EQ(found->baseline->other, records[0].variant_id());
  EXPECT_DOUBLE_EQ(found->baseline->over.ratio, 50);
  EXPECT_EQ(found->peer->other, records[1].variant_id());
  EXPECT_DOUBLE_EQ(found->peer->over.ratio, 5. / 8);
  EXPECT_EQ(found->main(), &*found->peer);
  EXPECT_TRUE(found->ties.empty());
}

TEST(Conclude, TiesAreOtherVariantsByTheirMedians) {
  const Record records[] = {record_of("mma", 10.1), record_of("mma", 10), record_of("wgmma", 10.2),
                            record_of("wmma", 10.05), record_of("scalar", 99)};
  const auto found = conclude(records, "scalar/*", {});
  EXPECT_EQ(found->ties, (std::vector{records[3].variant_id(), records[2].variant_id()}));
}

TEST(Conclude, BaselinesThatAreTheFastestOrThePeer) {
  const Record own[] = {record_of("mma", 10), record_of("scalar", 400)};
  const auto itself = conclude(own, "mma/*", {});
  EXPECT_TRUE(itself->is_baseline);
  EXPECT_FALSE(itself->baseline);
  const Record peers[] = {record_of("mma", 10), record_of("peer_a", 20, Role::peer)};
  const auto beside = conclude(peers, "peer_a/*", {});
  EXPECT_TRUE(beside->baseline_is_peer);
  EXPECT_TRUE(beside->baseline);
  EXPECT_FALSE(beside->peer);
}

TEST(Conclude, AbsentBaselinesAndLoneVariants) {
  const Record two[] = {record_of("mma", 10), record_of("scalar", 400)};
  EXPECT_FALSE(conclude(two, "none/*", {})->baseline);
  EXPECT_TRUE(conclude(two, "", {})->is_baseline);
  EXPECT_FALSE(conclude(two, "", {})->has_named_baseline);
  EXPECT_FALSE(conclude({two, 1}, "", {}));
  const Record peers[] = {record_of("peer_a", 20, Role::peer), record_of("peer_b", 20, Role::peer)};
  EXPECT_FALSE(conclude(peers, "", {}));
  const Record failed[] = {failed_record(sample_problem(), "mma", kTile, Status::crashed, "why"), two[0]};
  EXPECT_FALSE(conclude(failed, "", {}));
}

TEST(Conclude, OnlyTimesOfOneModeAreCompared) {
  std::vector<Record> records = {record_of("mma", 10), record_of("peer_a", 20, Role::peer)};
  records[1].timings[TimingMode::hot].reset();
  EXPECT_FALSE(conclude(records, "", {})->peer);
}

TEST(Conclude, StandingsThatFallShortAreKnown) {
  const Record records[] = {record_of("mma", 10), record_of("scalar", 400)};
  EXPECT_TRUE(conclude(records, "scalar/*", {.relative_width = 1})->baseline->falls_short);
  EXPECT_FALSE(conclude(records, "scalar/*", {.relative_width = 1, .min_samples = 5})->baseline->falls_short);
}

TEST(Conclusion, MeansCountTheirProblems) {
  Conclusion conclusion("scalar/*", {});
  const Record one[] = {record_of("mma", 10), record_of("scalar", 40), record_of("peer_a", 20, Role::peer)};
  const Record other[] = {record_of("scalar", 10), record_of("wmma", 20)};  // the baseline is the fastest
  conclusion.add(one);
  conclusion.add(other);
  EXPECT_EQ(conclusion.problems().size(), 2U);
  EXPECT_NEAR(conclusion.over_baseline()->over.ratio, 2, 1e-12);
  EXPECT_EQ(conclusion.over_baseline()->problems, 2U);
  EXPECT_NEAR(conclusion.over_peer()->over.ratio, 2, 1e-12);
  EXPECT_EQ(conclusion.over_peer()->problems, 1U);
  EXPECT_EQ(conclusion.over_baseline()->won, 1U);
  EXPECT_EQ(conclusion.over_baseline()->tied, 1U);  // its fastest is the baseline
  EXPECT_EQ(conclusion.over_peer()->won, 1U);
  EXPECT_EQ(conclusion.caveats().timed, 5);
}

Record labelled(Record record, bool invariant) {
  record.check->batch_invariant = invariant;
  return record;
}

TEST(Conclude, CostOfBatchInvariance) {
  const Record records[] = {labelled(record_of("mma", 10), false), labelled(record_of("wgmma", 12), true),
                            labelled(record_of("scalar", 30), true),
                            labelled(record_of("peer_a", 11, Role::peer), true)};
  const auto cost = conclude(records, "", {})->invariance;
  ASSERT_TRUE(cost);
  EXPECT_EQ(cost->variant, records[1].variant_id());
  EXPECT_DOUBLE_EQ(cost->of_fastest.ratio, 1.2);
  EXPECT_FALSE(cost->is_fastest);
}

TEST(Conclude, CostOfBatchInvarianceNeedsBothKinds) {
  const Record none[] = {record_of("mma", 10), labelled(record_of("wgmma", 12), true)};
  EXPECT_FALSE(conclude(none, "", {})->invariance);
  const Record all[] = {labelled(record_of("mma", 10), true), labelled(record_of("wgmma", 12), true)};
  EXPECT_FALSE(conclude(all, "", {})->invariance);
  const Record free[] = {labelled(record_of("mma", 10), true), labelled(record_of("wgmma", 12), false)};
  EXPECT_TRUE(conclude(free, "", {})->invariance->is_fastest);
}

TEST(Conclusion, CostOfBatchInvarianceOverProblems) {
  Conclusion conclusion("", {});
  for (const double us : {11.0, 44.0 / 3}) {
    const Record records[] = {labelled(record_of("mma", 10), false), labelled(record_of("wgmma", us), true)};
    conclusion.add(records);
  }
  EXPECT_EQ(conclusion.of_invariance()->problems, 2U);
  EXPECT_NEAR(conclusion.of_invariance()->over.ratio, std::sqrt(1.1 * 4.4 / 3), 1e-12);
}

}  // namespace
}  // namespace flashcore
