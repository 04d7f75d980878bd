// Sweeps that decide by energy, with a scripted executor whose joules are known.
#include "tune/objective.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "tune/journal.hpp"
#include "tune/sweep.hpp"
#include "tune/tuned_table.hpp"
#include "unit/support/metered_executor.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::Behaviour;
using testing::fake_variant;
using testing::MeteredExecutor;

constexpr int kCount = 20;
constexpr int kFastest = 3;
constexpr int kSecond =
    4;  // 3 % slower; with the third one, so many that the race goes on and drops those below
constexpr int kThird = 5;
constexpr int kFrugal = 7;  // 20 % slower, and takes half the energy
constexpr int kMiddle = 9;  // 10 % slower, and takes three quarters
constexpr int kSlow = 12;   // takes hardly any energy and twice the time

class ObjectiveTest : public ::testing::Test {
 protected:
  ObjectiveTest() {
    for (int i = 0; i < kCount; ++i) variants.push_back(fake_variant("family", {16 * (i + 1), 64, 4, 2}));
    for (const Variant& variant : variants) space.candidates.push_back(&variant);
    space.problem.name = "p";
    for (int i = 0; i < kCount; ++i) set(i, 15 + 0.1 * i, 1.5);
    set(kFastest, 10, 1);
    set(kSecond, 10.8, 1);
    set(kThird, 10.9, 1);
    set(kFrugal, 12, 0.5);
    set(kMiddle, 11, 0.75);
    set(kSlow, 20, 0.01);
  }

  void set(int i, double us, double joules) {
    executor.set_script(id(i), {.latency_us = us, .noise = 0.002});
    executor.set_joules(id(i), joules);
  }
  std::string id(int i) const { return variants[static_cast<std::size_t>(i)].id(); }

  SweptProblem sweep(Objective objective, SearchKind search = SearchKind::race) {
    RunPolicy run;
    run.measure = {.modes = {TimingMode::hot}, .warmup_s = 0, .energy_s = 0.01};
    policy = make_sweep_policy(run, {.search = search, .objective = objective});
    policy.energy.budget_s = window_budget_s;
    const SweepEvents events{.completed =
                                 [&](std::span<const Contender* const> contenders) {
                                   for (const Contender* c : contenders)
                                     completed.push_back(c->record.variant_id());
                                 },
                             .doing = [](std::string_view) {}};
    return sweep_problem(space, {}, policy, 60, executor, &executor.telemetry(), events);
  }

  std::vector<std::string> ids(const SweptProblem& swept, const std::vector<std::size_t>& indices) const {
    std::vector<std::string> found;
    for (const std::size_t i : indices) found.push_back(swept.contenders[i].record.variant_id());
    return found;
  }
  std::vector<std::string> best(const SweptProblem& swept) const {
    return ids(swept, winners(swept.contenders, policy.run.measure, policy.objective));
  }
  TunedEntry entry(const SweptProblem& swept) const {
    return make_entry(swept.contenders, winners(swept.contenders, policy.run.measure, policy.objective),
                      {.objective = policy.objective, .fingerprint = {}, .tuned_at = "2026-01-31T12:00:00Z"});
  }

  std::vector<Variant> variants;
  ProblemSpace space;
  SweepPolicy policy;
  double window_budget_s = 60;
  MeteredExecutor executor;
  std::vector<std::string> completed;
};

TEST_F(ObjectiveTest, EverySearchFindsTheLeastEnergy) {
  for (const SearchKind search : kAll<SearchKind>) {
    EXPECT_EQ(best(sweep(Objective::energy, search)), std::vector{id(kFrugal)}) << to_string(search);
  }
}

TEST_F(ObjectiveTest, BothKeepsTheFastestAndTheParetoSet) {
  for (const SearchKind search : kAll<SearchKind>) {
    const SweptProblem swept = sweep(Objective::both, search);
    EXPECT_EQ(best(swept), std::vector{id(kFastest)}) << to_string(search);
    const auto set = pareto_finalists(swept.contenders, TimingMode::hot, Objective::both);
    EXPECT_EQ(ids(swept, set), (std::vector{id(kFastest), id(kMiddle), id(kFrugal)})) << to_string(search);
  }
}

TEST_F(ObjectiveTest, LatencyMeasuresNoEnergyOfCandidatesThatWereDropped) {
  const SweptProblem swept = sweep(Objective::latency);
  EXPECT_EQ(best(swept), std::vector{id(kFastest)});
  EXPECT_FALSE(swept.contenders[kFrugal].finalist);
  EXPECT_FALSE(swept.contenders[kFrugal].record.energy_per_call_j.has_value());
}

