#include "emulated/kernel_test.hpp"
#include "kernels/wmma/kernel.cuh"

namespace flashcore::emulated {
namespace {

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel wmma() {
  return kernels::make_kernel<kernels::WmmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

const std::vector<CompiledKernel> kVariants{
    wmma<Dtype::fp16, 64, Tile{.block_q = 32, .block_kv = 32, .num_warps = 4, .num_stages = 1}>(),
    wmma<Dtype::bf16, 64, Tile{.block_q = 16, .block_kv = 64, .num_warps = 4, .num_stages = 1}>(),
};

class EmulatedWmmaTest : public testing::TestWithParam<Case> {};

TEST_P(EmulatedWmmaTest, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedWmmaTest, testing::ValuesIn(short_cases()), case_name);

TEST(EmulatedWmma, AgreesWithTheReferenceOrRefusesStrides) {
  for (const CompiledKernel& variant : kVariants) expect_right_or_refused_on_strides(variant);
}

TEST(EmulatedWmma, AgreesWithTheReferenceOnLowScores) {
  for (const CompiledKernel& variant : kVariants) expect_right_on_low_scores(variant);
}

}  // namespace
}  // namespace flashcore::emulated
