// 10,000 calls become at most 64 bins, and the bins of one half predict the total of the other half, also by costs that
// the bins were not made for.
#include "trace/bins.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "trace/length_distribution.hpp"
#include "trace/portable_random.hpp"
#include "trace/scheduler.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kCalls = 10000;

Problem problem_of(Lengths lengths) {
  Problem problem{.heads_q = 32, .heads_kv = 8, .head_dim = 128, .dtype = Dtype::bf16, .causal = true};
  problem.lengths = std::move(lengths);
  apply_lengths(problem);
  return problem;
}

std::vector<CallCost> costs_of(const std::vector<Lengths>& calls) {
  std::vector<CallCost> costs;
  for (const Lengths& call : calls) costs.push_back(call_cost(problem_of(call)));
  return costs;
}

std::vector<CallCost> drawn_calls(LengthLaw law) {
  std::vector<Lengths> calls;
  for (std::size_t i = 0; i < kCalls; ++i) {
    LengthDistribution distribution{
        .law = law, .sequences = 1 + static_cast<std::int64_t>(i / 2 * 7919 % 64), .seed = i};
    distribution.kv = {.min = 1, .max = 4096, .median = 900, .sigma = 1.1};
    distribution.q = {.min = 1, .max = i % 5 == 0 ? 512 : 1, .median = 64, .sigma = 1};
    calls.push_back(draw_lengths(distribution));
  }
  return costs_of(calls);
}

std::vector<CallCost> scheduled_calls() {
  PortableRandom random(3);
  RequestTrace trace;
  for (std::int64_t line = 1; line <= 20000; ++line) {
    const auto input = static_cast<std::int32_t>(1 + random.bits() % 4000);
    const auto output = static_cast<std::int32_t>(1 + random.bits() % 200);
    trace.requests.push_back({line, input, output, {}});
  }
  Scheduler scheduler(std::move(trace), {.token_budget = 2048, .max_sequences = 64, .chunk = 512}, "t");
  std::vector<Lengths> calls;
  while (calls.size() < kCalls) calls.push_back(scheduler.next().value());
  return costs_of(calls);
}

using Cost = std::function<double(const CallCost&)>;

// The total of every second call, from bins of the others, relative to the true one.
double error_of_other_half(const std::vector<CallCost>& calls, const Cost& cost) {
  std::vector<CallCost> known;
  double truth = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (i % 2 == 0) {
      known.push_back(calls[i]);
    } else {
      truth += cost(calls[i]);
    }
  }
  double predicted = 0;
  for (const Bin& bin : bin_calls(known, kMaxBins)) predicted += bin.weight * cost(known[bin.representative]);
  return std::abs(predicted / truth - 1);
}

// Devices of another balance, with a cost of its own per launch, sequence or longest sequence.
const Cost kCosts[] = {
    [](const CallCost& call) { return call.seconds(); },
    [](const CallCost& call) { return std::max(call.bytes / 2e12, call.flops / 900e12) + 4e-6; },
    [](const CallCost& call) { return call.bytes / 4e12 + call.flops / 300e12; },
    [](const CallCost& call) {
      return call.seconds() + 1e-8 * static_cast<double>(call.sequences) +
             1e-9 * static_cast<double>(call.longest);
    },
};

TEST(Bins, PredictTheTotalOfCallsThatTheyHaveNotSeen) {
  const std::pair<const char*, std::vector<CallCost>> traces[] = {
      {"lognormal", drawn_calls(LengthLaw::lognormal)},
      {"uniform", drawn_calls(LengthLaw::uniform)},
      {"zipf", drawn_calls(LengthLaw::zipf)},
      {"scheduler", scheduled_calls()}};
  for (const auto& [name, calls] : traces) {
    for (std::size_t i = 0; i < std::size(kCosts); ++i) {
      EXPECT_LT(error_of_other_half(calls, kCosts[i]), 0.03) << name << ", cost " << i;
    }
  }
}

TEST(Bins, EveryCallIsInOneBinAndRepresentativesAreMembers) {
  const std::vector<CallCost> calls = drawn_calls(LengthLaw::lognormal);
  const std::vector<Bin> bins = bin_calls(calls, kMaxBins);
  EXPECT_EQ(bins.size(), kMaxBins);
  std::vector<int> times(calls.size());
  double predicted = 0;
  for (const Bin& bin : bins) {
    for (const std::size_t member : bin.members) ++times[member];
    EXPECT_TRUE(std::ranges::binary_search(bin.members, bin.representative));
    // Bins hold calls of nearly one cost.
    EXPECT_NEAR(bin.weight / static_cast<double>(bin.members.size()), 1, 0.35);
    predicted += bin.weight * calls[bin.representative].seconds();
  }
  EXPECT_TRUE(std::ranges::all_of(times, [](int count) { return count == 1; }));
  const double truth = std::accumulate(calls.begin(), calls.end(), 0.0,
                                       [](double sum, const CallCost& call) { return sum + call.seconds(); });
  EXPECT_NEAR(predicted / truth, 1, 1e-9);
}

TEST(Bins, EqualCallsAreOneBin) {
  const std::vector<CallCost> calls(7, call_cost(problem_of({.q = {1, 1}, .kv = {300, 20}})));
  const std::vector<Bin> bins = bin_calls(calls, 64);
  ASSERT_EQ(bins.size(), 1u);
  EXPECT_EQ(bins[0].representative, 0u);
  EXPECT_DOUBLE_EQ(bins[0].weight, 7);
  EXPECT_TRUE(bin_calls({}, 64).empty());
}

TEST(Bins, SmallNumbersOfBinsKeepDifferentCallsApart) {
  std::vector<Lengths> lengths(100, {.q = {1}, .kv = {1000}});
  lengths.push_back({.q = {4096}, .kv = {8192}});
  const std::vector<CallCost> calls = costs_of(lengths);
  const std::vector<Bin> bins = bin_calls(calls, 2);
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].members, std::vector<std::size_t>{100});  // the larger sum of cost comes first
  EXPECT_NEAR(bins[1].weight, 100, 1e-9);
}

TEST(CallCost, CountsTheKeysThatQueriesSee) {
  Problem problem = problem_of({.q = {1, 0, 4}, .kv = {100, 50, 10}});
  const double of_query = 32 * 2 * 128 * 2;
  const double of_key = 8 * 2 * 128 * 2;
  CallCost cost = call_cost(problem);
  EXPECT_EQ(cost.bytes, 5 * of_query + 110 * of_key);
  EXPECT_EQ(cost.flops, flops(problem));
  EXPECT_EQ(cost.sequences, 2);
  EXPECT_EQ(cost.longest, 100);
  EXPECT_EQ(cost.decode_share, 0.5);
  problem.window_left = 3;
  cost = call_cost(problem);
  EXPECT_EQ(cost.bytes, 5 * of_query + (4 + 7) * of_key);
  EXPECT_EQ(cost.longest, 7);
}

}  // namespace
}  // namespace flashcore
