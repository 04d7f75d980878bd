// Every CUDA variant on problems that tend to break kernels: tiny, odd, masked, grouped heads, strides.
#include <fmt/format.h>

#include <iostream>

#include "base/error.hpp"
#include "gpu/gpu_test.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

struct Case {
  std::string name;
  Problem problem;  // head_dim and dtype come from the test's parameters
};

std::vector<Case> cases() {
  const Problem gqa{.batch = 2, .heads_q = 6, .heads_kv = 2};
  const auto with = [&](std::string name, std::int64_t seq_q, std::int64_t seq_kv, auto change) {
    Problem problem = gqa;
    problem.seq_q = seq_q;
    problem.seq_kv = seq_kv;
    change(problem);
    return Case{std::move(name), problem};
  };
  const auto plain = [](Problem&) {};
  const auto causal = [](Problem& p) { p.causal = true; };
  return {
      with("one_key", 1, 1, plain),
      with("one_key_many_queries", 239, 1, plain),
      with("one_tile", 64, 64, plain),
      with("odd", 113, 203, plain),
      with("three_odd_tiles", 799, 3, plain),
      with("long_odd", 1023, 1025, plain),
      with("causal", 96, 96, causal),
      with("causal_long", 517, 517, causal),
      with("causal_more_keys", 108, 256, causal),
      with("causal_more_queries", 256, 113, causal),
      with("twice_the_keys", 256, 512, plain),
      with("causal_half_the_keys", 512, 256, causal),
      with("causal_tiles", 2048, 2048, [](Problem& p) { p.causal = true, p.batch = 1; }),
      with("decode", 1, 300, plain),
      with("decode_causal", 4, 1000, causal),
      with("mqa", 128, 217, [](Problem& p) { p.heads_kv = 1; }),
      with("log_sum_exp", 130, 190, [](Problem& p) { p.lse = p.causal = true; }),
      with("log_sum_exp_masked_rows", 190, 130, [](Problem& p) { p.lse = p.causal = true; }),
      with("bshd", 130, 190, [](Problem& p) { p.layout = Layout::bshd; }),
      with("padded", 65, 129, [](Problem& p) { p.layout = Layout::padded, p.lse = true; }),
      with("scale", 128, 128, [](Problem& p) { p.scale = 0.5; }),
      with("negative_scale", 100, 100, [](Problem& p) { p.scale = -0.3; }),
      with("window", 300, 300, [](Problem& p) { p.window_left = 37, p.window_right = 11; }),
      with("causal_window", 300, 340, [](Problem& p) { p.window_left = 70, p.causal = true; }),
      with("softcap", 100, 170, [](Problem& p) { p.softcap = 3; }),
      with("softcap_causal", 170, 170, [](Problem& p) { p.softcap = 3, p.causal = true; }),
  };
}

class VariantsTest : public GpuTest,
                     public testing::WithParamInterface<std::tuple<Case, std::int64_t, Dtype>> {};

TEST_P(VariantsTest, AgreesWithTheReference) {
  auto [test_case, head_dim, dtype] = GetParam();
  Problem problem = test_case.problem;
  problem.head_dim = head_dim;
  problem.dtype = dtype;
  if (problem.scale == 0) problem.scale = default_scale(head_dim);
  int ran = 0;
  for (std::uint64_t seed : {1u, 2u}) {
    executor().prepare(problem, seed);
    for (const Variant* variant : all_variants()) {
      if (!executor().unsupported(*variant).empty()) continue;
      const Check check = executor().verify(*variant, {});
      EXPECT_TRUE(check.passed) << variant->id() << " seed " << seed << ": " << check.reason;
      ++ran;
    }
  }
  if (ran == 0) GTEST_SKIP() << "no variant supports this problem";
}

INSTANTIATE_TEST_SUITE_P(Cuda, VariantsTest,
                         testing::Combine(testing::ValuesIn(cases()), testing::Values(32, 64, 96, 128, 256),
                                          testing::ValuesIn(kAll<Dtype>)),
                         [](const testing::TestParamInfo<VariantsTest::ParamType>& instance) {
                           return fmt::format("{}_d{}_{}", std::get<0>(instance.param).name,
                                              std::get<1>(instance.param),
                                              to_string(std::get<2>(instance.param)));
                         });

using LargeTensorTest = GpuTest;

// Q and O, then K and V, hold more than 2^31 elements.
TEST_F(LargeTensorTest, OffsetsDoNotOverflow) {
  const Problem base{.heads_q = 4096, .heads_kv = 4096, .head_dim = 128, .scale = default_scale(128)};
  Problem many_queries = base;
  many_queries.seq_q = 4160;
  many_queries.seq_kv = 3;
  Problem many_keys = base;
  many_keys.seq_kv = 4160;
  Problem many_queries_e4m3 = many_queries;
  Problem many_keys_e4m3 = many_keys;
  many_queries_e4m3.dtype = many_keys_e4m3.dtype = Dtype::e4m3;
  for (const Problem& problem : {many_queries, many_keys, many_queries_e4m3, many_keys_e4m3}) {
    ASSERT_GT(std::max(query_shape(problem).elements(), key_shape(problem).elements()),
              std::int64_t{1} << 31);
    if (executor().required_bytes(problem) > executor().device().free_memory_bytes) {
      GTEST_SKIP() << "needs " << executor().required_bytes(problem) << " bytes of device memory";
    }
    executor().prepare(problem, 7);
    for (const Variant* variant : all_variants()) {
      if (!executor().unsupported(*variant).empty()) continue;
      try {
        const Check check = executor().verify(*variant, {});
        EXPECT_TRUE(check.passed) << variant->id() << ": " << check.reason;
      } catch (const OutOfMemoryError& error) {
        std::cout << variant->id() << " not tried: " << error.what()
                  << '\n';  // its workspace, beside these tensors
      }
    }
  }
}

}  // namespace
}  // namespace flashcore
