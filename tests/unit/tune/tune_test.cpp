// Searchers and the sweep, with a scripted executor and a simulated clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tune/race.hpp"
#include "tune/sweep.hpp"
#include "tune/tuner.hpp"
#include "unit/support/fake_executor.hpp"
#include "unit/support/kernel_variant.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

using testing::Behaviour;
using testing::fake_variant;
using testing::FakeExecutor;

constexpr int kCount = 40;

class TuneTest : public ::testing::Test {
 protected:
  TuneTest() {
    for (int i = 0; i < kCount; ++i) variants.push_back(fake_variant("family", {16 * (i + 1), 64, 4, 2}));
    for (const Variant& variant : variants) space.candidates.push_back(&variant);
    space.problem.name = "p";
    set_latencies();
  }

  // 11 µs or more, not in ladder order; the last variant is the fastest with 10 µs.
  void set_latencies() {
    for (int i = 0; i < kCount; ++i) set_latency(i, i == kCount - 1 ? 10 : 11 + i * 7 % kCount);
  }

  void set_latency(int i, double us) { executor.set_script(id(i), {.latency_us = us, .noise = 0.01}); }
  std::string id(int i) const { return variants[static_cast<std::size_t>(i)].id(); }

  SweptProblem sweep(SearchKind kind, std::span<const KnownRecord> known = {}, double budget_s = 60) {
    policy.search = kind;
    const SweepEvents events{.completed =
                                 [&](std::span<const Contender* const> contenders) {
                                   for (const Contender* c : contenders)
                                     completed.push_back(c->record.variant_id());
                                 },
                             .doing = [](std::string_view) {}};
    return sweep_problem(space, known, policy, budget_s, executor, nullptr, events);
  }

  std::vector<std::string> best(const SweptProblem& swept) const {
    std::vector<std::string> ids;
    for (const std::size_t i : winners(swept.contenders, policy.run.measure)) {
      ids.push_back(swept.contenders[i].record.variant_id());
    }
    return ids;
  }

  std::int64_t samples_of(const std::string& variant_id) const {
    return std::ranges::count(executor.calls(), "hot " + variant_id);
  }

  std::vector<Variant> variants;
  ProblemSpace space;
  SweepPolicy policy{.run = {.measure = {.modes = {TimingMode::hot}, .relative_width = 0.01}}};
  FakeExecutor executor;
  std::vector<std::string> completed;
};

TEST_F(TuneTest, EverySearchFindsTheFastest) {
  for (const SearchKind kind : kAll<SearchKind>) {
    EXPECT_EQ(best(sweep(kind)), std::vector{id(kCount - 1)}) << to_string(kind);
  }
}

