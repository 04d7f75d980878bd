// The run and its measuring, on a scripted executor.
#include "run/run.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "measure/measure.hpp"
#include "measure/statistics.hpp"
#include "test_paths.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::Behaviour;
using testing::fake_variant;
using testing::FakeExecutor;

struct CollectingSink : Sink {
  void add(const Record& record) override { records.push_back(record); }
  void preview(std::size_t problem, std::span<const Record> some) override {
    previews.emplace_back(problem, some.size());
  }
  void end_problem() override { ++problems; }
  void finish() override { ++finished; }
  std::vector<Record> records;
  std::vector<std::pair<std::size_t, std::size_t>> previews;  // the problem and the number of records
  int problems = 0;
  int finished = 0;
};

struct CountingProgress : Progress {
  void update(std::int64_t now_done, std::int64_t now_total, std::string_view) override {
    EXPECT_GE(now_done, done);
    done = now_done;
    total = now_total;
  }
  std::int64_t done = 0;
  std::int64_t total = 0;
};

class RunTest : public ::testing::Test {
 protected:
  RunSummary run_all() {
    std::vector<const Variant*> pointers;
    for (const Variant& variant : variants) pointers.push_back(&variant);
    Sink* sinks[] = {&sink};
    return run(problems, pointers, policy, executor, sinks, progress);
  }

  RunPolicy policy{
      .measure = {.modes = {TimingMode::hot}, .min_samples = 10, .max_samples = 40, .budget_s = 30}};
  std::vector<Problem> problems{{.name = "first"}, {.name = "second"}};
  std::vector<Variant> variants{fake_variant("one"), fake_variant("two"), fake_variant("three")};
  FakeExecutor executor;
  CollectingSink sink;
  CountingProgress progress;
};

TEST_F(RunTest, GivesOneRecordForEachProblemAndVariantInOrder) {
  const RunSummary summary = run_all();
  EXPECT_EQ(summary.ok, 6);
  ASSERT_EQ(sink.records.size(), 6u);
  EXPECT_EQ(sink.finished, 1);
  EXPECT_EQ(sink.records[0].problem.name, "first");
  EXPECT_EQ(sink.records[0].family, "one");
  EXPECT_EQ(sink.records[2].family, "three");
  EXPECT_EQ(sink.records[3].problem.name, "second");
  EXPECT_EQ(progress.done, 6);
  EXPECT_EQ(progress.total, 6);
}

// On a device that is always at its power limit.
class VisitsTest : public RunTest {
 protected:
  void SetUp() override {
    setenv("FLASHCORE_NVML", FLASHCORE_FAKE_NVML, 1);
    setenv("FAKE_NVML", "held", 1);
    executor.set_bus_id("0000:1b:00.0");
    policy.measure.min_samples = policy.measure.max_samples = 6;
    policy.measure.warmup_s = 0;
    policy.measure.block_s = 0.001;
  }
  void TearDown() override {
    unsetenv("FLASHCORE_NVML");
    unsetenv("FAKE_NVML");
  }
  std::vector<std::string> prepared() const {
    std::vector<std::string> names;
    for (const std::string& call : executor.calls()) {
      if (call.starts_with("prepare ")) names.push_back(call.substr(8));
    }
    return names;
  }
};

TEST_F(VisitsTest, OtherProblemsComeBetweenTheVisits) {
  const RunSummary summary = run_all();
  EXPECT_EQ(prepared(), (std::vector<std::string>{"first", "second", "first", "second", "first", "second"}));
  EXPECT_EQ(summary.ok, 6);
  EXPECT_EQ(sink.problems, 2);
  ASSERT_EQ(sink.records.size(), 6u);
  for (const Record& record : sink.records) EXPECT_EQ(record.headline()->samples.size(), 6u);
  EXPECT_EQ(sink.records[0].problem.name, "first");
  EXPECT_EQ(sink.records[3].problem.name, "second");
  EXPECT_EQ(progress.done, 6);
  const std::vector<std::pair<std::size_t, std::size_t>> previews = {{0, 3}, {1, 3}, {0, 3}, {1, 3},
                                                                     {0, 3}, {1, 3}, {0, 0}, {1, 0}};
  EXPECT_EQ(sink.previews, previews);
}

TEST_F(VisitsTest, OneProblemIsVisitedOnce) {
  problems.resize(1);
  EXPECT_EQ(run_all().ok, 3);
  EXPECT_EQ(prepared(), std::vector<std::string>{"first"});
}

TEST_F(VisitsTest, AProblemWithoutRoomKeepsItsSamples) {
  executor.refuse_problem("first", 1);
  EXPECT_EQ(run_all().ok, 6);
  EXPECT_EQ(sink.records.front().problem.name, "first");
  EXPECT_EQ(sink.records.front().headline()->samples.size(), 3u);
  EXPECT_EQ(sink.records.back().headline()->samples.size(), 6u);
}

