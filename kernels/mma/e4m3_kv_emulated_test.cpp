// K and V in e4m3 under Q in fp16 and bf16.
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "emulated/machine/element.hpp"
#include "emulated/sequences.hpp"
#include "kernels/common/e4m3.hpp"
// The family's own tables, so that every tile is tested.
#include "kernels/mma/planned_e4m3_d128.cu"
#include "kernels/mma/planned_e4m3_d64.cu"

namespace flashcore::emulated {
namespace {

using kernels::decode_tile;
using kernels::e4m3_kv_tile;
using kernels::planned_paged_tile;

std::vector<CompiledKernel> variants(bool paged) {
  std::vector<CompiledKernel> chosen;
  for (const auto table : {kernels::mma_planned_e4m3_d64(), kernels::mma_planned_e4m3_d128()}) {
    for (const CompiledKernel& variant : table) {
      if ((variant.spec.tile.paged != 0) == paged) chosen.push_back(variant);
    }
  }
  return chosen;
}

// --- All elements, by both ways of converting

float fp16_value(std::uint32_t pair, int half) {
  return element_to_float<__half>(static_cast<std::uint16_t>(pair >> 16 * half));
}

TEST(EmulatedE4m3ToFp16, IsExactForEveryElement) {
  for (std::uint32_t code = 0; code < 256; ++code) {
    const std::uint32_t neighbour = 0xFF - code;  // it must not change by what lies beside it
    const std::uint32_t places[] = {code | neighbour << 8, neighbour | code << 8};
    for (const auto convert : {kernels::fp16_from_e4m3, kernels::fp16_from_e4m3_by_integers}) {
      for (int place = 0; place < 4; ++place) {
        std::uint32_t pairs[2];
        convert(pairs, places[place % 2] << 16 * (place / 2) | neighbour << (place < 2 ? 24 : 8));
        const float got = fp16_value(pairs[place / 2], place % 2);
        const float want = to_float(kernels::E4m3{static_cast<std::uint8_t>(code)});
        if (std::isnan(want)) {
          EXPECT_TRUE(std::isnan(got)) << code << " at " << place;
        } else {
          EXPECT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(want))
              << code << " at " << place;
        }
      }
    }
  }
}

// Powers of two keep rows of Q in bf16 in the range of fp16.
TEST(EmulatedE4m3Kv, RowsOfQAreScaledByPowersOfTwo) {
  for (int exponent = -64; exponent <= 127; ++exponent) {
    const float largest = std::ldexp(1.9921875f, exponent);  // the largest bf16 of this exponent
    const kernels::PowerOfTwo power(largest);
    EXPECT_EQ(power.value * power.reciprocal, 1.0f);
    EXPECT_GE(largest * power.reciprocal, 1.0f) << exponent;
    EXPECT_LE(largest * power.reciprocal, exponent <= 112 ? 2.0f : 65504.0f) << exponent;
  }
  for (const float largest : {0.0f, 0x1p-133f, 0x1p-70f})
    EXPECT_LE(largest * kernels::PowerOfTwo(largest).reciprocal, 1.0f);
}

// --- Batches of sequences

std::vector<SequenceCase> e4m3_cases() {
  std::vector<SequenceCase> all = sequence_cases();
  const std::vector<SequenceCase> paged = paged_cases();
  all.insert(all.end(), paged.begin(), paged.end());
  SequenceCase groups{.name = "group_of_4",
                      .queries = {1, 2, 0, 9},
                      .keys = {300, 1, 40, 129},
                      .heads_q = 12,
                      .heads_kv = 3,
                      .right = 0};
  for (const std::int32_t page_size : {0, 16}) {
    groups.page_size = page_size;
    groups.name += page_size > 0 ? "_paged" : "";
    all.push_back(groups);
  }
  SequenceCase shared{.name = "shared_by_all_blocks",
                      .queries = {1, 2, 1},
                      .keys = {30, 1500, 70},
                      .heads_q = 6,
                      .heads_kv = 2,
                      .right = 0,
                      .sinks = true};
  all.push_back(shared);
  shared.name = "shared_by_all_blocks_paged";
  shared.page_size = 16;
  all.push_back(shared);
  // Probabilities beside such sinks are below what fp16 holds.
  all.push_back({.name = "sinks_far_above",
                 .queries = {1, 9},
                 .keys = {1, 300},
                 .heads_q = 4,
                 .heads_kv = 2,
                 .right = 0,
                 .sinks = true,
                 .sink_values = {30, 50}});
  return all;
}

class EmulatedE4m3KvTest : public testing::TestWithParam<SequenceCase> {};

TEST_P(EmulatedE4m3KvTest, AgreesWithTheReference) {
  for (const CompiledKernel& variant : variants(GetParam().page_size > 0))
    EXPECT_EQ(failure_of_sequences(variant, GetParam()), "") << variant.id();
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedE4m3KvTest, testing::ValuesIn(e4m3_cases()), sequence_case_name);

TEST(EmulatedE4m3Kv, PlansOtherLengthsInTheSameArrays) {
  for (const bool paged : {false, true}) {
    for (const CompiledKernel& variant : variants(paged))
      EXPECT_EQ(failure_of_replays(variant, paged ? 16 : 0), "") << variant.id();
  }
}

// Tiles that no table has: head_dim 256, several steps of a block, and Q in registers.
template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel other_variant() {
  return kernels::make_kernel<kernels::PlannedMmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}
constexpr Tile kOtherTiles[] = {
    planned_paged_tile(e4m3_kv_tile(decode_tile({.block_kv = 32, .num_warps = 2, .num_stages = 3}))),
    planned_paged_tile(e4m3_kv_tile(
        {.block_q = 64, .block_kv = 64, .num_warps = 2, .num_stages = 2, .kv_step = 32, .q_in_regs = 1})),
};

TEST(EmulatedE4m3Kv, OtherTilesAgreeWithTheReference) {
  const CompiledKernel others[] = {other_variant<Dtype::bf16, 256, kOtherTiles[0]>(),
                                   other_variant<Dtype::fp16, 64, kOtherTiles[1]>(),
                                   other_variant<Dtype::bf16, 64, kOtherTiles[1]>()};
  for (const SequenceCase& sequences : paged_cases()) {
    if (sequences.page_size != 16) continue;
    for (const CompiledKernel& variant : others)
      EXPECT_EQ(failure_of_sequences(variant, sequences), "") << variant.id() << " " << sequences.name;
  }
}

// Support is asked before there are arrays.
TEST(EmulatedE4m3Kv, NamesWhatItLacks) {
  constexpr DeviceLimits kHopper{.compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024};
  const CompiledKernel variant = variants(true).back();
  Problem problem{.head_dim = 128, .dtype = Dtype::bf16, .kv_dtype = Dtype::e4m3, .scale = 0.125};
  problem.kv = {.layout = KvKind::paged, .page_size = 16};
  AttentionArgs args = attention_args(problem);
  EXPECT_EQ(variant.unsupported(args, kHopper), nullptr);
  args.kv.v.row += 8;
  EXPECT_STREQ(variant.unsupported(args, kHopper),
               "strides of K and V must be multiples of 16 elements (16 bytes)");
  args.kv.v.row -= 8;
  args.kv.pages = (std::int64_t{1} << 36) / args.kv.v.batch + 1;
  EXPECT_STREQ(variant.unsupported(args, kHopper), "K or V has more than 2^36 bytes");
  problem.kv_dtype.reset();
  EXPECT_STREQ(variant.unsupported(attention_args(problem), kHopper), "compiled for K and V in e4m3");
  EXPECT_EQ(variant.problem_fields.back(), "kv_dtype=e4m3");
}

}  // namespace
}  // namespace flashcore::emulated
