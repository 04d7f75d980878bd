// Where the lengths of a problem come from: distributions, recorded calls and traces, and what the record says of them.
#include "config/recorded_lengths.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "config/plan.hpp"
#include "results/record_json.hpp"
#include "unit/support/support.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

class LengthSources : public ::testing::Test {
 protected:
  // The plan of a config in the temporary folder with this value of `lengths`.
  Plan plan_of(const std::string& lengths, const std::string& more = R"("name": "p")") const {
    const std::string text = R"({"problems": [{)" + more + R"(, "lengths": )" + lengths + "}]}";
    return make_plan(JsonDocument(text, (folder_ / "x.json").string()), "x");
  }
  void write(const char* name, std::string_view text) const { std::ofstream(folder_ / name) << text; }

  testing::TemporaryFolder folder_;
};

constexpr std::string_view kCalls =
    "{\"q\": [1, 1], \"kv\": [9, 4]}\n{\"q\": [3], \"kv\": [3]}\n{\"q\": [1, 1], \"kv\": [9, 4]}\n";
constexpr std::string_view kAzure = "TIMESTAMP,ContextTokens,GeneratedTokens\nx,48,3\nx,31,2\nx,70,4\n";

TEST_F(LengthSources, ADistributionIsOneProblemWithItsParameters) {
  const Plan plan = plan_of(
      R"({"distribution": "lognormal", "sequences": 8, "seed": 5, "kv": {"median": 90, "sigma": 1, "max": 500}, "q": 2})");
  ASSERT_EQ(plan.problems.size(), 1u);
  const Problem& problem = plan.problems[0];
  EXPECT_EQ(problem.name, "p");
  EXPECT_EQ(problem.batch, 8);
  EXPECT_EQ(problem.seq_q, 2);
  EXPECT_EQ(problem.source, "lognormal, 8 sequences, seed 5, kv median 90 sigma 1 min 1 max 500, q 2");
}

TEST_F(LengthSources, WrongDistributionsAreRefused) {
  const auto refuse = [&](const std::string& members, const std::string& part) {
    EXPECT_USAGE_ERROR(plan_of(R"({"distribution": "uniform", )" + members + "}"),
                       "/problems/0/lengths" + part);
  };
  refuse(R"("sequences": 2, "seed": 1, "kv": 5)", ": \"q\" is missing");
  refuse(R"("sequences": 2, "kv": 5, "q": 1)", ": \"seed\" is missing");
  refuse(R"("sequences": 0, "seed": 1, "kv": 5, "q": 1)", "/sequences: 0 is out of range");
  refuse(R"("sequences": 2, "seed": 1, "kv": {"min": 5}, "q": 1)", "/kv: \"max\" is missing");
  refuse(R"("sequences": 2, "seed": 1, "kv": {"min": 5, "max": 4}, "q": 1)", "/kv/max: 4 is out of range");
  refuse(R"("sequences": 2, "seed": 1, "kv": {"max": 4, "sigma": 1}, "q": 1)", "/kv/sigma: unknown key");
  refuse(R"("sequences": 2, "seed": 1, "kv": 5, "q": 1, "sede": 2)",
         "/sede: unknown key, did you mean seed?");
  EXPECT_USAGE_ERROR(plan_of(R"({"distribution": "normal"})"),
                     "/lengths/distribution: unknown word \"normal\"");
  EXPECT_USAGE_ERROR(
      plan_of(R"({"distribution": "zipf", "sequences": 2, "seed": 1, "kv": {"max": 1048577}, "q": 1})"),
      "/lengths/kv/max: must be less than 1048576 above");
  EXPECT_USAGE_ERROR(
      plan_of(
          R"({"distribution": "lognormal", "sequences": 2, "seed": 1, "kv": {"max": 9, "sigma": 1}, "q": 1})"),
      "\"median\" is missing");
}

TEST_F(LengthSources, EachCallIsAProblemAndEqualCallsAreOne) {
  write("c.jsonl", kCalls);
  const Plan plan = plan_of(R"([{"calls": "c.jsonl"}, "q7"])", R"("name": "p", "heads_q": [1, 2])");
  ASSERT_EQ(plan.problems.size(), 6u);
  EXPECT_EQ(plan.problems[0].name, "p_hq1_call0001");
  EXPECT_EQ(plan.problems[0].source, "calls c.jsonl, lines 1, 3");
  EXPECT_EQ(lengths_text(*plan.problems[0].lengths), "q1s9_q1s4");
  EXPECT_EQ(plan.problems[1].name, "p_hq1_call0002");
  EXPECT_EQ(plan.problems[1].source, "calls c.jsonl, line 2");
  EXPECT_EQ(plan.problems[2].name, "p_hq1_lenq7");
  EXPECT_EQ(plan.problems[2].source, "");
}

TEST_F(LengthSources, CallsOfAProblemWithoutANameAreTold) {
  write("c.jsonl", kCalls);
  const Plan plan = plan_of(R"({"calls": "c.jsonl"})", R"("heads_q": 1)");
  EXPECT_EQ(plan.problems.at(1).name, "b1_hq1_hkv1_q3_kv3_lenq3_d64_fp16_call0002");
}

