#include "trace/scheduler.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

RequestTrace trace_of(std::vector<std::pair<int, int>> requests) {
  RequestTrace trace;
  for (const auto& [input, output] : requests) {
    trace.requests.push_back({std::ssize(trace.requests) + 2, input, output, {}});
  }
  return trace;
}

// Requests of many sizes, some without a prompt and some without an output.
RequestTrace mixed_trace(int count) {
  std::vector<std::pair<int, int>> requests;
  for (int i = 0; i < count; ++i) requests.emplace_back(i * 7919 % 3000, i * 104729 % 40);
  return trace_of(requests);
}

std::vector<Lengths> calls_of(RequestTrace trace, const SchedulerPolicy& policy) {
  Scheduler scheduler(std::move(trace), policy, "t.csv");
  std::vector<Lengths> calls;
  while (std::optional<Lengths> call = scheduler.next()) calls.push_back(*std::move(call));
  return calls;
}

std::vector<std::string> texts_of(const std::vector<Lengths>& calls) {
  std::vector<std::string> texts;
  for (const Lengths& call : calls) texts.push_back(lengths_text(call));
  return texts;
}

using Texts = std::vector<std::string>;

std::int64_t queries_of(const std::vector<Lengths>& calls) {
  std::int64_t queries = 0;
  for (const Lengths& call : calls) queries += std::accumulate(call.q.begin(), call.q.end(), std::int64_t{0});
  return queries;
}

// What all steps together have to compute without prefix hits.
std::int64_t tokens_of(const RequestTrace& trace) {
  std::int64_t tokens = 0;
  for (const TracedRequest& request : trace.requests) {
    if (request.input > 0) tokens += request.input + std::max(request.output - 1, 0);
  }
  return tokens;
}

TEST(Scheduler, DecodesComeBeforePrefill) {
  const RequestTrace trace = trace_of({{10, 3}, {20, 1}, {30, 2}});
  EXPECT_EQ(texts_of(calls_of(trace, {.token_budget = 32, .max_sequences = 2})),
            (Texts{"q10_q20", "q1s11_q30", "q1s12_q1s31"}));
}

TEST(Scheduler, ChunksFillTheBudget) {
  const RequestTrace trace = trace_of({{10, 2}, {20, 0}});
  EXPECT_EQ(texts_of(calls_of(trace, {.token_budget = 8, .max_sequences = 4, .chunk = 6})),
            (Texts{"q6_q2", "q4s10_q4s6", "q1s11_q6s12", "q6s18", "q2s20"}));
}

TEST(Scheduler, APromptIsNeverCutWithoutChunks) {
  const RequestTrace trace = trace_of({{6, 1}, {5, 1}, {1, 1}});
  EXPECT_EQ(texts_of(calls_of(trace, {.token_budget = 8, .max_sequences = 4})), (Texts{"q6", "q5_q1"}));
  EXPECT_USAGE_ERROR(calls_of(trace, {.token_budget = 5, .max_sequences = 4}),
                     "t.csv:2: 6 tokens of the prompt are more than the token_budget of 5; set \"chunk\"");
}

TEST(Scheduler, RequestsWithoutAPromptAreLeftOut) {
  EXPECT_EQ(texts_of(calls_of(trace_of({{0, 9}, {3, 1}, {0, 0}}), {.token_budget = 8, .max_sequences = 1})),
            (Texts{"q3"}));
  EXPECT_TRUE(calls_of(trace_of({{0, 9}}), {.token_budget = 8, .max_sequences = 1}).empty());
}