TEST_F(ObjectiveTest, CandidatesFarBehindTheFastestAreNotMeasured) {
  const SweptProblem swept = sweep(Objective::energy);
  EXPECT_FALSE(swept.contenders[kSlow].record.energy_per_call_j.has_value());
  EXPECT_TRUE(swept.contenders[kSlow].dropped_at.has_value());
}

TEST_F(ObjectiveTest, FinalistsAreLimitedAndAllCandidatesAreCompletedOnce) {
  for (int i = 0; i < kCount; ++i) set(i, 10 + 0.1 * i, 1);  // all within the margin
  const SweptProblem swept = sweep(Objective::both);
  EXPECT_EQ(std::ranges::count_if(swept.contenders, &Contender::finalist),
            static_cast<std::ptrdiff_t>(kEnergyFinalists));
  EXPECT_EQ(completed.size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ(std::set<std::string>(completed.begin(), completed.end()).size(),
            static_cast<std::size_t>(kCount));
  EXPECT_TRUE(std::ranges::all_of(swept.contenders, &Contender::is_final));
}

TEST_F(ObjectiveTest, AShortBudgetMeasuresTheFastestTwo) {
  window_budget_s = 0;
  const SweptProblem swept = sweep(Objective::both);
  for (int i = 0; i < kCount; ++i) {
    const bool is_measured =
        swept.contenders[static_cast<std::size_t>(i)].record.energy_per_call_j.has_value();
    EXPECT_EQ(is_measured, i == kFastest || i == kSecond) << i;
  }
}

TEST_F(ObjectiveTest, AWinnerThatIsWrongWhenRunAgainLosesItsPlace) {
  executor.set_script(id(kFrugal), {.behaviour = Behaviour::wrong_when_run_again, .latency_us = 12});
  EXPECT_EQ(best(sweep(Objective::energy)), std::vector{id(kMiddle)});
}

TEST_F(ObjectiveTest, TheEntryOfEnergyHasRatiosOfEnergy) {
  const TunedEntry made = entry(sweep(Objective::energy));
  EXPECT_EQ(made.winner.variant, id(kFrugal));
  EXPECT_NEAR(made.winner.energy->mean_j, 0.5, 0.01);
  EXPECT_TRUE(made.pareto.empty());
  const auto fastest = std::ranges::find(made.times, id(kFastest), &TunedTime::variant);
  ASSERT_NE(fastest, made.times.end());
  EXPECT_NEAR(fastest->ratio, 2, 0.05);
}

TEST_F(ObjectiveTest, TheTableRoundTrips) {
  TunedTable table{.path = "t", .objective = Objective::both, .entries = {entry(sweep(Objective::both))}};
  table.entries[0].fingerprint = {.backend = Backend::cpu, .device = "Abacus", .driver = ""};
  table.entries[0].problem = {.name = "p", .head_dim = 64};
  const TunedTable again = parse_tuned_table(tuned_table_text(table), "t");
  EXPECT_EQ(again.objective, Objective::both);
  const TunedEntry& before = table.entries[0];
  const TunedEntry& after = again.entries[0];
  ASSERT_EQ(after.pareto.size(), 3u);
  EXPECT_EQ(after.pareto[2].variant, id(kFrugal));
  EXPECT_EQ(after.pareto[2].energy->mean_j, before.pareto[2].energy->mean_j);
  EXPECT_EQ(after.pareto[2].energy->high_j, before.pareto[2].energy->high_j);
  EXPECT_EQ(named_table(again), "t, tuned for time and energy");
}

TEST_F(ObjectiveTest, AJournalDecidesByItsObjective) {
  const testing::TemporaryFolder folder;
  const std::filesystem::path path = folder / "j.jsonl";
  const SweptProblem swept = sweep(Objective::energy);
  {
    const Json config = {{"problems", {{{"heads_q", 1}}}}, {"tune", {{"objective", "energy"}}}};
    JournalWriter writer(
        path, {.fingerprint = {.backend = Backend::cpu, .device = "Abacus", .driver = ""}, .code = "c"},
        Json::object(), config);
    std::vector<KnownRecord> known;
    for (const Contender& c : swept.contenders) known.push_back({c.record, c.finalist, c.dropped_at});
    writer.add(known);
  }
  const TunedTable table = tuned_table(read_journal(path));
  EXPECT_EQ(table.objective, Objective::energy);
  ASSERT_EQ(table.entries.size(), 1u);
  EXPECT_EQ(table.entries[0].winner.variant, id(kFrugal));
}

TEST_F(ObjectiveTest, ADeviceWithoutTelemetryIsAnError) {
  policy = make_sweep_policy({}, {.objective = Objective::energy});
  const SweepEvents events{.completed = [](std::span<const Contender* const>) {},
                           .doing = [](std::string_view) {}};
  EXPECT_THROW(sweep_problem(space, {}, policy, 60, executor, nullptr, events), EnvironmentError);
}

}  // namespace
}  // namespace flashcore
