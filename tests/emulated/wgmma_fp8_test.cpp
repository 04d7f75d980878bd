#include "emulated/e4m3_cases.hpp"
#include "kernels/wgmma_fp8/kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::wgmma_tile;
using enum kernels::Interleave;
using enum kernels::Schedule;

template <int kHeadDim, Tile kTile>
CompiledKernel wgmma_fp8() {
  return kernels::make_kernel<kernels::WgmmaFp8Kernel<VariantSpec{Dtype::e4m3, kHeadDim, kTile}>>();
}

// Blocks of keys that fill panels of V, and that end within one.
const std::vector<CompiledKernel> kVariants{
    wgmma_fp8<128, wgmma_tile(1, 128, 2, overlap, one_tile)>(),
    wgmma_fp8<64, wgmma_tile(1, 96, 2, overlap, persistent)>(),
    wgmma_fp8<256, wgmma_tile(1, 64, 2, none, one_tile)>(),
};

const std::vector<CompiledKernel> kPingPongVariants{
    wgmma_fp8<128, wgmma_tile(2, 224, 2, ping_pong, persistent)>(),
    wgmma_fp8<64, wgmma_tile(3, 128, 3, ping_pong, counter)>(),
};

const std::vector<CompiledKernel> kClusterVariants{
    wgmma_fp8<128, wgmma_tile(2, 128, 2, overlap, persistent, 2)>(),
    wgmma_fp8<64, wgmma_tile(1, 160, 2, none, one_tile, 2)>(),
};

const std::vector<CompiledKernel> kPackedVariants{
    wgmma_fp8<128, wgmma_tile(1, 128, 2, overlap, one_tile, 0, true)>(),
    wgmma_fp8<64, wgmma_tile(2, 96, 2, ping_pong, counter, 0, true)>(),
};

class EmulatedWgmmaFp8Test : public testing::TestWithParam<Case> {};
class EmulatedPackedWgmmaFp8Test : public testing::TestWithParam<Case> {};

TEST_P(EmulatedWgmmaFp8Test, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }
TEST_P(EmulatedWgmmaFp8Test, PingPongAgreesWithTheReference) {
  expect_right(kPingPongVariants, GetParam().problem);
}
TEST_P(EmulatedWgmmaFp8Test, ClusterAgreesWithTheReference) {
  expect_right(kClusterVariants, GetParam().problem);
}
TEST_P(EmulatedPackedWgmmaFp8Test, AgreesWithTheReference) {
  expect_right(kPackedVariants, GetParam().problem);
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedWgmmaFp8Test, testing::ValuesIn(cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Cases, EmulatedPackedWgmmaFp8Test, testing::ValuesIn(packable_cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Factors, EmulatedWgmmaFp8Test, testing::ValuesIn(cases_of_factors()), case_name);

TEST(EmulatedWgmmaFp8, AgreesWithTheReferenceOnSpecialInputs) {
  expect_right_on_special_inputs(kVariants.front());
}

TEST(EmulatedWgmmaFp8, MissingFactorsAreOne) { expect_missing_factors_are_one(kVariants.front()); }

}  // namespace
}  // namespace flashcore::emulated
