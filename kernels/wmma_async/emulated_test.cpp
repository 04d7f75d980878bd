#include "emulated/kernel_test.hpp"
#include "kernels/wmma_async/kernel.cuh"

namespace flashcore::emulated {
namespace {

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel wmma_async() {
  return kernels::make_kernel<kernels::WmmaAsyncKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

const std::vector<CompiledKernel> kVariants{
    wmma_async<Dtype::bf16, 64, Tile{.block_q = 32, .block_kv = 32, .num_warps = 4, .num_stages = 1}>(),
    wmma_async<Dtype::fp16, 64, Tile{.block_q = 32, .block_kv = 64, .num_warps = 4, .num_stages = 2}>(),
    wmma_async<Dtype::fp16, 96, Tile{.block_q = 32, .block_kv = 32, .num_warps = 4, .num_stages = 3}>(),
};

class EmulatedWmmaAsyncTest : public testing::TestWithParam<Case> {};

TEST_P(EmulatedWmmaAsyncTest, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedWmmaAsyncTest, testing::ValuesIn(short_cases()), case_name);

TEST(EmulatedWmmaAsync, AgreesWithTheReferenceOrRefusesStrides) {
  for (const CompiledKernel& variant : kVariants) expect_right_or_refused_on_strides(variant);
}

TEST(EmulatedWmmaAsync, AgreesWithTheReferenceOnLowScores) {
  for (const CompiledKernel& variant : kVariants) expect_right_on_low_scores(variant);
}

}  // namespace
}  // namespace flashcore::emulated
