// The rule for problems that were not tuned, on a made-up device: times follow from a model of tiles and waves, so that
// the best variant of every problem is known and nothing is measured.
#include "tune/dispatch_rule.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>

#include "tune/dispatch_report.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

constexpr int kSms = 132;

// A kernel on a device with kSms multiprocessors: every wave takes a block's start and the larger of its arithmetic and
// its reads, and no launch is faster than its bytes from memory.
class ModelDevice {
 public:
  ModelDevice() {
    for (const int block_q : {16, 32, 64, 128}) {
      for (const int block_kv : {32, 64, 128}) {
        for (const int splits : {0, 4, 16}) {
          for (const int packs : {0, 1}) {
            if (splits > 0 && block_q > 32) continue;
            Variant variant = testing::fake_variant("model", {block_q, block_kv, 4, 2});
            variant.spec.tile.kv_split_blocks = splits;
            variant.spec.tile.pack_gqa = packs;
            variants_.push_back(variant);
          }
        }
      }
    }
  }

  double time_us(const Variant& variant, const Problem& p) const {
    const Tile& tile = variant.spec.tile;
    const auto group = static_cast<double>(p.heads_q / p.heads_kv);
    const bool packs = tile.pack_gqa != 0;
    const double rows = static_cast<double>(p.seq_q) * (packs ? group : 1);
    const double splits = std::max(tile.kv_split_blocks, 1);
    const double blocks = static_cast<double>(p.batch * (packs ? p.heads_kv : p.heads_q)) *
                          std::ceil(rows / tile.block_q) * splits;
    const double steps = mean_steps(tile, p, packs ? group : 1);
    const double arithmetic_us = tile.block_q * tile.block_kv * 1.3e-4 * (1 + 12.0 / tile.block_q);
    const double reads_us = tile.block_kv * 0.006;
    const double block_us = 1.2 + steps * (0.1 + std::max(arithmetic_us, reads_us));
    const double waves = blocks / kSms;
    // Blocks end at different times, so that a wave that is not full costs a part of a full one.
    const double rounds = waves <= 1 ? 1 : (waves + std::ceil(waves)) / 2;
    const double from_memory_us = compulsory_bytes(p) / 3e6;
    const double merge_us = tile.kv_split_blocks > 0 ? 2.5 : 0;
    return 2 + merge_us + std::max(rounds * block_us, from_memory_us);
  }

  // Steps of a block over its keys, on average: a block of a causal problem ends at its last query's key.
  static double mean_steps(const Tile& tile, const Problem& p, double group) {
    const double splits = std::max(tile.kv_split_blocks, 1);
    const double tiles = std::ceil(static_cast<double>(p.seq_q) * group / tile.block_q);
    double steps = 0;
    for (double i = 1; i <= tiles; ++i) {
      const double last = std::min(std::ceil(i * tile.block_q / group), static_cast<double>(p.seq_q));
      const double keys = static_cast<double>(p.seq_kv - p.seq_q) + last;
      steps += std::ceil(std::ceil(keys / splits) / tile.block_kv);
    }
    return steps / tiles;
  }

  RulePoint tuned(const Problem& problem) const {
    RulePoint point{.problem = problem, .times = {}, .by_default = &variants_.front()};
    for (const Variant& variant : variants_) point.times.push_back({&variant, time_us(variant, problem), 1});
    return point;
  }

  // The chosen variant's time over the best one's, less 1.
  double loss(const Variant& chosen, const Problem& problem) const {
    double best = time_us(chosen, problem);
    for (const Variant& variant : variants_) best = std::min(best, time_us(variant, problem));
    return time_us(chosen, problem) / best - 1;
  }

  const Variant& by_default() const { return variants_.front(); }

 private:
  std::deque<Variant> variants_;
};

Problem model_problem(std::int64_t batch, std::int64_t seq_q, std::int64_t seq_kv) {
  Problem problem{
      .name = "p", .batch = batch, .heads_q = 32, .heads_kv = 8, .seq_q = seq_q, .seq_kv = seq_kv};
  problem.scale = default_scale(problem.head_dim);
  problem.causal = true;
  return problem;
}

// Problems of a serving engine: batches of 1 to 128 sequences that decode, or prompts in batches of up to 16.
std::vector<Problem> seeded_problems(bool decodes, int count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto between = [&](double low, double high) {
    const double share = static_cast<double>(random() >> 11) * 0x1p-53;
    return static_cast<std::int64_t>(low * std::pow(high / low, share));
  };
  std::vector<Problem> problems;
  for (int i = 0; i < count; ++i) {
    if (decodes) {
      problems.push_back(model_problem(between(1, 129), 1, between(256, 32768)));
    } else {
      const std::int64_t seq = between(128, 8192);
      problems.push_back(model_problem(between(1, 17), seq, seq));
    }
  }
  return problems;
}

bool runs_all(const Variant&) { return true; }

struct Outcome {
  DispatchLoss rule;
  DispatchLoss by_default;
  int within_5_percent = 0;
  int slower_than_default = 0;
};

constexpr int kTried = 200;

