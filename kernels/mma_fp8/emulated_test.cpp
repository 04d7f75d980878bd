#include <vector>

#include "emulated/e4m3_cases.hpp"
// The families' own tables, so that every tile is tested.
#include "kernels/mma_fp8/d128.cu"
#include "kernels/mma_fp8/d256.cu"
#include "kernels/mma_fp8/d64.cu"

namespace flashcore::emulated {
namespace {

class EmulatedMmaFp8Test : public testing::TestWithParam<Case> {};

TEST_P(EmulatedMmaFp8Test, HeadDim64AgreesWithTheReference) {
  expect_right(kernels::mma_fp8_d64(), GetParam().problem);
}
TEST_P(EmulatedMmaFp8Test, HeadDim128AgreesWithTheReference) {
  expect_right(kernels::mma_fp8_d128(), GetParam().problem);
}
TEST_P(EmulatedMmaFp8Test, HeadDim256AgreesWithTheReference) {
  expect_right(kernels::mma_fp8_d256(), GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedMmaFp8Test, testing::ValuesIn(cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Factors, EmulatedMmaFp8Test, testing::ValuesIn(cases_of_factors()), case_name);

TEST(EmulatedMmaFp8, AgreesWithTheReferenceOnSpecialInputs) {
  expect_right_on_special_inputs(kernels::mma_fp8_d64().front());
  expect_right_on_special_inputs(kernels::mma_fp8_d128().back());
}

TEST(EmulatedMmaFp8, AgreesWithTheReferenceOrRefusesStrides) {
  for (const CompiledKernel& variant : kernels::mma_fp8_d64()) expect_right_or_refused_on_strides(variant);
}

// Lengths around the edges of score tiles, groups of keys, blocks and warps.
TEST(EmulatedMmaFp8, AgreesWithTheReferenceAtEveryEdge) {
  for (const std::int64_t seq_q : {1, 17, 64, 129}) {
    for (const std::int64_t seq_kv : {1, 15, 31, 33, 63, 64, 65, 128, 129}) {
      for (const bool causal : {false, true}) {
        Problem problem{.seq_q = seq_q, .seq_kv = seq_kv, .causal = causal, .lse = true};
        EXPECT_EQ(failure_of(kernels::mma_fp8_d64().front(), problem), "") << seq_q << " x " << seq_kv;
      }
    }
  }
}

TEST(EmulatedMmaFp8, MissingFactorsAreOne) {
  expect_missing_factors_are_one(kernels::mma_fp8_d128().front());
}

// A device before compute capability 8.9 has no products of e4m3. That, and rows that cannot be copied 16
// bytes at a time, are reasons why a variant cannot run, not failures.
TEST(EmulatedMmaFp8, NamesWhatItLacks) {
  const Problem problem{.heads_q = 1,
                        .heads_kv = 1,
                        .seq_q = 5,
                        .seq_kv = 40,
                        .head_dim = 64,
                        .dtype = Dtype::e4m3,
                        .scale = 0.125};
  const CompiledKernel& variant = kernels::mma_fp8_d64().front();
  const HostBuffers buffers(problem, 1, kernels::InputKind::normal);
  AttentionArgs args = buffers.args({});
  const auto reason = [&](int compute_capability) {
    const char* text = variant.unsupported(
        args, {.compute_capability = compute_capability, .max_smem_bytes_per_block = 99 * 1024});
    return std::string(text == nullptr ? "" : text);
  };
  EXPECT_EQ(reason(89), "");
  EXPECT_EQ(reason(80), "the device's compute capability is too low");
  args.kv.k.row += 8;
  EXPECT_EQ(reason(89), "strides of Q, K and V must be multiples of 16 elements (16 bytes)");
}

}  // namespace
}  // namespace flashcore::emulated
