#include "render/conclusion_text.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/support/sample_records.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::expect_contains;
using testing::ok_record;
using testing::sample_problem;

constexpr Tile kTile = {64, 64, 4, 2};

std::string plain(std::string_view id) { return std::string(id); }

Advantage over(double ratio, double half) {
  return {.ratio = ratio, .low = ratio - half, .high = ratio + half};
}

ProblemConclusion problem_of(std::string name, std::optional<Standing> baseline = {},
                             std::optional<Standing> peer = {}) {
  return {.problem = std::move(name), .fastest = "mma/x", .baseline = baseline, .peer = peer};
}

TEST(RatioText, HasAsManyDigitsAsItsUncertainty) {
  EXPECT_EQ(ratio_text(over(1.1432, 0.0134)), "1.143 ± 0.014");
  EXPECT_EQ(ratio_text(over(1.1432, 0.021)), "1.14 ± 0.03");
  EXPECT_EQ(ratio_text(over(41.32, 0.9)), "41.3 ± 0.9");
  EXPECT_EQ(ratio_text(over(41.32, 12)), "41 ± 12");
  EXPECT_EQ(ratio_text(over(1.1432, 0)), "1.143 ± 0.001");
  Advantage one = over(1.1432, 0);
  one.has_interval = false;
  EXPECT_EQ(ratio_text(one), "1.14");
}

TEST(Sentence, FasterSlowerAndEqual) {
  EXPECT_EQ(sentence(problem_of("p", Standing{"scalar/x", over(2, 0.1)}), plain),
            "mma/x is 2.00 ± 0.10 times faster than scalar/x (the baseline)");
  EXPECT_EQ(
      sentence(problem_of("p", Standing{"scalar/x", over(2, 0.3)}, Standing{"peer/x", over(0.5, 0.02)}),
               plain),
      "mma/x is 2.0 ± 0.3 times faster than scalar/x (the baseline); it is 2.00 ± 0.09 times slower than "
      "peer/x (the fastest peer)");
  Standing tied{"peer/x", over(1.01, 0.02)};
  tied.over.tied = true;
  EXPECT_EQ(sentence(problem_of("p", {}, tied), plain),
            "mma/x and peer/x (the fastest peer) are equally fast within the noise");
  tied.falls_short = true;
  EXPECT_EQ(sentence(problem_of("p", {}, tied), plain),
            "mma/x and peer/x (the fastest peer) are equally fast within the noise ‡");
}

TEST(Sentence, TiesAndBaselinesOfTheirOwn) {
  ProblemConclusion problem = problem_of("p", Standing{"scalar/x", over(2, 0.3)});
  problem.ties = {"wgmma/x"};
  EXPECT_EQ(sentence(problem, plain),
            "mma/x, tied with wgmma/x, is 2.0 ± 0.3 times faster than scalar/x (the baseline)");
  problem.ties = {"wgmma/x", "wmma/x"};
  expect_contains(sentence(problem, plain), "mma/x, tied with 2 others, is");
  ProblemConclusion itself = problem_of("p");
  itself.is_baseline = true;
  EXPECT_EQ(sentence(itself, plain), "mma/x (the baseline) is the fastest");
  itself.has_named_baseline = false;
  EXPECT_EQ(sentence(itself, plain), "mma/x is the fastest");
  problem.baseline_is_peer = true;
  expect_contains(sentence(problem, plain), "(the baseline and the fastest peer)");
  EXPECT_EQ(sentence(problem_of("p"), [](std::string_view id) { return fmt::format("`{}`", id); }),
            "`mma/x` is the fastest");
}

