// The memory of a problem: input sets at fixed addresses, their hash, and a workspace between guards.
#include "check/problem_buffers.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "check/cpu_check_device.hpp"
#include "execute/cpu_executor.hpp"
#include "registry/registry.hpp"
#include "unit/support/kernel_variant.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

Problem small_problem(Dtype dtype = Dtype::fp16) {
  Problem problem{.heads_q = 2, .heads_kv = 2, .seq_q = 20, .seq_kv = 30, .head_dim = 64, .dtype = dtype};
  problem.scale = default_scale(problem.head_dim);
  normalize(problem);
  return problem;
}

class ProblemBuffersTest : public ::testing::TestWithParam<Dtype> {
 protected:
  std::unique_ptr<CheckDevice> device = make_cpu_check_device();
  ProblemBuffers buffers{small_problem(GetParam()), 3, kernels::InputKind::normal, *device};
};

TEST_P(ProblemBuffersTest, RefillsInPlace) {
  const std::string first = buffers.inputs().hash();
  const AttentionArgs before = buffers.args({});
  buffers.inputs().refill(0, 4);
  EXPECT_NE(buffers.inputs().hash(), first);
  EXPECT_EQ(buffers.args({}).q, before.q);
  EXPECT_EQ(buffers.args({}).v, before.v);
  buffers.inputs().refill(0, 3);
  EXPECT_EQ(buffers.inputs().hash(), first);
}

TEST_P(ProblemBuffersTest, TheHashSeesEveryInput) {
  buffers.make_input_sets(2);
  const std::string first = buffers.inputs().hash();
  for (const std::int64_t set : {0, 1}) {
    const AttentionArgs args = buffers.args({.set = set});
    for (const void* tensor : {args.q, args.k, args.v}) {
      auto* byte = static_cast<unsigned char*>(const_cast<void*>(tensor)) + 100;
      *byte ^= 1;
      EXPECT_NE(buffers.inputs().hash(), first);
      *byte ^= 1;
    }
    if (args.v_descale == nullptr) continue;
    auto* factor = const_cast<float*>(args.v_descale);
    *factor *= 2;
    EXPECT_NE(buffers.inputs().hash(), first);
    *factor /= 2;
  }
  EXPECT_EQ(buffers.inputs().hash(), first);
}

TEST_P(ProblemBuffersTest, WorkspacesAreAlignedAndStay) {
  EXPECT_EQ(buffers.workspace(0), nullptr);
  void* large = buffers.workspace(10000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large) % kMemoryAlignment, 0u);
  EXPECT_EQ(buffers.workspace(7), large);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, ProblemBuffersTest, ::testing::Values(Dtype::fp16, Dtype::e4m3),
                         [](const auto& instance) { return std::string(to_string(instance.param)); });

double limit_of(Problem problem) {
  problem.scale = default_scale(problem.head_dim);
  apply_lengths(problem);
  problem.layout = default_layout(problem);
  normalize(problem);
  const auto executor = make_cpu_executor();
  executor->prepare(problem, 3);
  return executor->verify(*find_variant("cpu_fused/fp16_d64_q32_kv64"), {}).limit.max_abs;
}

// Bottom-right causal: of all rows only the last sees the one key.
double limit_with_one_key(std::int64_t rows) {
  return limit_of({.heads_q = 2, .heads_kv = 2, .seq_q = rows, .seq_kv = 1, .head_dim = 64, .causal = true});
}

double limit_with_lengths(Lengths lengths) {
  Problem problem{.heads_q = 2, .heads_kv = 2, .head_dim = 64};
  problem.lengths = std::move(lengths);
  return limit_of(problem);
}

TEST(Reference, RowsWithoutAKeyDoNotLowerTheLimit) {
  EXPECT_GT(limit_with_one_key(1), 0);
  EXPECT_EQ(limit_with_one_key(256), limit_with_one_key(1));
}

// With one key, O is a row of V. The mean of many rows is much smaller.
TEST(Reference, LongSequencesDoNotLowerTheLimitOfShortOnes) {
  EXPECT_GE(limit_with_lengths({.q = {1, 64}, .kv = {1, 2000}}), limit_with_lengths({.q = {1}, .kv = {1}}));
}

// A right kernel that asks for a workspace and writes `kWritten` bytes of it.
template <std::int64_t kAsked, std::int64_t kFrom, std::int64_t kTo>
Check check_of_workspace() {
  static const Variant& right = *find_variant("cpu_fused/fp16_d64_q32_kv64");
  CompiledKernel kernel = testing::described_like(right);
  kernel.workspace_bytes = [](const AttentionArgs&) { return std::size_t{kAsked}; };
  kernel.launch = [](const AttentionArgs& args, void* stream) {
    std::memset(static_cast<char*>(args.workspace) + kFrom, 0, kTo - kFrom);
    return right.launch(args, stream);
  };
  const auto executor = make_cpu_executor();
  executor->prepare(small_problem(), 3);
  return executor->verify(testing::variant_of(kernel), {});
}

TEST(Workspace, AllOfItMayBeWritten) {
  const Check check = check_of_workspace<1000, 0, 1000>();
  EXPECT_TRUE(check.passed) << check.reason;
}

TEST(Workspace, WhatLiesAroundItMayNot) {
  const Check past = check_of_workspace<1000, 0, 1004>();
  testing::expect_contains(past.reason, "writes past its workspace");
  const Check before = check_of_workspace<1000, -4, 1000>();
  testing::expect_contains(before.reason, "writes past its workspace");
}

}  // namespace
}  // namespace flashcore
