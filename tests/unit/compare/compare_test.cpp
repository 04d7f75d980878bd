// The rule of compare, held against synthetic runs whose noise and changes are known.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <random>
#include <string_view>

#include "base/error.hpp"
#include "base/json_document.hpp"
#include "base/schema_version.hpp"
#include "compare/comparison.hpp"
#include "compare/noise_file.hpp"
#include "compare/resample.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/sample_records.hpp"

namespace flashcore {
namespace {

using testing::ok_record;
using testing::sample_problem;

// Runs of one machine: every row scatters by itself, all rows of a run shift together.
class Machine {
 public:
  struct Noise {
    double row = 0.0035;
    double common = 0.004;
    double sample = 0.004;
    int samples = 15;
  };
  using Slowdown = std::function<double(const Record&)>;  // factor of a row's time

  Machine(std::uint64_t seed, const Noise& noise) : random_(seed), noise_(noise) {}

  std::vector<Record> run(const Slowdown& slowdown = [](const Record&) { return 1.0; }) {
    const double common = noise_.common * normal_(random_);
    std::vector<Record> records;
    for (int row = 0; row < kRows; ++row) {
      Problem problem = sample_problem();
      problem.seq_q = 256 << (row % 3);
      problem.name = "seed_q" + std::to_string(problem.seq_q);
      const std::string family = "family" + std::to_string(row / 3 % 5);
      Record record = ok_record(problem, family, {16 * (1 + row / 15), 64, 4, 2}, 10.0 + row);
      record.code_hash = "00f0a1b2c3d4e5f6";
      const double us = (10.0 + row) * std::exp(common + noise_.row * normal_(random_)) * slowdown(record);
      std::vector<double> samples;
      for (int i = 0; i < noise_.samples; ++i)
        samples.push_back(us * std::exp(noise_.sample * normal_(random_)));
      record.timings[TimingMode::hot] = make_timing(samples);
      records.push_back(record);
    }
    return records;
  }

  static constexpr int kRows = 150;

 private:
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
  Noise noise_;
};

ComparePolicy by_times_alone() {
  ComparePolicy policy;
  policy.trust_code_hash = false;
  return policy;
}

TEST(NoiseFile, OnlyNewerClassesMayBeAbsent) {
  const auto read = [](std::initializer_list<std::string_view> absent) {
    Json json = {{"schema_version", kSchemaVersion}, {"device", "d"}, {"time", "t"}, {"runs", 4}};
    for (const NoiseClass kind : kAll<NoiseClass>) {
      if (std::ranges::count(absent, to_string(kind)) == 0)
        json["spreads"][to_string(kind)] = {{"row", 0.5}, {"common", 0.25}};
    }
    const JsonDocument document(json.dump(), "noise");
    return noise_from_json(JsonReader(document)).model;
  };
  EXPECT_EQ(read({}).of(NoiseClass::averaged).row, 0.5);
  const NoiseModel older = read({"averaged", "foreign"});
  EXPECT_EQ(older.of(NoiseClass::averaged).row, default_spread(Backend::cuda, NoiseClass::averaged).row);
  EXPECT_EQ(older.of(NoiseClass::small).row, 0.5);
  EXPECT_THROW(read({"small"}), UsageError);
  EXPECT_THROW(read({"capped"}), UsageError);
}

TEST(CompareRule, NormalQuantiles) {
  EXPECT_NEAR(normal_quantile_above(0.025), 1.959964, 1e-5);
  EXPECT_NEAR(normal_quantile_above(1e-6), 4.753424, 1e-5);
  EXPECT_NEAR(normal_quantile_above(0.5), 0, 1e-9);
}

// The median of n normal values has the standard error 1.2533 σ / √n, for large n.
TEST(CompareRule, BootstrapErrorOfAMedian) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  std::vector<double> samples;
  for (int i = 0; i < 2000; ++i) samples.push_back(10 * std::exp(0.01 * normal(random)));
  EXPECT_NEAR(std::sqrt(bootstrap_log_median_variance(samples)), 1.2533 * 0.01 / std::sqrt(2000), 6e-5);
}

TEST(CompareRule, FewFalseAlarmsInTwoHundredComparisons) {
  int slower = 0;
  int unclear = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Machine machine(seed, {});
    const Comparison comparison = compare_runs({machine.run()}, {machine.run()}, by_times_alone());
    slower += comparison.outcome == Outcome::regression ? 1 : 0;
    unclear += comparison.outcome == Outcome::cannot_tell ? 1 : 0;
  }
  EXPECT_LE(slower, 1);
  EXPECT_LE(unclear, 20);
}

// Other processes take half of the samples' time, and more in one run than in another.
TEST(CompareRule, RunsOnABusyHostAreNoRegression) {
  int slower = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Machine machine(seed, {.row = 0.15, .common = 0.2, .sample = 0.5});
    Runs base = {machine.run()};
    Runs next = {machine.run()};
    for (Runs* runs : {&base, &next}) {
      for (Record& record : runs->front()) record.backend = Backend::cpu;
    }
    slower += compare_runs(base, next, by_times_alone()).outcome == Outcome::regression ? 1 : 0;
  }
  EXPECT_LE(slower, 1);
}

int times_slower(const Machine::Slowdown& slowdown, bool changed_code, int runs_a_side = 1) {
  int slower = 0;
  for (std::uint64_t seed = 1000; seed < 1040; ++seed) {
    Machine machine(seed, {});
    Runs base;
    Runs next;
    for (int run = 0; run < runs_a_side; ++run) {
      base.push_back(machine.run());
      next.push_back(machine.run(slowdown));
      for (Record& record : next.back()) {
        if (slowdown(record) > 1) record.code_hash = "1111111111111111";
      }
    }
    const Comparison comparison = compare_runs(base, next, changed_code ? ComparePolicy{} : by_times_alone());
    slower += comparison.outcome == Outcome::regression ? 1 : 0;
  }
  return slower;
}

TEST(CompareRule, ThreePercentOnEveryRowIsSeen) {
  EXPECT_GE(times_slower([](const Record&) { return 1.03; }, false), 38);
}

TEST(CompareRule, ThreePercentOfOneFamilyIsSeenBesideUnchangedCode) {
  EXPECT_GE(times_slower([](const Record& record) { return record.family == "family2" ? 1.03 : 1; }, true),
            38);
}

TEST(CompareRule, ThreePercentOfOneRowIsSeenInRepeatedRuns) {
  const auto one = [](const Record& record) {
    return record.variant_id() == "family1/fp16_d64_q64_kv64_w4_s2" ? 1.03 : 1;
  };
  EXPECT_GE(times_slower(one, true, 3), 38);
}

TEST(CompareRule, OnePercentIsNotWorthReporting) {
  EXPECT_LE(times_slower([](const Record&) { return 1.01; }, false), 4);
}

TEST(Compare, ANoteTellsOfRowsThatBecameTwentyTimesAsFast) {
  Machine machine(7, {});
  const Runs base{machine.run()};
  const Runs next{machine.run([](const Record& record) { return record.family == "family1" ? 0.02 : 1.0; })};
  const Comparison found = compare_runs(base, next, by_times_alone());
  for (const RowVerdict& row : found.rows) {
    EXPECT_EQ(row.note.ends_with("times as fast as before: does it do the same work?"),
              row.family == "family1")
        << row.variant << ": " << row.note;
  }
}

}  // namespace
}  // namespace flashcore