TEST(Caution, OfRowsThatFallShort) {
  const MeasurePolicy rule{.relative_width = 0.01, .min_samples = 15, .max_samples = 200};
  const auto only = [&](const Caveats& caveats, std::optional<double> budget_s = {}) {
    const auto sentences = caveat_sentences(caveats, rule, budget_s);
    EXPECT_EQ(sentences.size(), 1U);
    return sentences.front();
  };
  EXPECT_TRUE(caveat_sentences({.timed = 9}, rule).empty());
  EXPECT_EQ(only({.timed = 9, .few_samples = 3}, 44.2),
            "3 of 9 rows have fewer than 15 samples (min_samples); --budget 45 would do");
  EXPECT_EQ(
      only({.timed = 9, .few_samples = 3, .wide = 4, .at_limit = 1}, 131),
      "3 of 9 rows have fewer than 15 samples (min_samples), 4 of 9 rows have an interval wider than 1 % "
      "(relative_width); 1 of these would need more than max_samples, 200; --budget 140 would do for the "
      "others");
  EXPECT_EQ(only({.timed = 9, .wide = 4, .at_limit = 4}, 131),
            "4 of 9 rows have an interval wider than 1 % (relative_width); 4 of these would need more than "
            "max_samples, 200");
  EXPECT_EQ(only({.timed = 9, .few_samples = 3}),
            "3 of 9 rows have fewer than 15 samples (min_samples); which --budget would do is not known");
  expect_contains(caveat_sentences({.timed = 2, .few_samples = 1}, rule, 3, "finalists").front(),
                  "1 of 2 finalists has fewer");
}

TEST(Caution, OfWanderingAndThrottledClocks) {
  EXPECT_EQ(
      caveat_sentences({.timed = 8, .clocks_wandered = 3, .throttled = 2, .throttle_reasons = kSwPowerCap},
                       {}),
      (std::vector<std::string>{"the SM clock moved by more than 5 % during 3 of 8 records: --pacing burst "
                                "keeps it at its maximum",
                                "the clocks were held down during 2 of 8 records: sw_power_cap"}));
  EXPECT_EQ(caveat_sentences({.timed = 8, .clocks_wandered = 3}, {.pacing = Pacing::burst}),
            (std::vector<std::string>{"the SM clock moved by more than 5 % during 3 of 8 records"}));
}

TEST(Caution, OfABusyHostOnlyForRunsOnTheCpu) {
  const Conclusion none("", {});
  const auto environment = [](const char* backend, double load) {
    return Json{{"device", {{"backend", backend}}}, {"host", {{"cores", 2}, {"load_1min", load}}}};
  };
  EXPECT_EQ(file_cautions(none, environment("cpu", 7.2)),
            std::vector<std::string>{"load 7 on 2 cores: times are upper bounds"});
  EXPECT_TRUE(file_cautions(none, environment("cpu", 2.1)).empty());
  EXPECT_TRUE(file_cautions(none, environment("cuda", 7.2)).empty());
  EXPECT_TRUE(file_cautions(none, Json::object()).empty());
}

// Problems p1 to pN, on which mma is 1 to N times as fast as the peer.
Conclusion conclusion_of(int problems) {
  Conclusion conclusion("scalar/*", {});
  for (int i = 1; i <= problems; ++i) {
    const Problem problem = sample_problem(fmt::format("p{}", i));
    std::vector<Record> records = {ok_record(problem, "mma", kTile, 10),
                                   ok_record(problem, "scalar", kTile, 80),
                                   ok_record(problem, "peer_a", kTile, 10 * i)};
    records[2].role = Role::peer;
    conclusion.add(records);
  }
  return conclusion;
}

TEST(ConclusionLines, NameEachOfFewProblemsThenTheMeans) {
  const auto lines = conclusion_lines(conclusion_of(3));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[1].substr(0, 4), "p2: ");
  expect_contains(lines[3], " × the baseline over 3 problems; 3 won, 0 tied, 0 lost");
  expect_contains(lines[4], " × a over 3 problems; 2 won, 1 tied, 0 lost");
  EXPECT_EQ(conclusion_lines(conclusion_of(1)).size(), 1U);
  EXPECT_TRUE(conclusion_lines(Conclusion("", {})).empty());
}