TEST_F(TuneTest, EveryCandidateIsCheckedBeforeItIsTimedAndCompletedOnce) {
  executor.set_script(id(3), {.behaviour = Behaviour::wrong});
  executor.set_script(id(4), {.behaviour = Behaviour::throws_in_verify});
  executor.set_script(id(5), {.behaviour = Behaviour::throws_in_sample});
  const SweptProblem swept = sweep(SearchKind::race);
  EXPECT_EQ(completed.size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ(std::set<std::string>(completed.begin(), completed.end()).size(),
            static_cast<std::size_t>(kCount));
  EXPECT_EQ(swept.contenders[3].record.status, Status::incorrect);
  EXPECT_EQ(swept.contenders[4].record.status, Status::error);
  EXPECT_EQ(swept.contenders[5].record.status, Status::error);
  EXPECT_EQ(samples_of(id(3)), 0);
  const auto& calls = executor.calls();
  const auto first_time = std::ranges::find_if(calls, [](const auto& c) { return c.starts_with("call "); });
  EXPECT_EQ(std::count_if(calls.begin(), first_time, [](const auto& c) { return c.starts_with("verify "); }),
            kCount);
}

TEST_F(TuneTest, RaceTakesAThirdOfTheTimeOfExhaustive) {
  sweep(SearchKind::exhaustive);
  const double exhaustive_us = executor.elapsed_us();
  executor = FakeExecutor();
  set_latencies();
  sweep(SearchKind::race);
  EXPECT_LT(executor.elapsed_us(), 0.3 * exhaustive_us);
}

TEST_F(TuneTest, VariantsWithIndistinguishableTimesTie) {
  set_latency(0, 10.0);
  set_latency(1, 10.02);
  const std::vector<std::string> tie = best(sweep(SearchKind::race));
  EXPECT_EQ(std::set<std::string>(tie.begin(), tie.end()), (std::set{id(kCount - 1), id(0), id(1)}));
}

TEST_F(TuneTest, TwoRunsAgreeOnTheWinnerOrItsTies) {
  for (std::uint64_t seed = 2; seed < 22; ++seed) {
    const std::vector<std::string> first = best(sweep(SearchKind::race));
    executor = FakeExecutor(seed);
    for (int i = 0; i < kCount; ++i) set_latency(i, 10 + 0.05 * (i * 7 % kCount));
    policy.run.seed = seed;
    const std::vector<std::string> second = best(sweep(SearchKind::race));
    if (seed == 2) continue;  // `first` still had the latencies of the fixture
    EXPECT_EQ(std::ranges::count(second, first.front()), 1) << seed;
  }
}

TEST_F(TuneTest, RunnersUpReplaceFinalistsThatFailTheSecondCheck) {
  executor.set_script(id(kCount - 1), {.behaviour = Behaviour::wrong_when_run_again, .latency_us = 5});
  executor.set_script(id(7), {.latency_us = 9, .noise = 0.001});
  const SweptProblem swept = sweep(SearchKind::race);
  EXPECT_EQ(swept.contenders[kCount - 1].record.status, Status::incorrect);
  EXPECT_EQ(best(swept), std::vector{id(7)});
}

TEST_F(TuneTest, KnownRecordsAreNotRunAgain) {
  const SweptProblem whole = sweep(SearchKind::race);
  std::vector<KnownRecord> known;
  for (const Contender& c : whole.contenders) known.push_back({c.record, c.finalist});
  executor = FakeExecutor();
  set_latencies();
  EXPECT_EQ(best(sweep(SearchKind::race, known)), best(whole));
  EXPECT_TRUE(executor.calls().empty());
  std::erase_if(known, [](const KnownRecord& k) { return k.finalist; });
  completed.clear();
  const SweptProblem resumed = sweep(SearchKind::race, known);
  EXPECT_EQ(completed.size(), static_cast<std::size_t>(kCount) - known.size());
  EXPECT_EQ(best(resumed), best(whole));
}

TEST_F(TuneTest, WithoutTimeThereIsStillAWinner) {
  for (const SearchKind kind : kAll<SearchKind>) {
    policy.run.measure.budget_s = 0;
    EXPECT_FALSE(best(sweep(kind, {}, 0)).empty()) << to_string(kind);
  }
}

TEST_F(TuneTest, WithoutTimeTheRaceStillDropsSlowerCandidates) {
  const SweptProblem swept = sweep(SearchKind::race, {}, 0);
  EXPECT_LE(std::ranges::count_if(swept.contenders, &Contender::finalist), 4);
}

TEST_F(TuneTest, WithoutACorrectCandidateThereIsNoWinner) {
  for (int i = 0; i < kCount; ++i) executor.set_script(id(i), {.behaviour = Behaviour::wrong});
  EXPECT_TRUE(best(sweep(SearchKind::race)).empty());
  EXPECT_EQ(completed.size(), static_cast<std::size_t>(kCount));
}

TEST_F(TuneTest, AProblemThatDoesNotFitIsARecordForEachCandidate) {
  executor.refuse_problem("p");
  const SweptProblem swept = sweep(SearchKind::race);
  EXPECT_EQ(completed.size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ(swept.contenders[0].record.status, Status::out_of_memory);
}

TEST_F(TuneTest, SpaceHasTheReasonsOfPrunedCandidates) {
  variants[0].backend = Backend::cuda;
  variants[1].smem_bytes = 50000;
  variants[2].spec.head_dim = 128;
  CompiledKernel kernel = testing::described_like(variants[3]);
  kernel.unsupported = [](const AttentionArgs&, const DeviceLimits&) { return "not today"; };
  variants[3] = testing::variant_of(kernel);
  const Problem problems[] = {{.name = "p"}};
  const TunePolicy tune{.max_candidates = 5, .limits = {.smem_bytes = 49152}};
  const auto made = make_space(problems, space.candidates, executor.device(), tune, 7);
  const std::string text = space_text(made);
  EXPECT_EQ(made.front().candidates.size(), 5u);
  EXPECT_EQ(made.front().pruned.size(), static_cast<std::size_t>(kCount) - 6);
  for (const char* reason :
       {"pruned: runs on a CUDA device", "pruned: 50000 bytes of shared memory, the limit is 49152",
        "pruned: not today", "not in the random sample of 5 of 36 candidates"}) {
    EXPECT_NE(text.find(reason), std::string::npos) << reason;
  }
  const auto again = make_space(problems, space.candidates, executor.device(), tune, 7);
  EXPECT_EQ(made.front().candidates, again.front().candidates);
}

TEST_F(TuneTest, ShardsTakeEveryProblemOnce) {
  std::vector<ProblemSpace> all(7, space);
  for (std::size_t i = 0; i < all.size(); ++i) all[i].problem.name = std::to_string(i);
  std::multiset<std::string> taken;
  for (std::int64_t i = 1; i <= 3; ++i) {
    for (const ProblemSpace& part : take_shard(all, {.index = i, .count = 3}))
      taken.insert(part.problem.name);
  }
  EXPECT_EQ(taken, (std::multiset<std::string>{"0", "1", "2", "3", "4", "5", "6"}));
  EXPECT_USAGE_ERROR(parse_shard("0/3", "--shard"), "--shard: \"0/3\"");
  EXPECT_USAGE_ERROR(parse_shard("1/3x", "--shard"), "--shard");
}

TEST_F(TuneTest, AVariantWithoutARequiredPropertyDoesNotWin) {
  executor.set_script(id(kCount - 1),
                      {.latency_us = 10, .batch = {.companies = 3, .broken_in = "in a batch of 7"}});
  policy.run.require = {Requirement::batch_invariant};
  const SweptProblem swept = sweep(SearchKind::race);
  EXPECT_EQ(std::ranges::count(best(swept), id(kCount - 1)), 0);
  EXPECT_EQ(samples_of(id(kCount - 1)), 0);
}

}  // namespace
}  // namespace flashcore
