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

// A tile or two a feature.
const std::vector<CompiledKernel> kVariants{
    mma<Dtype::fp16, 64, Tile{64, 64, 4, 2}>(),
    mma<Dtype::fp16, 64, Tile{128, 64, 4, 1}>(),
    mma<Dtype::bf16, 64,
        Tile{.block_q = 64, .block_kv = 32, .num_warps = 2, .num_stages = 3, .q_in_regs = 1}>(),
    mma<Dtype::bf16, 96, Tile{64, 48, 4, 2}>(),
    mma<Dtype::fp16, 32,
        Tile{.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .kv_step = 32}>(),
};

const std::vector<CompiledKernel> kOverlapVariants{
    mma<Dtype::fp16, 64,
        Tile{.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 2, .overlap = 1, .q_in_regs = 1}>(),
    mma<Dtype::bf16, 64,
        Tile{.block_q = 64,
             .block_kv = 64,
             .num_warps = 2,
             .num_stages = 2,
             .overlap = 1,
             .kv_step = 32,
             .q_in_regs = 1}>(),
    mma<Dtype::fp16, 128,
        Tile{.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 3, .overlap = 1}>(),
};

const std::vector<CompiledKernel> kSplitVariants{
    mma<Dtype::fp16, 64,
        Tile{.block_q = 32, .block_kv = 64, .num_warps = 4, .num_stages = 3, .kv_split_warps = 4}>(),
    mma<Dtype::fp16, 64,
        Tile{.block_q = 64,
             .block_kv = 64,
             .num_warps = 4,
             .num_stages = 2,
             .cluster = 2,
             .kv_split_warps = 2}>(),
    mma<Dtype::fp16, 64,
        Tile{.block_q = 64,
             .block_kv = 64,
             .num_warps = 4,
             .num_stages = 2,
             .overlap = 1,
             .kv_split_blocks = 2}>(),
    mma<Dtype::bf16, 64, decode_tile(64, 4, 3)>(),
    mma<Dtype::fp16, 64, decode_tile(64, 4, 3, 4)>(),
    mma<Dtype::bf16, 128, decode_tile(64, 4, 2, 3)>(),
};

class EmulatedMmaTest : public testing::TestWithParam<Case> {};

TEST_P(EmulatedMmaTest, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }
TEST_P(EmulatedMmaTest, OverlapAgreesWithTheReference) { expect_right(kOverlapVariants, GetParam().problem); }
TEST_P(EmulatedMmaTest, SplitAgreesWithTheReference) { expect_right(kSplitVariants, GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedMmaTest, testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace flashcore::emulated
