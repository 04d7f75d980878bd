#include "emulated/e4m3_cases.hpp"
#include "kernels/wgmma_fp8/kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::WgmmaTile;
using enum kernels::Interleave;
using enum kernels::Schedule;

template <int kHeadDim, Tile kTile>
CompiledKernel wgmma_fp8() {
  return kernels::make_kernel<kernels::WgmmaFp8Kernel<VariantSpec{Dtype::e4m3, kHeadDim, kTile}>>();
}

// Blocks of keys that fill panels of V, and that end within one.
constexpr WgmmaTile kTiles[] = {
    {.consumers = 1, .block_kv = 128, .num_stages = 2, .interleave = overlap, .schedule = one_tile},
    {.consumers = 1, .block_kv = 96, .num_stages = 2, .interleave = overlap, .schedule = persistent},
    {.consumers = 1, .block_kv = 64, .num_stages = 2, .interleave = none, .schedule = one_tile},
};
const std::vector<CompiledKernel> kVariants{wgmma_fp8<128, kTiles[0]>(), wgmma_fp8<64, kTiles[1]>(),
                                            wgmma_fp8<256, kTiles[2]>()};

constexpr WgmmaTile kPingPongTiles[] = {
    {.consumers = 2, .block_kv = 224, .num_stages = 2, .interleave = ping_pong, .schedule = persistent},
    {.consumers = 2, .block_kv = 128, .num_stages = 2, .interleave = turns, .schedule = persistent},
    {.consumers = 3, .block_kv = 128, .num_stages = 3, .interleave = ping_pong, .schedule = counter},
};
const std::vector<CompiledKernel> kPingPongVariants{wgmma_fp8<128, kPingPongTiles[0]>(),
                                                    wgmma_fp8<256, kPingPongTiles[1]>(),
                                                    wgmma_fp8<64, kPingPongTiles[2]>()};

constexpr WgmmaTile kClusterTiles[] = {
    {.consumers = 2,
     .block_kv = 128,
     .num_stages = 2,
     .interleave = overlap,
     .schedule = persistent,
     .cluster = 2},
    {.consumers = 1,
     .block_kv = 160,
     .num_stages = 2,
     .interleave = none,
     .schedule = one_tile,
     .cluster = 2},
};
const std::vector<CompiledKernel> kClusterVariants{wgmma_fp8<128, kClusterTiles[0]>(),
                                                   wgmma_fp8<64, kClusterTiles[1]>()};

constexpr WgmmaTile kPackedTiles[] = {
    {.consumers = 1,
     .block_kv = 128,
     .num_stages = 2,
     .interleave = overlap,
     .schedule = one_tile,
     .pack_gqa = true},
    {.consumers = 2,
     .block_kv = 96,
     .num_stages = 2,
     .interleave = ping_pong,
     .schedule = counter,
     .pack_gqa = true},
};
const std::vector<CompiledKernel> kPackedVariants{wgmma_fp8<128, kPackedTiles[0]>(),
                                                  wgmma_fp8<64, kPackedTiles[1]>()};

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

TEST(EmulatedWgmmaFp8, AgreesWithTheReferenceOrRefusesStrides) {
  for (const CompiledKernel& variant : kVariants) expect_right_or_refused_on_strides(variant);
  for (const CompiledKernel& variant : kPingPongVariants) expect_right_or_refused_on_strides(variant);
  for (const CompiledKernel& variant : kClusterVariants) expect_right_or_refused_on_strides(variant);
}

TEST(EmulatedWgmmaFp8, AgreesWithTheReferenceOnSpecialInputs) {
  expect_right_on_special_inputs(kVariants.front());
}

TEST(EmulatedWgmmaFp8, MeansOfEqualValuesAreExact) {
  for (const CompiledKernel& variant : kVariants) expect_exact_means(variant);
  for (const CompiledKernel& variant : kPingPongVariants) expect_exact_means(variant);
}

TEST(EmulatedWgmmaFp8, MissingFactorsAreOne) { expect_missing_factors_are_one(kVariants.front()); }

}  // namespace
}  // namespace flashcore::emulated
