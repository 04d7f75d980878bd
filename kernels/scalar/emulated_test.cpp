#include "emulated/kernel_test.hpp"
#include "kernels/scalar/kernel.cuh"

namespace flashcore::emulated {
namespace {

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel scalar() {
  return kernels::make_kernel<kernels::ScalarKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

const std::vector<CompiledKernel> kVariants{
    scalar<Dtype::fp16, 64, Tile{.block_q = 4, .block_kv = 8, .num_warps = 4, .num_stages = 1}>(),
    scalar<Dtype::bf16, 128, Tile{.block_q = 4, .block_kv = 4, .num_warps = 4, .num_stages = 1}>(),
};

class EmulatedScalarTest : public testing::TestWithParam<Case> {};

TEST_P(EmulatedScalarTest, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedScalarTest, testing::ValuesIn(short_cases()), case_name);

TEST(EmulatedScalar, AgreesWithTheReferenceOrRefusesStrides) {
  for (const CompiledKernel& variant : kVariants) expect_right_or_refused_on_strides(variant);
}

TEST(EmulatedScalar, AgreesWithTheReferenceOnLowScores) {
  for (const CompiledKernel& variant : kVariants) expect_right_on_low_scores(variant);
}

}  // namespace
}  // namespace flashcore::emulated