TEST(PeerName, IsWhatPeopleCallIt) {
  EXPECT_EQ(peer_name("peer_fa3"), "FA3");
  EXPECT_EQ(peer_name("peer_cudnn"), "cuDNN");
  EXPECT_EQ(peer_name("peer_torch_cudnn"), "PyTorch cuDNN");
  EXPECT_EQ(peer_name("wgmma"), "wgmma");
  EXPECT_EQ(peer_name("theirs_fa3"), "theirs_fa3");
}

TEST(Headline, IsTheMeanOverThePeersThenOverTheBaseline) {
  const Json h200 = {{"device", {{"name", "NVIDIA H200"}}}};
  Conclusion conclusion = conclusion_of(3);
  EXPECT_EQ(headline(conclusion, h200), "on this NVIDIA H200: " + mean_sentences(conclusion).back());
  Record faster = ok_record(sample_problem("p4"), "peer_fa4", kTile, 9);
  faster.role = Role::peer;
  conclusion.add(std::vector{ok_record(sample_problem("p4"), "mma", kTile, 10), faster});
  expect_contains(headline(conclusion, h200), " × the best of a, FA4 over 4 problems; 2 won, 1 tied, 1 lost");

  Conclusion alone("scalar/*", {});
  for (const char* name : {"p1", "p2"}) {
    alone.add(std::vector{ok_record(sample_problem(name), "mma", kTile, 10),
                          ok_record(sample_problem(name), "scalar", kTile, 20)});
  }
  expect_contains(headline(alone, Json::object()), "on this device: 2.00");
  expect_contains(headline(alone, Json::object()), " × the baseline over 2 problems; 2 won, 0 tied, 0 lost");
}

TEST(Headline, BaselinesThatAreTheFastestPeerAreSaidOnce) {
  Conclusion conclusion("peer_a/*", {});
  for (const char* name : {"p1", "p2"}) {
    std::vector<Record> records = {ok_record(sample_problem(name), "mma", kTile, 10),
                                   ok_record(sample_problem(name), "peer_a", kTile, 20)};
    records[1].role = Role::peer;
    conclusion.add(records);
  }
  ASSERT_EQ(mean_sentences(conclusion).size(), 1U);
  expect_contains(mean_sentences(conclusion).front(), " × a over 2 problems; 2 won, 0 tied, 0 lost");
}

TEST(Headline, OfOneProblemIsItsSentenceAndOfNoneSaysSo) {
  expect_contains(headline(conclusion_of(1), Json::object()), "times faster than scalar/");
  expect_contains(headline(conclusion_of(1), Json::object()), ", on p1");
  expect_contains(headline(Conclusion("", {}), Json::object()), "no problem has two timed variants");
}

TEST(ConclusionLines, NameTheExtremesOfMany) {
  Conclusion many = conclusion_of(11);
  // Without a peer, and further from its baseline than all others.
  many.add(std::vector{ok_record(sample_problem("alone"), "mma", kTile, 10),
                       ok_record(sample_problem("alone"), "scalar", kTile, 900)});
  const auto lines = conclusion_lines(many);
  ASSERT_EQ(lines.size(), 4U);
  expect_contains(lines[0], "least, on p1: ");
  expect_contains(lines[1], "most, on p11: ");
}

TEST(Sentence, CostOfBatchInvariance) {
  ProblemConclusion problem = problem_of("p", Standing{"scalar/x", over(2, 0.1)});
  problem.invariance = InvarianceCost{.variant = "wgmma/x", .of_fastest = over(1.07, 0.011)};
  const auto end = [&] {
    const std::string text = sentence(problem, plain);
    return text.substr(text.find("; ") + 2);
  };
  EXPECT_EQ(end(), "the fastest batch-invariant variant, wgmma/x, takes 1.070 ± 0.011 times as long");
  problem.invariance->falls_short = true;
  expect_contains(end(), "times as long ‡");
  problem.invariance->of_fastest.tied = true;
  EXPECT_EQ(end(), "the fastest batch-invariant variant, wgmma/x, is equally fast within the noise ‡");
  problem.invariance->is_fastest = true;
  EXPECT_EQ(end(), "it is batch invariant");
}

}  // namespace
}  // namespace flashcore
