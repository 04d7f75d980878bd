// Live pairs of two builds, and histories: what they find is scripted.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <random>

#include "compare/history.hpp"
#include "compare/live.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

using testing::Behaviour;
using testing::fake_variant;
using testing::FakeExecutor;
using testing::ok_record;
using testing::sample_problem;
using testing::Script;

const Variant kVariant = fake_variant("live");

RowVerdict run_live(const Script& base_script, const Script& next_script, std::uint64_t seed = 1) {
  FakeExecutor base(2 * seed);
  FakeExecutor next(2 * seed + 1);
  base.set_script(kVariant.id(), base_script);
  next.set_script(kVariant.id(), next_script);
  const Variant* variants[] = {&kVariant};
  LivePolicy policy;
  policy.compare.smallest_effect = kLiveSmallestEffect;
  policy.seed = seed;
  return compare_live(sample_problem(), variants, base, next, policy, [](int, std::string_view) {}).at(0);
}

TEST(CompareLive, OnePercentIsSeen) {
  int slower = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    slower += run_live({.latency_us = 10}, {.latency_us = 10.1}, seed).verdict == Verdict::slower ? 1 : 0;
  }
  EXPECT_GE(slower, 38);
}

TEST(CompareLive, TheSameIsTheSame) {
  int same = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const RowVerdict row = run_live({.noise = 0.004}, {.noise = 0.004}, seed);
    same += row.verdict == Verdict::same ? 1 : 0;
    EXPECT_LE(row.ratio->low, row.ratio->high);
  }
  EXPECT_GE(same, 39);
}

TEST(CompareLive, FasterAndItsInterval) {
  const RowVerdict row = run_live({.latency_us = 10}, {.latency_us = 8});
  EXPECT_EQ(row.verdict, Verdict::faster);
  EXPECT_LT(row.ratio->low, 0.8);
  EXPECT_GT(row.ratio->high, 0.8);
  EXPECT_NEAR(*row.base_us, 10, 0.1);
  EXPECT_NEAR(*row.new_us, 8, 0.1);
}

TEST(CompareLive, MuchNoiseIsUnclear) {
  EXPECT_EQ(run_live({.noise = 0.2}, {.noise = 0.2}).verdict, Verdict::unclear);
}

TEST(CompareLive, WhatFailsIsBroken) {
  for (const Behaviour behaviour :
       {Behaviour::wrong, Behaviour::throws_in_verify, Behaviour::throws_in_sample, Behaviour::unsupported}) {
    const RowVerdict row = run_live({}, {.behaviour = behaviour});
    EXPECT_EQ(row.verdict, Verdict::broken) << static_cast<int>(behaviour);
    EXPECT_FALSE(row.note.empty());
    EXPECT_TRUE(row.fails);
    EXPECT_EQ(run_live({.behaviour = behaviour}, {}).verdict, Verdict::added) << static_cast<int>(behaviour);
  }
}

TEST(CompareLive, ATimeThatIsNoneIsNeverTheSame) {
  for (const double us : {std::nan(""), 0.0, -5.0, HUGE_VAL}) {
    EXPECT_EQ(run_live({}, {.latency_us = us}).verdict, Verdict::broken) << us;
    EXPECT_EQ(run_live({.latency_us = us}, {}).verdict, Verdict::unclear) << us;
    EXPECT_EQ(run_live({.latency_us = us}, {.latency_us = us}).verdict, Verdict::unclear) << us;
  }
}

// Writes its name down at each sample, in capitals when it prepares.
class NamedExecutor : public FakeExecutor {
 public:
  NamedExecutor(char name, std::string& log) : name_(name), log_(log) {}
  void prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) override {
    log_ += static_cast<char>(std::toupper(name_));
    FakeExecutor::prepare(problem, seed, inputs);
  }
  Sample sample(const Variant& variant, TimingMode mode) override {
    log_ += name_;
    return FakeExecutor::sample(variant, mode);
  }

 private:
  char name_;
  std::string& log_;
};

TEST(CompareLive, TheSidesTakeTurnsInEitherOrder) {
  std::string log;
  NamedExecutor base('b', log);
  NamedExecutor next('n', log);
  const Variant* variants[] = {&kVariant};
  compare_live(sample_problem(), variants, base, next, {}, [](int, std::string_view) {});
  std::erase_if(log, [](char name) { return name == 'B' || name == 'N'; });
  std::size_t base_first = 0;
  for (std::size_t i = 0; i < log.size(); i += 2) {
    EXPECT_NE(log[i], log[i + 1]) << i;
    base_first += log[i] == 'b' ? 1 : 0;
  }
  EXPECT_GT(base_first, log.size() / 2 / 4);
  EXPECT_LT(base_first, log.size() / 2 * 3 / 4);
}

