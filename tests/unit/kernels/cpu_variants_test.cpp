// Every CPU variant on every kind of problem, by the same check as a run makes.
#include <gtest/gtest.h>

#include "attention/problem_fields.hpp"
#include "execute/cpu_executor.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

struct Shape {
  const char* name;
  Problem problem;
};

Problem with(Problem problem, Layout layout, bool lse = true) {
  problem.layout = layout;
  problem.lse = lse;
  return problem;
}

Problem windowed(Problem problem, std::int64_t left, std::int64_t right, double softcap = 0) {
  problem.window_left = left;
  problem.window_right = right;
  problem.softcap = softcap;
  problem.lse = true;
  return problem;
}

// dtype, head_dim and scale are filled in by the test.
const Shape kShapes[] = {
    {"one", {}},
    {"tiny", {.heads_q = 2, .heads_kv = 2, .seq_q = 3, .seq_kv = 5}},
    {"one_key", {.heads_q = 2, .heads_kv = 2, .seq_q = 239, .seq_kv = 1}},
    {"odd", with({.batch = 2, .heads_q = 2, .heads_kv = 2, .seq_q = 113, .seq_kv = 203}, Layout::bhsd)},
    {"causal", {.heads_q = 2, .heads_kv = 2, .seq_q = 130, .seq_kv = 130, .causal = true}},
    {"causal_more_keys", with({.seq_q = 33, .seq_kv = 165, .causal = true}, Layout::bhsd)},
    {"causal_more_queries", with({.seq_q = 165, .seq_kv = 33, .causal = true}, Layout::bhsd)},
    {"gqa_bshd", with({.batch = 2, .heads_q = 6, .heads_kv = 2, .seq_q = 65, .seq_kv = 70}, Layout::bshd)},
    {"mqa_decode", with({.batch = 2, .heads_q = 8, .heads_kv = 1, .seq_q = 1, .seq_kv = 300}, Layout::bhsd)},
    {"padded", with({.batch = 2, .heads_q = 4, .heads_kv = 2, .seq_q = 70, .seq_kv = 65, .causal = true},
                    Layout::padded)},
    {"window", windowed({.heads_q = 2, .heads_kv = 2, .seq_q = 200, .seq_kv = 170}, 40, 7)},
    {"softcap",
     windowed({.heads_q = 2, .heads_kv = 1, .seq_q = 90, .seq_kv = 140, .causal = true}, -1, -1, 2.5)},
    {"narrow_window", windowed({.seq_q = 150, .seq_kv = 20, .causal = true}, 3, -1)},
};

class CpuVariants : public testing::TestWithParam<Shape> {};

// Runs every CPU variant of one dtype and head_dim on one problem; returns how many there were.
int verify_all(const Problem& problem) {
  const auto executor = make_cpu_executor();
  executor->prepare(problem, 11);
  int count = 0;
  for (const Variant* variant : all_variants()) {
    if (!executor->unsupported(*variant).empty()) continue;
    const Check check = executor->verify(*variant, {});
    EXPECT_TRUE(check.passed) << variant->id() << ": " << check.reason;
    ++count;
  }
  return count;
}

TEST_P(CpuVariants, AreRight) {
  for (const Dtype dtype : kAll<Dtype>) {
    for (const int head_dim : {32, 64, 96, 128, 256}) {
      Problem problem = GetParam().problem;
      problem.dtype = dtype;
      problem.head_dim = head_dim;
      problem.scale = default_scale(head_dim);
      SCOPED_TRACE(problem_id(problem));
      EXPECT_GE(verify_all(problem), 6);  // cpu_scalar and at least five tiles of cpu_fused
    }
  }
}

TEST_P(CpuVariants, FollowAnUnusualScale) {
  Problem problem = GetParam().problem;
  problem.scale = -0.7;
  verify_all(problem);
}

INSTANTIATE_TEST_SUITE_P(Shapes, CpuVariants, testing::ValuesIn(kShapes),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace flashcore
