// Flags that replace keys of the config.
#include <gtest/gtest.h>

#include "config/plan.hpp"
#include "config/problem_reader.hpp"
#include "unit/support/usage_error.hpp"

namespace flashcore {
namespace {

Plan plan_with(const Overrides& overrides) {
  JsonDocument document(R"({"problems": [{"name": "of_config"}], "report": {"formats": ["table"]}})",
                        "x.json");
  apply(overrides, document);
  return make_plan(document, "x");
}

Plan plan_with_problem(const std::string& flag) { return plan_with({.problems = {flag}}); }

TEST(ProblemFlag, ReplacesTheProblemsOfTheConfig) {
  const Plan plan = plan_with_problem("name=p,batch=2,heads_q=4,seq_q=128,dtype=bf16,causal=true,scale=0.25");
  ASSERT_EQ(plan.problems.size(), 1u);
  const Problem& problem = plan.problems.front();
  EXPECT_EQ(problem.name, "p");
  EXPECT_EQ(problem.batch, 2);
  EXPECT_EQ(problem.heads_kv, 4);
  EXPECT_EQ(problem.seq_kv, 128);
  EXPECT_EQ(problem.dtype, Dtype::bf16);
  EXPECT_TRUE(problem.causal);
  EXPECT_EQ(problem.scale, 0.25);
  EXPECT_EQ(plan.config.at("problems").at("batch"), 2) << "the result file tells what was run";
}

TEST(ProblemFlag, ColonsMakeAnAxisAndRepetitionMoreProblems) {
  EXPECT_EQ(plan_with_problem("seq_q=64:128:256,dtype=fp16:bf16").problems.size(), 6u);
  EXPECT_EQ(plan_with({.problems = {"seq_q=64", "seq_q=128:256"}}).problems.size(), 3u);
}

TEST(ProblemFlag, ErrorsNameFlagAndKey) {
  EXPECT_USAGE_ERROR(plan_with_problem("seq_q=0"), "--problem/seq_q: 0 is out of range");
  EXPECT_USAGE_ERROR(plan_with_problem("sed_q=1"), "--problem/sed_q: unknown key, did you mean seq_q?");
  EXPECT_USAGE_ERROR(plan_with_problem("seq_q=abc"), "--problem/seq_q: must be an integer, not \"abc\"");
  EXPECT_USAGE_ERROR(plan_with_problem("seq_q="), "--problem/seq_q: must be an integer, not \"\"");
  EXPECT_USAGE_ERROR(plan_with_problem("seq_q=64:x"), "--problem/seq_q/1: must be an integer");
  EXPECT_USAGE_ERROR(plan_with_problem("seq_q"), "--problem: \"seq_q\" must have the form key=value");
  EXPECT_USAGE_ERROR(plan_with_problem(""), "--problem: \"\" must have the form key=value");
  EXPECT_USAGE_ERROR(plan_with_problem("seq_q=1,seq_q=2"), "--problem/seq_q: appears twice");
  EXPECT_USAGE_ERROR(plan_with_problem("heads_q=8,heads_kv=3"), "--problem/heads_q: 8 is not a multiple");
  EXPECT_USAGE_ERROR(plan_with({.problems = {"seq_q=1", "seq_q=-1"}}), "--problem/1/seq_q: -1 is out of");
  EXPECT_USAGE_ERROR(plan_with_problem("batch=99999999999999999999"), "--problem/batch: ");
}

TEST(Flags, ReplaceKeys) {
  const Plan plan = plan_with({.device = "cpu",
                               .variants = {"a*", "!b*"},
                               .baseline = "c*",
                               .output = "dir/result.csv",
                               .formats = {"json", "csv"},
                               .budget_s = "2.5",
                               .seed = "9",
                               .check_only = true});
  EXPECT_EQ(plan.device.kind, DeviceRequest::Kind::cpu);
  EXPECT_EQ(plan.variants.terms().size(), 2u);
  EXPECT_TRUE(plan.variants.terms().at(1).exclude);
  EXPECT_EQ(plan.baseline, "c*");
  EXPECT_EQ(plan.report.output, "dir/result.csv");
  ASSERT_EQ(plan.report.formats.size(), 2u);
  EXPECT_EQ(plan.report.formats[1].name, "csv");
  EXPECT_EQ(plan.report.formats[1].where, "--format/1");
  EXPECT_EQ(plan.policy.measure.budget_s, 2.5);
  EXPECT_EQ(plan.policy.seed, 9u);
  EXPECT_TRUE(plan.policy.measure.modes.empty());
  EXPECT_TRUE(plan.policy.check);
  EXPECT_FALSE(plan_with({.no_check = true}).policy.check);
}

TEST(Flags, ErrorsNameTheFlag) {
  EXPECT_USAGE_ERROR(plan_with({.budget_s = "soon"}), "--budget: must be a number, not \"soon\"");
  EXPECT_USAGE_ERROR(plan_with({.budget_s = "0"}), "--budget: 0 is out of range");
  EXPECT_USAGE_ERROR(plan_with({.seed = "1.5"}), "--seed: must be an integer, not 1.5");
  EXPECT_USAGE_ERROR(plan_with({.device = "cudda"}),
                     "--device: unknown device \"cudda\", did you mean cuda?");
  EXPECT_USAGE_ERROR(plan_with({.output = "dir/"}), "--output: must be a path");
  EXPECT_USAGE_ERROR(plan_with({.check_only = true, .no_check = true}), "--check-only: cannot be combined");
}

TEST(Flags, RejectAConfigThatIsNotAnObject) {
  JsonDocument document("[]", "x.json");
  EXPECT_USAGE_ERROR(apply({.seed = "1"}, document), "--seed: cannot replace");
}

}  // namespace
}  // namespace flashcore