TEST_F(LengthSources, ATraceBecomesStepsOfItsScheduler) {
  write("a.csv", kAzure);
  const std::string scheduler = R"("scheduler": {"token_budget": 64, "max_sequences": 2, "chunk": 32})";
  const Plan plan =
      plan_of(R"({"trace": "a.csv", "steps": 2, "first_step": 1, "every": 2, )" + scheduler + "}");
  ASSERT_EQ(plan.problems.size(), 2u);
  EXPECT_EQ(plan.problems[0].name, "p_step0001");
  EXPECT_EQ(
      plan.problems[0].source,
      "trace a.csv, step 1, scheduler token_budget 64, max_sequences 2, chunk 32, prefix_hits 0, seed 0");
  EXPECT_EQ(lengths_text(*plan.problems[0].lengths), "q1s32_q16s48");
  EXPECT_EQ(plan.problems[1].name, "p_step0003");
  // Fewer calls if the trace ends before.
  EXPECT_EQ(plan_of(R"({"trace": "a.csv", "steps": 100, )" + scheduler + "}").problems.size(), 8u);
  EXPECT_USAGE_ERROR(plan_of(R"({"trace": "a.csv", "steps": 1, "first_step": 99, )" + scheduler + "}"),
                     "a.csv: its requests end before step 99");
}

// The config in a result file needs no other file, and means the same problems.
TEST_F(LengthSources, ThePlansConfigHoldsTheCalls) {
  write("c.jsonl", kCalls);
  const Plan plan = plan_of(R"([{"calls": "c.jsonl"}, {"q": [2], "kv": [6]}])");
  std::filesystem::remove(folder_ / "c.jsonl");
  const Plan again = make_plan(JsonDocument(plan.config.dump(), "again"), "x");
  ASSERT_EQ(again.problems.size(), 3u);
  EXPECT_EQ(again.problems, plan.problems);
  EXPECT_EQ(again.problems[0].source, "calls c.jsonl, lines 1, 3");
  EXPECT_EQ(again.config, plan.config);
}

TEST_F(LengthSources, ErrorsNameThePlaceTheFileAndTheLine) {
  write("c.jsonl", std::string(kCalls) + "{\"q\": [3]}\n");
  write("a.csv", std::string(kAzure) + "x,1\n");
  EXPECT_USAGE_ERROR(plan_of(R"(["q5", {"calls": "c.jsonl"}])"), "x.json: /problems/0/lengths/1/calls: ");
  EXPECT_USAGE_ERROR(plan_of(R"({"calls": "c.jsonl"})"), "c.jsonl:4: \"kv\" is missing");
  EXPECT_USAGE_ERROR(plan_of(R"({"calls": "none.jsonl"})"), "none.jsonl: cannot be opened");
  EXPECT_USAGE_ERROR(plan_of(R"({"calls": "."})"), "is a directory");
  EXPECT_USAGE_ERROR(plan_of(R"({"calls": ""})"), "must be the path of a file");
  EXPECT_USAGE_ERROR(plan_of(R"({"calls": "a\nb"})"), "must have no control characters");
  EXPECT_USAGE_ERROR(plan_of(R"({"calls": "c.jsonl", "steps": 4})"), "/lengths/steps: unknown key");
  const auto trace = [&](const std::string& members) {
    return plan_of(R"({"trace": "a.csv", )" + members + "}");
  };
  const std::string scheduler = R"("scheduler": {"token_budget": 64, "max_sequences": 2)";
  EXPECT_USAGE_ERROR(trace(R"("steps": 1)"), "/lengths: \"scheduler\" is missing");
  EXPECT_USAGE_ERROR(trace(scheduler + "}"), "/lengths: \"steps\" is missing");
  EXPECT_USAGE_ERROR(trace(scheduler + R"(}, "steps": 10001)"), "/lengths/steps: 10001 is out of range");
  EXPECT_USAGE_ERROR(trace(scheduler + R"(}, "steps": 1)"), "a.csv:5: has 2 cells, but the header has 3");
  EXPECT_USAGE_ERROR(trace(scheduler + R"(, "prefix_hits": 1.5}, "steps": 1)"),
                     "/prefix_hits: 1.5 is out of range");
  EXPECT_USAGE_ERROR(trace(scheduler + R"(, "prefix_hits": "ids"}, "steps": 1)"),
                     "must be a share from 0 to 1");
  EXPECT_USAGE_ERROR(trace(scheduler + R"(, "budget": 1}, "steps": 1)"), "/scheduler/budget: unknown key");
}

TEST_F(LengthSources, ACallThatIsNoProblemNamesItsPlace) {
  write("c.jsonl", "{\"q\": [0], \"kv\": [3]}\n");
  EXPECT_USAGE_ERROR(plan_of(R"({"calls": "c.jsonl"})"), "/problems/0/lengths: no sequence has a query");
}

TEST_F(LengthSources, TheSourceIsInTheRecordAndNotInEquality) {
  const Plan plan = plan_of(R"("2q5")", R"("name": "p", "source": "made by hand")");
  const Problem problem = plan.problems.at(0);
  EXPECT_EQ(problem.source, "made by hand");
  const JsonDocument json(to_json(problem).dump(), "record");
  EXPECT_EQ(json.root()["source"], "made by hand");
  EXPECT_EQ(problem_from_json(JsonReader(json)).source, "made by hand");
  Problem other = problem;
  other.source.clear();
  EXPECT_EQ(other, problem);
  EXPECT_FALSE(to_json(other).contains("source"));
  JsonDocument damaged(to_json(problem).dump(), "record");
  damaged.set("/source", "a\nb", "record: /source");
  EXPECT_USAGE_ERROR(problem_from_json(JsonReader(damaged)), "/source: must have no control characters");
}

}  // namespace
}  // namespace flashcore