TEST_F(RunTest, EntersEachVariantAsOftenAsAsked) {
  policy.measure.repeats = 2;
  EXPECT_EQ(run_all().caveats.timed, 12);
  ASSERT_EQ(sink.records.size(), 12u);
  EXPECT_EQ(sink.records[3].family, "one");
  EXPECT_EQ(sink.records[5].family, "three");
  EXPECT_EQ(sink.records[6].problem.name, "second");
  EXPECT_EQ(progress.total, 12);
}

TEST_F(RunTest, CountsRowsThatFallShortAndNamesABudget) {
  EXPECT_EQ(run_all().caveats.few_samples, 0);
  progress = {};
  policy.measure.budget_s = 1e-9;
  const RunSummary summary = run_all();
  EXPECT_EQ(summary.caveats.few_samples, 6);
  ASSERT_TRUE(summary.sufficient_budget_s);
  EXPECT_GT(*summary.sufficient_budget_s, policy.measure.budget_s);
  progress = {};
  policy.measure.modes.clear();
  EXPECT_EQ(run_all().caveats.timed, 0);
}

TEST_F(RunTest, NeverTimesAWrongVariant) {
  executor.set_script(variants[1].id(), {.behaviour = Behaviour::wrong});
  const RunSummary summary = run_all();
  EXPECT_EQ(summary.incorrect, 2);
  EXPECT_EQ(sink.records[1].status, Status::incorrect);
  EXPECT_FALSE(sink.records[1].reason.empty());
  EXPECT_FALSE(sink.records[1].headline());
  EXPECT_EQ(std::ranges::count(executor.calls(), "hot " + variants[1].id()), 0);
}

TEST_F(RunTest, SamplesDuringWhichSomethingCompilesAreVoid) {
  executor.set_script(variants[0].id(), {.compiles = [](int number) { return number == 3 || number == 4; }});
  policy.measure.modes = {TimingMode::hot};
  run_all();
  const Record& voided = sink.records[0];
  ASSERT_EQ(voided.status, Status::ok) << voided.reason;
  EXPECT_EQ(voided.warnings,
            std::vector<std::string>{"hot: 2 samples are void, because something was compiled meanwhile"});
  EXPECT_GE(static_cast<int>(voided.headline()->samples.size()), policy.measure.min_samples);
  EXPECT_LT(std::ranges::max(voided.headline()->samples), 1000);
  EXPECT_TRUE(sink.records[1].warnings.empty());
}

TEST_F(RunTest, AKernelThatAlwaysCompilesHasNoTimes) {
  executor.set_script(variants[0].id(), {.compiles = [](int number) { return number > 3; }});
  run_all();
  EXPECT_EQ(sink.records[0].status, Status::error);
  testing::expect_contains(sink.records[0].reason,
                           "something was compiled during each of 8 samples in a row");
  EXPECT_EQ(sink.records[1].status, Status::ok);
}

TEST_F(RunTest, RecordsHaveTheNotesOfTheirLaunches) {
  executor.set_script(variants[0].id(),
                      {.notes = {.compile_s = 2, .choices = {{"f", "x"}}, .in_process = ""}});
  run_all();
  EXPECT_EQ(sink.records[0].notes.compile_s, 2);
  EXPECT_EQ(sink.records[0].notes.choices.at("f"), "x");
  EXPECT_FALSE(sink.records[1].notes.compile_s);
}

TEST_F(RunTest, CatchesCheats) {
  executor.set_script(variants[0].id(), {.behaviour = Behaviour::wrong_when_run_again});
  executor.set_script(variants[1].id(), {.behaviour = Behaviour::keeps_old_result});
  executor.set_script(variants[2].id(), {.behaviour = Behaviour::faster_on_known_inputs});
  const RunSummary summary = run_all();
  EXPECT_EQ(summary.incorrect, 4);
  EXPECT_EQ(summary.suspect, 2);
  for (const Record& record : sink.records) {
    EXPECT_FALSE(record.headline()) << record.family;
    EXPECT_FALSE(record.tflops) << record.family;
  }
  EXPECT_NE(sink.records[1].reason.find("on new inputs: the fake output is stale"), std::string::npos);
  EXPECT_FALSE(sink.records[1].check->passed);
  EXPECT_NE(sink.records[2].reason.find("the time is not the work's"), std::string::npos);
}

TEST_F(RunTest, ABusyMachineMakesNoHonestVariantIncorrect) {
  executor.set_script(variants[1].id(), {.behaviour = Behaviour::disturbed_once});
  EXPECT_EQ(run_all().ok, 6);
}

