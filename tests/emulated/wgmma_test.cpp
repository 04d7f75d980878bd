#include "emulated/kernel_test.hpp"
#include "kernels/wgmma/kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::wgmma_tile;
using enum kernels::Interleave;
using enum kernels::Schedule;

template <Dtype kDtype, int kHeadDim, Tile kTile>
Variant wgmma() {
  return kernels::make_variant<kernels::WgmmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

const std::vector<Variant> kVariants{
    wgmma<Dtype::fp16, 64, wgmma_tile(1, 64, 2, overlap, one_tile)>(),
    wgmma<Dtype::bf16, 64, wgmma_tile(1, 112, 2, overlap, persistent)>(),
    wgmma<Dtype::fp16, 128, wgmma_tile(1, 96, 2, none, one_tile)>(),
};

const std::vector<Variant> kPingPongVariants{
    wgmma<Dtype::fp16, 64, wgmma_tile(2, 64, 2, ping_pong, persistent)>(),
    wgmma<Dtype::bf16, 64, wgmma_tile(3, 64, 3, ping_pong, counter)>(),
};

const std::vector<Variant> kClusterVariants{
    wgmma<Dtype::fp16, 128, wgmma_tile(2, 80, 2, overlap, persistent, 2)>(),
    wgmma<Dtype::bf16, 64, wgmma_tile(1, 64, 2, none, one_tile, 2)>(),
};

// The query heads of one KV head in a tile.
const std::vector<Variant> kPackedVariants{
    wgmma<Dtype::fp16, 64, wgmma_tile(1, 64, 2, overlap, one_tile, 0, true)>(),
    wgmma<Dtype::bf16, 128, wgmma_tile(2, 64, 2, ping_pong, persistent, 0, true)>(),
    wgmma<Dtype::fp16, 64, wgmma_tile(1, 80, 2, overlap, persistent, 2, true)>(),
};

class EmulatedWgmmaTest : public testing::TestWithParam<Case> {};
class EmulatedPackedWgmmaTest : public testing::TestWithParam<Case> {};

TEST_P(EmulatedWgmmaTest, AgreesWithTheReference) { expect_right(kVariants, GetParam().problem); }
TEST_P(EmulatedWgmmaTest, PingPongAgreesWithTheReference) {
  expect_right(kPingPongVariants, GetParam().problem);
}
TEST_P(EmulatedWgmmaTest, ClusterAgreesWithTheReference) {
  expect_right(kClusterVariants, GetParam().problem);
}
TEST_P(EmulatedPackedWgmmaTest, AgreesWithTheReference) { expect_right(kPackedVariants, GetParam().problem); }

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedWgmmaTest, testing::ValuesIn(cases()), case_name);
INSTANTIATE_TEST_SUITE_P(Cases, EmulatedPackedWgmmaTest, testing::ValuesIn(packable_cases()), case_name);

TEST(EmulatedPackedWgmma, NamesGroupsThatFillNoBox) {
  for (const std::int64_t group : {3, 128}) {
    const Problem problem{.heads_q = group, .heads_kv = 1, .seq_q = 9, .seq_kv = 40};
    EXPECT_NE(failure_of(kPackedVariants.front(), problem).find("a power of two, at most 64"),
              std::string::npos)
        << group;
  }
}

}  // namespace
}  // namespace flashcore::emulated