TEST(CompareLive, EachSideIsFirstToPrepareInEveryOtherBlock) {
  std::string log;
  NamedExecutor base('b', log);
  NamedExecutor next('n', log);
  const Variant* variants[] = {&kVariant};
  compare_live(sample_problem(), variants, base, next, {}, [](int, std::string_view) {});
  std::erase_if(log, [](char name) { return name == 'b' || name == 'n'; });
  std::string wanted;
  for (int block = 0; block < kLiveBlocks; ++block) wanted += block % 2 == 0 ? "BN" : "NB";
  EXPECT_EQ(log, wanted);
}

TEST(CompareLive, EachBlockPreparesAnew) {
  FakeExecutor both;
  const Variant* variants[] = {&kVariant};
  const LivePolicy policy{.pairs = 3};
  compare_live(sample_problem(), variants, both, both, policy, [](int, std::string_view) {});
  EXPECT_EQ(std::ranges::count(both.calls(), "prepare seed"), 2 * kLiveBlocks);
  EXPECT_EQ(std::ranges::count(both.calls(), "hot " + kVariant.id()), 2 * (3 + 1) * kLiveBlocks);
}

// `count` results of one row, a day apart; from `step` on slower by `factor`.
std::vector<ResultFile> results(int count, int step, double factor) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  std::vector<ResultFile> files;
  for (int day = 0; day < count; ++day) {
    const double us = 10 * std::exp(0.004 * normal(random)) * (day >= step ? factor : 1);
    ResultFile file;
    file.environment = {{"time", "2026-01-" + std::to_string(10 + day) + "T00:00:00Z"},
                        {"device", {{"name", "a device"}}}};
    file.records = {ok_record(sample_problem(), "mma", {64, 64, 4, 2}, us)};
    file.records[0].code_hash = "00f0a1b2c3d4e5f6";
    files.push_back(std::move(file));
  }
  std::ranges::shuffle(files, random);
  return files;
}

TEST(CompareHistory, AStepIsFoundWhereItWas) {
  const History history = make_history(results(12, 7, 1.05), {});
  ASSERT_EQ(history.rows.size(), 1U);
  ASSERT_EQ(history.rows[0].points.size(), 12U);
  ASSERT_EQ(history.rows[0].steps.size(), 1U);
  EXPECT_EQ(history.rows[0].points[history.rows[0].steps[0].place].time, "2026-01-17T00:00:00Z");
  EXPECT_NEAR(history.rows[0].steps[0].ratio, 1.05, 0.01);
}

TEST(CompareHistory, NoiseIsNoStep) {
  EXPECT_TRUE(make_history(results(12, 12, 1), {}).rows[0].steps.empty());
}

// The steps of a history whose samples were throttled at this clock, on a card that reaches 1980 MHz.
std::size_t steps_when_throttled_at(double mhz) {
  std::vector<ResultFile> files = results(12, 7, 1.03);
  for (ResultFile& file : files) {
    file.environment["nvml"]["max_sm_clock_mhz"] = 1980.0;
    Timing& timing = *file.records[0].timings[TimingMode::hot];
    timing.sm_clock_mhz.assign(timing.samples.size(), mhz);
    timing.throttled_samples = std::ssize(timing.samples);
  }
  return make_history(std::move(files), {}).rows[0].steps.size();
}

TEST(CompareHistory, ThrottlingByOneStepOfTheClockDoesNotCount) {
  EXPECT_EQ(steps_when_throttled_at(1965), 1U);
  EXPECT_EQ(steps_when_throttled_at(1755), 0U);
}

TEST(CompareHistory, OtherDevicesAreLeftOut) {
  std::vector<ResultFile> files = results(4, 4, 1);
  files[0].environment["device"]["name"] = "another";
  files[0].environment["time"] = "2025-01-01T00:00:00Z";
  const History history = make_history(std::move(files), {});
  EXPECT_EQ(history.left_out, 1U);
  EXPECT_EQ(history.rows.at(0).points.size(), 3U);
}

}  // namespace
}  // namespace flashcore