TEST_F(RunTest, TurnsFailuresIntoRecordsAndGoesOn) {
  executor.set_script(variants[0].id(), {.behaviour = Behaviour::throws_in_verify});
  executor.set_script(variants[1].id(), {.behaviour = Behaviour::throws_in_sample});
  executor.refuse_problem("second");
  const RunSummary summary = run_all();
  EXPECT_EQ(sink.records[0].status, Status::error);
  EXPECT_EQ(sink.records[1].status, Status::error);
  EXPECT_FALSE(sink.records[1].headline());
  EXPECT_EQ(sink.records[2].status, Status::ok);
  EXPECT_EQ(sink.records[3].status, Status::out_of_memory);
  EXPECT_EQ(sink.problems, 2);
  EXPECT_EQ(summary.ok, 1);
  EXPECT_EQ(summary.failed, 5);
}

TEST_F(RunTest, FailuresKeepTheirStatus) {
  problems.resize(1);
  executor.set_script(variants[0].id(),
                      {.behaviour = Behaviour::throws_in_verify, .failure = Status::crashed});
  executor.set_script(variants[1].id(),
                      {.behaviour = Behaviour::throws_in_sample, .failure = Status::timeout});
  EXPECT_EQ(run_all().failed, 2);
  EXPECT_EQ(sink.records[0].status, Status::crashed);
  EXPECT_EQ(sink.records[1].status, Status::timeout);
  EXPECT_FALSE(sink.records[1].headline());
  EXPECT_EQ(sink.records[2].status, Status::ok);
}

TEST_F(RunTest, SaysWhyAVariantCannotRun) {
  executor.set_script(variants[2].id(), {.behaviour = Behaviour::unsupported});
  EXPECT_EQ(run_all().unsupported, 2);
  EXPECT_EQ(sink.records[2].reason, "the script says so");
}