// The rule of 64 tuned problems, on others of the same range.
Outcome try_rule(const ModelDevice& device, bool decodes) {
  std::vector<RulePoint> points;
  for (const Problem& problem : seeded_problems(decodes, 64, 1)) points.push_back(device.tuned(problem));
  const DispatchRule rule(points, kSms);
  EXPECT_LE(rule.kept().size(), kMostKeptVariants);
  Outcome outcome;
  for (const Problem& problem : seeded_problems(decodes, kTried, 2)) {
    const auto guess = rule.choose(problem, &device.by_default(), runs_all);
    const double loss = device.loss(guess ? *guess->variant : device.by_default(), problem);
    const double of_default = device.loss(device.by_default(), problem);
    outcome.rule.add(loss, 1);
    outcome.by_default.add(of_default, 1);
    outcome.within_5_percent += loss <= 0.05 ? 1 : 0;
    outcome.slower_than_default += loss > of_default + 0.02 ? 1 : 0;
  }
  return outcome;
}

std::string text_of(const Outcome& outcome) {
  return fmt::format("rule worst {:+.1f} %, mean {:+.2f} %; default worst {:+.1f} %, mean {:+.1f} %",
                     100 * outcome.rule.worst, 100 * outcome.rule.mean(), 100 * outcome.by_default.worst,
                     100 * outcome.by_default.mean());
}

TEST(DispatchRule, PrefillThatWasNotTuned) {
  const Outcome outcome = try_rule(ModelDevice(), false);
  SCOPED_TRACE(text_of(outcome));
  RecordProperty("outcome", text_of(outcome));
  EXPECT_LE(outcome.rule.mean(), 0.01);
  EXPECT_LE(outcome.rule.worst, 0.05);
  EXPECT_GE(outcome.within_5_percent, kTried * 97 / 100);
  EXPECT_EQ(outcome.slower_than_default, 0);
  EXPECT_GT(outcome.by_default.mean(), 0.1);
}

TEST(DispatchRule, DecodeThatWasNotTuned) {
  const Outcome outcome = try_rule(ModelDevice(), true);
  SCOPED_TRACE(text_of(outcome));
  RecordProperty("outcome", text_of(outcome));
  EXPECT_LE(outcome.rule.mean(), 0.01);
  EXPECT_LE(outcome.rule.worst, 0.07);  // one block more than a wave: no problem nearby tells of it
  EXPECT_GE(outcome.within_5_percent, kTried * 95 / 100);
  EXPECT_EQ(outcome.slower_than_default, 0);
  EXPECT_GT(outcome.by_default.mean(), 0.1);
}

class PlantedRule : public ::testing::Test {
 protected:
  PlantedRule() {
    for (const int block_q : {16, 32, 64})
      variants.push_back(testing::fake_variant("model", {block_q, 64, 4, 2}));
  }

  // A tuned problem with the times of the three variants over the best.
  RulePoint point(std::int64_t keys, double first, double second, double third) {
    RulePoint made{.problem = model_problem(1, 256, keys), .times = {}, .by_default = &variants[0]};
    const double ratios[] = {first, second, third};
    for (std::size_t i = 0; i < 3; ++i) made.times.push_back({&variants[i], ratios[i], 1});
    return made;
  }

  DispatchRule::Guess guess(const std::vector<RulePoint>& points, std::int64_t keys) {
    const auto found = DispatchRule(points, 0).choose(model_problem(1, 256, keys), &variants[0], runs_all);
    EXPECT_TRUE(found.has_value());
    return found.value_or(DispatchRule::Guess{});
  }

  std::deque<Variant> variants;
};

TEST_F(PlantedRule, TheNearerProblemsDecide) {
  const std::vector<RulePoint> points = {point(512, 1.5, 1, 1.2), point(600, 1.5, 1, 1.2),
                                         point(8192, 1.5, 1.2, 1), point(9000, 1.5, 1.2, 1)};
  EXPECT_EQ(guess(points, 550).variant, &variants[1]);
  EXPECT_EQ(guess(points, 8500).variant, &variants[2]);
  EXPECT_EQ(guess(points, 8500).from.front(), 2u);
}

TEST_F(PlantedRule, TheDefaultStaysWhereNothingIsFaster) {
  const std::vector<RulePoint> points = {point(512, 1.005, 1, 1.2), point(600, 1.005, 1, 1.2)};
  EXPECT_TRUE(guess(points, 550).is_default);
  EXPECT_EQ(guess(points, 550).variant, &variants[0]);
}

TEST_F(PlantedRule, TheDefaultStaysWhereTheGainIsWithinTheNoise) {
  std::vector<RulePoint> points = {point(512, 1.08, 1, 1.2), point(600, 1.08, 1, 1.2)};
  EXPECT_EQ(guess(points, 550).variant, &variants[1]);
  for (RulePoint& one : points) one.noise = 0.2;
  EXPECT_TRUE(guess(points, 550).is_default);
}

TEST_F(PlantedRule, NoisyProblemsCountLess) {
  std::vector<RulePoint> points = {point(512, 1.5, 1.3, 1), point(600, 1.5, 1, 1.2)};
  EXPECT_EQ(guess(points, 540).variant, &variants[2]);
  points[0].noise = 0.1;
  EXPECT_EQ(guess(points, 540).variant, &variants[1]);
}

