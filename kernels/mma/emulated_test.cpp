#include "emulated/kernel_test.hpp"
#include "kernels/mma/kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::decode_tile;
using kernels::make_kernel;

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel mma() {
  return make_kernel<kernels::MmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

// One or two tiles per feature.
constexpr Tile kTiles[] = {
    {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2},
    {.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 1},
    {.block_q = 64, .block_kv = 32, .num_warps = 2, .num_stages = 3, .q_in_regs = 1},
    {.block_q = 64, .block_kv = 48, .num_warps = 4, .num_stages = 2},
    {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .kv_step = 32},
};
const std::vector<CompiledKernel> kVariants{
    mma<Dtype::fp16, 64, kTiles[0]>(), mma<Dtype::fp16, 64, kTiles[1]>(), mma<Dtype::bf16, 64, kTiles[2]>(),
    mma<Dtype::bf16, 96, kTiles[3]>(), mma<Dtype::fp16, 32, kTiles[4]>()};

constexpr Tile kOverlapTiles[] = {
    {.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 2, .overlap = 1, .q_in_regs = 1},
    {.block_q = 64,
     .block_kv = 64,
     .num_warps = 2,
     .num_stages = 2,
     .overlap = 1,
     .kv_step = 32,
     .q_in_regs = 1},
    {.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 3, .overlap = 1},
};
const std::vector<CompiledKernel> kOverlapVariants{mma<Dtype::fp16, 64, kOverlapTiles[0]>(),
                                                   mma<Dtype::bf16, 64, kOverlapTiles[1]>(),
                                                   mma<Dtype::fp16, 128, kOverlapTiles[2]>()};

constexpr Tile kSplitTiles[] = {
    {.block_q = 32, .block_kv = 64, .num_warps = 4, .num_stages = 3, .kv_split_warps = 4},
    {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .cluster = 2, .kv_split_warps = 2},
    {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .overlap = 1, .kv_split_blocks = 2},
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3}),
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3, .kv_split_blocks = 4}),
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 2, .kv_split_blocks = 3}),
};
const std::vector<CompiledKernel> kSplitVariants{
    mma<Dtype::fp16, 64, kSplitTiles[0]>(), mma<Dtype::fp16, 64, kSplitTiles[1]>(),
    mma<Dtype::fp16, 64, kSplitTiles[2]>(), mma<Dtype::bf16, 64, kSplitTiles[3]>(),
    mma<Dtype::fp16, 64, kSplitTiles[4]>(), mma<Dtype::bf16, 128, kSplitTiles[5]>()};

class EmulatedMmaTest : public testing::TestWithParam<Case> {};

TEST_P(EmulatedMmaTest, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }
TEST_P(EmulatedMmaTest, OverlapAgreesWithTheReference) { expect_right(kOverlapVariants, GetParam().problem); }
TEST_P(EmulatedMmaTest, SplitAgreesWithTheReference) { expect_right(kSplitVariants, GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedMmaTest, testing::ValuesIn(cases()), case_name);

TEST(EmulatedMma, AgreesWithTheReferenceOrRefusesStrides) {
  for (const CompiledKernel& variant : kVariants) expect_right_or_refused_on_strides(variant);
  for (const CompiledKernel& variant : kOverlapVariants) expect_right_or_refused_on_strides(variant);
  for (const CompiledKernel& variant : kSplitVariants) expect_right_or_refused_on_strides(variant);
}

TEST(EmulatedMma, AgreesWithTheReferenceOnLowScores) {
  for (const CompiledKernel& variant : kVariants) expect_right_on_low_scores(variant);
  for (const CompiledKernel& variant : kOverlapVariants) expect_right_on_low_scores(variant);
  for (const CompiledKernel& variant : kSplitVariants) expect_right_on_low_scores(variant);
}

}  // namespace
}  // namespace flashcore::emulated