constexpr Control kQuick = {.us = 2000, .least_us = 2000, .request_us = 2100};
constexpr Control kSlow = {.us = 2000, .least_us = 2000, .request_us = 20'000};

// Requests that take ten times as long as their samples.
TEST_F(RunTest, SlowRequestsOfASharedDeviceAreNoSuspicion) {
  executor.set_clock(10, {kQuick, kQuick, kSlow});
  EXPECT_EQ(run_all().ok, 6);
}

TEST_F(RunTest, SlowRequestsOfAnIdleDeviceAreSuspect) {
  executor.set_clock(10, {kQuick});
  EXPECT_EQ(run_all().suspect, 6);
  EXPECT_TRUE(sink.records[0].reason.starts_with("the clock is not to be trusted: launches of"))
      << sink.records[0].reason;
}

TEST_F(RunTest, AClockThatIsWrongForAKernelOfKnownLengthIsSuspect) {
  executor.set_clock(10, {{.us = 200, .least_us = 2000, .request_us = 20'000}});
  EXPECT_EQ(run_all().suspect, 6);
  EXPECT_EQ(sink.records[0].reason,
            "the clock is not to be trusted: it shows 200 us for a kernel that takes at least 2000 us");
}

TEST_F(RunTest, ChecksOnlyWhenNoClockIsAskedFor) {
  policy.measure.modes = {};
  EXPECT_EQ(run_all().ok, 6);
  EXPECT_FALSE(sink.records[0].headline());
  EXPECT_TRUE(sink.records[0].check->passed);
}

TEST_F(RunTest, InterleavesInAnOrderThatChangesFromRoundToRound) {
  problems.resize(1);
  policy.measure.relative_width = 1e-9;  // never narrow enough
  run_all();
  std::vector<std::string> samples;
  for (const std::string& call : executor.calls()) {
    if (const auto place = call.find("hot "); place != std::string::npos)
      samples.push_back(call.substr(place));
  }
  samples.erase(samples.begin(), samples.begin() + 3);  // they warm up
  ASSERT_EQ(samples.size(), 3u * 40);
  std::vector<std::vector<std::string>> rounds;
  for (std::size_t i = 0; i < samples.size(); i += 3) rounds.emplace_back(&samples[i], &samples[i] + 3);
  for (const auto& round : rounds) {
    for (const Variant& variant : variants) EXPECT_EQ(std::ranges::count(round, "hot " + variant.id()), 1);
  }
  const std::set<std::vector<std::string>> different(rounds.begin(), rounds.end());
  EXPECT_GT(different.size(), 3u);
}

TEST_F(RunTest, StopsWhenTheIntervalIsNarrowEnough) {
  problems.resize(1);
  policy.measure.relative_width = 0.02;
  executor.set_script(variants[0].id(), {.latency_us = 100, .noise = 1e-4});
  executor.set_script(variants[1].id(), {.latency_us = 1000, .noise = 0.5});
  executor.set_script(variants[2].id(), {.latency_us = 100, .noise = 1e-4});
  run_all();
  EXPECT_EQ(sink.records[0].timings[TimingMode::hot]->samples.size(), 10u);
  EXPECT_EQ(sink.records[1].timings[TimingMode::hot]->samples.size(), 40u);
  EXPECT_EQ(sink.records[2].timings[TimingMode::hot]->samples.size(), 10u);
  EXPECT_LE(relative_width(make_timing(sink.records[0].timings[TimingMode::hot]->samples)), 0.02);
}

TEST_F(RunTest, WhatIsComparedSharesItsRounds) {
  problems.resize(1);
  policy.measure.relative_width = 0.02;
  executor.set_script(variants[0].id(), {.latency_us = 100, .noise = 1e-4});
  executor.set_script(variants[1].id(), {.latency_us = 110, .noise = 0.1});
  executor.set_script(variants[2].id(), {.latency_us = 200, .noise = 1e-4});
  run_all();
  EXPECT_EQ(sink.records[0].timings[TimingMode::hot]->samples.size(), 40u);
  EXPECT_EQ(sink.records[1].timings[TimingMode::hot]->samples.size(), 40u);
  EXPECT_EQ(sink.records[2].timings[TimingMode::hot]->samples.size(), 10u);
}

TEST_F(RunTest, EndsAtTheBudgetWithTheFewestSamples) {
  policy.measure.budget_s = 0;
  run_all();
  for (const Record& record : sink.records) {
    EXPECT_EQ(record.timings[TimingMode::hot]->samples.size(), static_cast<std::size_t>(kMinSamples));
  }
}

TEST_F(RunTest, RecordsCarryTheRooflineAndTheHashOfTheCode) {
  executor.set_script(variants[1].id(), {.behaviour = Behaviour::wrong});
  EXPECT_EQ(run_all().caveats.timed, 4);
  EXPECT_FALSE(sink.records[0].roofline);
  EXPECT_EQ(sink.records[0].code_hash, "hash of " + variants[0].id());
  executor.measure_ceilings();
  sink.records.clear();
  progress = {};
  run_all();
  EXPECT_TRUE(sink.records[0].roofline);
  EXPECT_FALSE(sink.records[1].roofline);  // wrong, so never timed
  EXPECT_EQ(sink.records[1].code_hash, "hash of " + variants[1].id());
}

TEST_F(RunTest, CountsRatesAtTheHotMedian) {
  problems = {
      {.name = "p", .batch = 1, .heads_q = 8, .heads_kv = 8, .seq_q = 512, .seq_kv = 512, .head_dim = 64}};
  executor.set_script(variants[0].id(), {.latency_us = 100, .noise = 1e-6});
  run_all();
  EXPECT_NEAR(*sink.records[0].tflops, 4.0 * 8 * 512 * 512 * 64 / 100e-6 * 1e-12, 1e-3);
}

TEST_F(RunTest, ARequiredPropertyIsTestedAtEveryDepth) {
  executor.set_script(variants[1].id(), {.batch = {.companies = 3, .broken_in = "in chunks (…)"}});
  executor.set_script(variants[2].id(), {.batch = {}});
  problems.resize(1);
  policy.require = {Requirement::batch_invariant};
  for (const CheckDepth depth : kAll<CheckDepth>) {
    policy.check_policy.depth = depth;
    sink.records.clear();
    progress.done = 0;
    run_all();
    EXPECT_EQ(sink.records[0].status, Status::ok) << sink.records[0].reason;
    EXPECT_EQ(sink.records[0].check->batch_invariant, true);
    EXPECT_TRUE(sink.records[0].headline());
    EXPECT_EQ(sink.records[1].status, Status::unsupported);
    EXPECT_EQ(sink.records[1].reason, "is not batch invariant: in chunks (…) the bits differ");
    EXPECT_TRUE(sink.records[1].check->passed);
    EXPECT_EQ(sink.records[2].status, Status::unsupported);
    testing::expect_contains(sink.records[2].reason, "is not known to be batch invariant");
  }
  EXPECT_EQ(std::ranges::count(executor.calls(), "hot " + variants[1].id()), 0);
}

TEST_F(RunTest, OnlyADeepCheckLabelsVariants) {
  executor.set_script(variants[1].id(), {.batch = {.companies = 3, .broken_in = "in chunks (…)"}});
  run_all();
  EXPECT_FALSE(sink.records[1].check->batch_invariant);
  policy.check_policy.depth = CheckDepth::deep;
  sink.records.clear();
  progress.done = 0;
  run_all();
  EXPECT_EQ(sink.records[0].check->batch_invariant, true);
  EXPECT_EQ(sink.records[1].check->batch_invariant, false);
  EXPECT_EQ(sink.records[1].check->batch_variance, "in chunks (…)");
  EXPECT_EQ(sink.records[1].status, Status::ok);
  EXPECT_TRUE(sink.records[1].headline());
}

}  // namespace
}  // namespace flashcore
