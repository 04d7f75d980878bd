#include <set>
#include <tuple>

#include "emulated/kernel_test.hpp"
#include "kernels/wgmma/kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::WgmmaTile;
using enum kernels::Interleave;
using enum kernels::Schedule;

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel wgmma() {
  return kernels::make_kernel<kernels::WgmmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

constexpr WgmmaTile kTiles[] = {
    {.consumers = 1, .block_kv = 64, .num_stages = 2, .interleave = overlap, .schedule = one_tile},
    {.consumers = 1, .block_kv = 112, .num_stages = 2, .interleave = overlap, .schedule = persistent},
    {.consumers = 1, .block_kv = 96, .num_stages = 2, .interleave = none, .schedule = one_tile},
};
const std::vector<CompiledKernel> kVariants{wgmma<Dtype::fp16, 64, kTiles[0]>(),
                                            wgmma<Dtype::bf16, 64, kTiles[1]>(),
                                            wgmma<Dtype::fp16, 128, kTiles[2]>()};

constexpr WgmmaTile kPingPongTiles[] = {
    {.consumers = 2, .block_kv = 64, .num_stages = 2, .interleave = ping_pong, .schedule = persistent},
    {.consumers = 3, .block_kv = 64, .num_stages = 3, .interleave = ping_pong, .schedule = counter},
    {.consumers = 4, .block_kv = 64, .num_stages = 4, .interleave = ping_pong, .schedule = persistent},
};
const std::vector<CompiledKernel> kPingPongVariants{wgmma<Dtype::fp16, 64, kPingPongTiles[0]>(),
                                                    wgmma<Dtype::bf16, 64, kPingPongTiles[1]>(),
                                                    wgmma<Dtype::fp16, 64, kPingPongTiles[2]>()};

constexpr WgmmaTile kClusterTiles[] = {
    {.consumers = 2,
     .block_kv = 80,
     .num_stages = 2,
     .interleave = overlap,
     .schedule = persistent,
     .cluster = 2},
    {.consumers = 1, .block_kv = 64, .num_stages = 2, .interleave = none, .schedule = one_tile, .cluster = 2},
};
const std::vector<CompiledKernel> kClusterVariants{wgmma<Dtype::fp16, 128, kClusterTiles[0]>(),
                                                   wgmma<Dtype::bf16, 64, kClusterTiles[1]>()};

// Tiles that hold the query heads of one KV head.
constexpr WgmmaTile kPackedTiles[] = {
    {.consumers = 1,
     .block_kv = 64,
     .num_stages = 2,
     .interleave = overlap,
     .schedule = one_tile,
     .pack_gqa = true},
    {.consumers = 2,
     .block_kv = 64,
     .num_stages = 2,
     .interleave = ping_pong,
     .schedule = persistent,
     .pack_gqa = true},
    {.consumers = 1,
     .block_kv = 80,
     .num_stages = 2,
     .interleave = overlap,
     .schedule = persistent,
     .cluster = 2,
     .pack_gqa = true},
};
const std::vector<CompiledKernel> kPackedVariants{wgmma<Dtype::fp16, 64, kPackedTiles[0]>(),
                                                  wgmma<Dtype::bf16, 128, kPackedTiles[1]>(),
                                                  wgmma<Dtype::fp16, 64, kPackedTiles[2]>()};

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

TEST(EmulatedWgmma, AgreesWithTheReferenceOrRefusesStrides) {
  for (const CompiledKernel& variant : kVariants) expect_right_or_refused_on_strides(variant);
  for (const CompiledKernel& variant : kPingPongVariants) expect_right_or_refused_on_strides(variant);
  for (const CompiledKernel& variant : kClusterVariants) expect_right_or_refused_on_strides(variant);
}

TEST(EmulatedWgmma, AgreesWithTheReferenceOnLowScores) {
  for (const CompiledKernel& variant : kVariants) expect_right_on_low_scores(variant);
  for (const CompiledKernel& variant : kPingPongVariants) expect_right_on_low_scores(variant);
  for (const CompiledKernel& variant : kClusterVariants) expect_right_on_low_scores(variant);
}

// Rows whose maximum rises late: by a little, so that nothing is rescaled, by more, and by much more.
TEST(EmulatedWgmma, RescalesWhatWasSummedBefore) {
  const std::vector<CompiledKernel> variants{kVariants[0], kVariants[2], kPingPongVariants[0]};
  for (const float scale : {0.125f, 0.5f, 1.0f, 2.0f}) {
    expect_right(variants, Problem{.heads_q = 2, .seq_q = 70, .seq_kv = 330, .scale = scale});
  }
  const Problem problem{.heads_q = 2, .seq_q = 70, .seq_kv = 330, .scale = kernels::kAdversarialScale};
  for (const auto inputs : {kernels::InputKind::dominating_key, kernels::InputKind::large_scores}) {
    for (const CompiledKernel& variant : variants)
      EXPECT_EQ(failure_of(variant, problem, inputs), "") << variant.id();
  }
}

// All 64-row tiles of all heads occur once, for any number of tiles that the device works on at a time.
template <kernels::Schedule kSchedule>
void expect_every_tile_once(const kernels::KernelArgs& args, int blocks) {
  using L = kernels::WgmmaLayout<VariantSpec{
      Dtype::fp16, 64,
      WgmmaTile{
          .consumers = 1, .block_kv = 64, .num_stages = 2, .interleave = overlap, .schedule = kSchedule}}>;
  const kernels::TileOrder order = kernels::make_tile_order<L>(args, blocks);
  std::set<std::tuple<int, int, int>> seen;
  for (int tile = 0; tile < order.tiles; ++tile) {
    const kernels::BlockPosition at = kernels::tile_position<L>(order, tile);
    EXPECT_TRUE(at.batch >= 0 && at.batch < args.batch) << at.batch;
    EXPECT_TRUE(at.head >= 0 && at.head < args.heads_q) << at.head;
    EXPECT_EQ(at.head_kv, at.head / (args.heads_q / args.heads_kv));
    EXPECT_TRUE(at.row_begin >= 0 && at.row_begin < args.seq_q && at.row_begin % 64 == 0) << at.row_begin;
    seen.emplace(at.batch, at.head, at.row_begin);
  }
  EXPECT_EQ(static_cast<std::int64_t>(seen.size()), order.tiles);
  EXPECT_EQ(order.tiles, args.batch * args.heads_q * ((args.seq_q + 63) / 64));
}

TEST(EmulatedWgmma, GivesOutEveryTileOnce) {
  kernels::KernelArgs args;
  args.batch = 3;
  args.heads_q = 10;
  args.heads_kv = 2;
  args.head_dim = 64;
  args.seq_q = 300;
  args.seq_kv = 300;
  for (const std::int32_t window_right : {-1, 0}) {
    args.window.right = window_right;
    for (const int blocks : {1, 3, 8, 22, 100}) {
      expect_every_tile_once<one_tile>(args, blocks);
      expect_every_tile_once<persistent>(args, blocks);
      expect_every_tile_once<counter>(args, blocks);
    }
  }
}

kernels::KernelArgs causal_args() {
  kernels::KernelArgs args;
  args.batch = 4;
  args.heads_q = args.heads_kv = 16;
  args.head_dim = 64;
  args.seq_q = args.seq_kv = 512;
  args.window.right = 0;
  return args;
}

// Under the mask, rows of tiles have lengths 1 to 8.
TEST(EmulatedWgmma, StaticSharesOfAMaskedProblemAreOfOneLength) {
  using L = kernels::WgmmaLayout<VariantSpec{
      Dtype::fp16, 64,
      WgmmaTile{
          .consumers = 1, .block_kv = 64, .num_stages = 2, .interleave = overlap, .schedule = persistent}}>;
  constexpr int kBlocks = 16;
  const kernels::TileOrder order = kernels::make_tile_order<L>(causal_args(), kBlocks);
  std::vector<int> lengths(kBlocks);
  for (int tile = 0; tile < order.tiles; ++tile) {
    lengths[static_cast<std::size_t>(tile % kBlocks)] +=
        kernels::tile_position<L>(order, tile).row_begin / 64 + 1;
  }
  EXPECT_EQ(lengths, std::vector<int>(kBlocks, order.tiles / kBlocks * 9 / 2));
}

TEST(EmulatedWgmma, WhoeverIsFreeGetsTheLongestFirstAndTheShortestLast) {
  using L = kernels::WgmmaLayout<VariantSpec{
      Dtype::fp16, 64,
      WgmmaTile{
          .consumers = 1, .block_kv = 64, .num_stages = 2, .interleave = overlap, .schedule = counter}}>;
  constexpr int kBlocks = 16;
  const kernels::TileOrder order = kernels::make_tile_order<L>(causal_args(), kBlocks);
  const auto row = [&](int tile) { return kernels::tile_position<L>(order, tile).row_begin; };
  EXPECT_EQ(row(0), 448);
  for (int tile = order.tiles - 2 * kBlocks + 1; tile < order.tiles; ++tile) {
    EXPECT_LE(row(tile), row(tile - 1)) << tile;  // the last section has two tiles per block
  }
  EXPECT_EQ(row(order.tiles - 1), 0);
}

TEST(EmulatedWgmma, SaysThatThereAreTooManyRows) {
  AttentionArgs args;
  args.heads_q = args.heads_kv = 1;
  args.head_dim = 64;
  args.scale = 1;
  args.sequences = {.batch = 1, .seq_q = 1 << 30, .seq_kv = 1 << 30};
  args.q_stride = args.kv.k = args.kv.v = args.out_stride = {.batch = 64, .head = 64, .row = 64};
  const DeviceLimits hopper{.compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024};
  EXPECT_STREQ(kVariants.front().unsupported(args, hopper), "too many queries and keys");
}

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