TEST(Scheduler, BudgetAndSequencesAreNeverExceededAndEveryTokenIsComputedOnce) {
  const RequestTrace trace = mixed_trace(200);
  for (const std::int64_t budget : {1, 7, 512, 8192}) {
    for (const std::int64_t chunk : {1, 100, 4096}) {
      for (const std::int64_t sequences : {1, 5, 64}) {
        const std::vector<Lengths> calls =
            calls_of(trace, {.token_budget = budget, .max_sequences = sequences, .chunk = chunk});
        for (const Lengths& call : calls) {
          ASSERT_LE(queries_of({call}), budget);
          ASSERT_LE(std::ssize(call.q), sequences);
          ASSERT_LE(*std::ranges::max_element(call.q), chunk);
          ASSERT_GE(*std::ranges::min_element(call.q), 1);
          for (std::size_t i = 0; i < call.q.size(); ++i) ASSERT_GE(call.kv[i], call.q[i]);
        }
        EXPECT_EQ(queries_of(calls), tokens_of(trace));
      }
    }
  }
}

TEST(Scheduler, SharesOfPrefixHitsTakeWholeLeadingBlocks) {
  // 1100 tokens have two whole blocks; 1024 tokens have two, of which the last has the last token.
  const auto first_chunks = [](double share) {
    return texts_of(calls_of(trace_of({{1100, 1}, {1024, 1}, {300, 1}}),
                             {.token_budget = 8192, .max_sequences = 8, .prefix_hits = share}));
  };
  EXPECT_EQ(first_chunks(0), (Texts{"q1100_q1k_q300"}));
  EXPECT_EQ(first_chunks(1), (Texts{"q76s1100_q512s1k_q300"}));
}

TEST(Scheduler, TheSeedDecidesHits) {
  const auto calls = [](std::uint64_t seed) {
    return texts_of(calls_of(
        mixed_trace(100),
        {.token_budget = 4096, .max_sequences = 16, .chunk = 512, .prefix_hits = 0.5, .seed = seed}));
  };
  EXPECT_EQ(calls(1), calls(1));
  EXPECT_NE(calls(1), calls(2));
}

// A request that waits for room does not draw again: without chunks the hits are those of the same seed with chunks.
TEST(Scheduler, HitsAreDrawnOncePerRequest) {
  const SchedulerPolicy whole = {.token_budget = 3000, .max_sequences = 9, .prefix_hits = 0.5, .seed = 3};
  SchedulerPolicy cut = whole;
  cut.chunk = 64;
  EXPECT_EQ(queries_of(calls_of(mixed_trace(100), whole)), queries_of(calls_of(mixed_trace(100), cut)));
}

TEST(Scheduler, BlocksThatWereComputedAreFound) {
  RequestTrace trace = trace_of({{1100, 1}, {1100, 1}, {1024, 1}, {1300, 1}});
  trace.has_blocks = true;
  trace.requests[0].blocks = {1, 2, 3};
  trace.requests[1].blocks = {1, 2, 3};  // the last block is not whole: it is computed again
  trace.requests[2].blocks = {1, 2};     // has the last token in the second block
  trace.requests[3].blocks = {1, 9, 2};  // only leading blocks count
  EXPECT_EQ(texts_of(calls_of(trace, {.token_budget = 2000, .max_sequences = 1, .hits_by_ids = true})),
            (Texts{"q1100", "q76s1100", "q512s1k", "q788s1300"}));
  // In the step that computes them, blocks are not yet found.
  EXPECT_EQ(texts_of(calls_of(trace, {.token_budget = 2200, .max_sequences = 2, .hits_by_ids = true})),
            (Texts{"2q1100", "q512s1k_q788s1300"}));
  EXPECT_USAGE_ERROR(
      calls_of(trace_of({{1, 1}}), {.token_budget = 1, .max_sequences = 1, .hits_by_ids = true}),
      "t.csv: has no hash_ids");
}

TEST(Scheduler, TheTextHasAllParameters) {
  EXPECT_EQ(scheduler_text(
                {.token_budget = 8192, .max_sequences = 256, .chunk = 2048, .prefix_hits = 0.25, .seed = 4}),
            "scheduler token_budget 8192, max_sequences 256, chunk 2048, prefix_hits 0.25, seed 4");
  EXPECT_EQ(scheduler_text({.token_budget = 1, .max_sequences = 2, .hits_by_ids = true}),
            "scheduler token_budget 1, max_sequences 2, chunk 0, prefix_hits hash_ids, seed 0");
}

}  // namespace
}  // namespace flashcore
