#include "record/roofline.hpp"

#include <gtest/gtest.h>

namespace flashcore {
namespace {

Problem problem(std::int64_t seq_q, std::int64_t seq_kv, bool causal = false) {
  Problem problem;
  problem.heads_q = 8;
  problem.heads_kv = 8;
  problem.seq_q = seq_q;
  problem.seq_kv = seq_kv;
  problem.causal = causal;
  return problem;
}

TEST(Roofline, ASmallProblemOnAnL4IsBoundByMemory) {
  const Roofline roof =
      roofline(problem(512, 512), {.tensor_flops_per_s = 121e12, .memory_bytes_per_s = 300e9});
  EXPECT_EQ(roof.flops, 4.0 * 8 * 512 * 512 * 64);
  EXPECT_EQ(roof.bytes, 4.0 * 8 * 512 * 64 * 2);
  EXPECT_NEAR(roof.arithmetic_floor_us, 4.437, 0.001);
  EXPECT_NEAR(roof.memory_floor_us, 6.991, 0.001);
  EXPECT_EQ(roof.limit, Limit::memory);
  EXPECT_FALSE(roof.exponential_floor_us.has_value());
}

TEST(Roofline, LongSequencesAreBoundByArithmetic) {
  const Roofline roof =
      roofline(problem(8192, 8192), {.tensor_flops_per_s = 586e12, .memory_bytes_per_s = 3e12});
  EXPECT_EQ(roof.limit, Limit::arithmetic);
  EXPECT_EQ(roof.floor_us(), roof.arithmetic_floor_us);
  EXPECT_NEAR(percent_of_roofline(roof, 2 * roof.floor_us()), 50, 1e-9);
}

TEST(Roofline, ExponentialsBindWhereTensorCoresAreFast) {
  const Ceilings slow_exp2 = {.tensor_flops_per_s = 900e12, .memory_bytes_per_s = 3e12, .exp2_per_s = 3e12};
  const Roofline full = roofline(problem(8192, 8192), slow_exp2);
  EXPECT_NEAR(*full.exponential_floor_us, 8.0 * 8192 * 8192 / 3e12 * 1e6, 1e-6);
  EXPECT_EQ(full.limit, Limit::exponential);
  EXPECT_EQ(full.floor_us(), *full.exponential_floor_us);
  // A causal mask has n (n + 1) / 2 unmasked pairs.
  const Roofline causal = roofline(problem(8192, 8192, true), slow_exp2);
  EXPECT_NEAR(*causal.exponential_floor_us, 8.0 * 8192 * 8193 / 2 / 3e12 * 1e6, 1e-6);
}

TEST(Roofline, DecodingIsBoundByMemory) {
  const Roofline roof = roofline(
      problem(1, 8192), {.tensor_flops_per_s = 586e12, .memory_bytes_per_s = 3e12, .exp2_per_s = 4e12});
  EXPECT_EQ(roof.limit, Limit::memory);
  EXPECT_NEAR(roof.floor_us(), (2.0 * 8 * 8192 + 2 * 8) * 64 * 2 / 3e12 * 1e6, 1e-9);
  EXPECT_EQ(to_string(roof.limit), "memory");
}

TEST(Roofline, PercentOfPeak) { EXPECT_NEAR(percent_of_peak(989.4e9, 2000, 989.4e12), 50, 1e-9); }

}  // namespace
}  // namespace flashcore