// Without the nearest problem, the others advise what is slower there than the default.
TEST_F(PlantedRule, TheDefaultStaysWhereTheRuleIsSlowerOnWhatIsLeftOut) {
  std::vector<RulePoint> points = {point(512, 1.1, 1, 1.4)};
  EXPECT_EQ(guess(points, 516).variant, &variants[1]);
  for (int i = 0; i < 4; ++i) points.push_back(point(800 + 8 * i, 1.1, 1.4, 1));
  EXPECT_TRUE(guess(points, 516).is_default);
}

TEST_F(PlantedRule, EqualTimesGiveTheSameVariantInAnyOrder) {
  std::vector<RulePoint> points = {point(512, 1.5, 1, 1.001), point(600, 1.5, 1.001, 1)};
  const Variant* first = guess(points, 550).variant;
  std::ranges::reverse(points);
  for (RulePoint& one : points) std::ranges::reverse(one.times);
  EXPECT_EQ(guess(points, 550).variant, first);
}

TEST_F(PlantedRule, FarProblemsSayNothing) {
  const std::vector<RulePoint> points = {point(256, 1.5, 1, 1.2)};
  const DispatchRule rule(points, 0);
  EXPECT_TRUE(rule.choose(model_problem(1, 256, 512), nullptr, runs_all).has_value());
  EXPECT_FALSE(rule.choose(model_problem(64, 256, 1 << 20), nullptr, runs_all).has_value());
}

TEST_F(PlantedRule, AVariantThatCannotRunIsNotChosen) {
  const std::vector<RulePoint> points = {point(512, 1.5, 1, 1.2), point(600, 1.5, 1.2, 1)};
  const auto found = DispatchRule(points, 0).choose(
      model_problem(1, 256, 550), nullptr, [&](const Variant& variant) { return &variant != &variants[1]; });
  ASSERT_TRUE(found.has_value());
  EXPECT_NE(found->variant, &variants[1]);
}

TEST(KeptVariants, TheWorstCaseComesFirstThenTheMean) {
  // The first variant has the best mean, but is far behind on the last problem.
  std::vector<VariantLosses> problems;
  for (int i = 0; i < 5; ++i) problems.push_back({.log_times = {0, 0.1, 1}});
  problems.push_back({.log_times = {1, 0.1, 0}});
  EXPECT_EQ(keep_variants(problems), (std::vector<std::size_t>{0, 2}));
}

TEST(KeptVariants, NoMoreThanTheyMayBe) {
  std::vector<VariantLosses> problems;
  for (std::size_t i = 0; i < 20; ++i) {
    VariantLosses losses{.log_times = std::vector<double>(20, 0.5)};
    losses.log_times[i] = 0;
    losses.weight = i == 13 ? 5 : 1;
    problems.push_back(losses);
  }
  const std::vector<std::size_t> kept = keep_variants(problems);
  EXPECT_EQ(kept.size(), kMostKeptVariants);
  EXPECT_EQ(std::ranges::count(kept, 13u), 1) << "the heaviest problem's winner";
}

// Eight problems need a variant each; a ninth, heavy one is near the best with any of them.
TEST(KeptVariants, AHeavyProblemDoesNotWorsenTheWorstCase) {
  std::vector<VariantLosses> problems;
  for (std::size_t i = 0; i < kMostKeptVariants; ++i) {
    VariantLosses losses{.log_times = std::vector<double>(kMostKeptVariants + 1, 0.5)};
    losses.log_times[i] = 0;
    problems.push_back(losses);
  }
  VariantLosses heavy{.log_times = std::vector<double>(kMostKeptVariants + 1, 0.1), .weight = 100};
  heavy.log_times[kMostKeptVariants] = 0;
  problems.push_back(heavy);
  const std::vector<std::size_t> kept = keep_variants(problems);
  EXPECT_EQ(kept.size(), kMostKeptVariants);
  EXPECT_EQ(std::ranges::count(kept, kMostKeptVariants), 0);
}

TEST(KeptVariants, NoiseDoesNotAddVariants) {
  const std::vector<VariantLosses> problems = {{.log_times = {0.001, 0}}, {.log_times = {0, 0.002}}};
  EXPECT_EQ(keep_variants(problems), std::vector<std::size_t>{0});
}

TEST(PhaseOfAProblem, FollowsTheQueriesOfItsSequences) {
  EXPECT_EQ(phase_of(model_problem(8, 1, 512)), Phase::decode);
  EXPECT_EQ(phase_of(model_problem(8, 512, 512)), Phase::prefill);
  Problem ragged = model_problem(2, 512, 512);
  ragged.lengths = Lengths{.q = {512, 1}, .kv = {512, 300}};
  EXPECT_EQ(phase_of(ragged), Phase::mixed);
  ragged.lengths = Lengths{.q = {512, 0}, .kv = {512, 300}};
  EXPECT_EQ(phase_of(ragged), Phase::prefill);
}

}  // namespace
}  // namespace flashcore
