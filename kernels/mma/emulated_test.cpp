#include "emulated/kernel_test.hpp"
#include "emulated/sequences.hpp"
#include "kernels/mma/kernel.cuh"
#include "kernels/mma/planned_kernel.cuh"
#include "kernels/mma/ragged_kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::decode_tile;
using kernels::make_kernel;
using kernels::paged_tile;
using kernels::planned_paged_tile;
using kernels::planned_tile;
using kernels::ragged_tile;

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

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel ragged_mma() {
  return make_kernel<kernels::RaggedMmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

// For batches of sequences: whole tiles, overlap, keys split over warps, over blocks and over both, packed heads.
constexpr Tile kSequenceTiles[] = {
    {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2},
    {.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 2, .q_in_regs = 1},
    {.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 3, .overlap = 1},
    {.block_q = 32, .block_kv = 64, .num_warps = 4, .num_stages = 1, .kv_split_warps = 2},
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3}),
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 2, .kv_split_blocks = 3}),
    decode_tile({.block_kv = 32, .num_warps = 2, .num_stages = 2, .kv_split_blocks = 2}),
};

template <Tile (*kMake)(Tile)>
std::vector<CompiledKernel> sequence_variants() {
  return {ragged_mma<Dtype::fp16, 64, kMake(kSequenceTiles[0])>(),
          ragged_mma<Dtype::bf16, 64, kMake(kSequenceTiles[1])>(),
          ragged_mma<Dtype::fp16, 128, kMake(kSequenceTiles[2])>(),
          ragged_mma<Dtype::bf16, 96, kMake(kSequenceTiles[3])>(),
          ragged_mma<Dtype::fp16, 64, kMake(kSequenceTiles[4])>(),
          ragged_mma<Dtype::bf16, 128, kMake(kSequenceTiles[5])>(),
          ragged_mma<Dtype::fp16, 256, kMake(kSequenceTiles[6])>()};
}
const std::vector<CompiledKernel> kRaggedVariants = sequence_variants<ragged_tile>();
const std::vector<CompiledKernel> kPagedVariants = sequence_variants<paged_tile>();

class EmulatedRaggedMmaTest : public testing::TestWithParam<SequenceCase> {};
class EmulatedPagedMmaTest : public testing::TestWithParam<SequenceCase> {};

TEST_P(EmulatedRaggedMmaTest, AgreesWithTheReference) {
  for (const CompiledKernel& variant : kRaggedVariants)
    EXPECT_EQ(failure_of_sequences(variant, GetParam()), "") << variant.id();
}
TEST_P(EmulatedPagedMmaTest, AgreesWithTheReference) {
  for (const CompiledKernel& variant : kPagedVariants)
    EXPECT_EQ(failure_of_sequences(variant, GetParam()), "") << variant.id();
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedRaggedMmaTest, testing::ValuesIn(sequence_cases()),
                         sequence_case_name);
INSTANTIATE_TEST_SUITE_P(Cases, EmulatedPagedMmaTest, testing::ValuesIn(paged_cases()), sequence_case_name);

TEST(EmulatedMma, FollowsOtherLengthsInTheSameArrays) {
  for (const std::size_t tile : {0, 4, 5}) {  // whole tiles, packed heads, keys split over blocks
    EXPECT_EQ(failure_of_replays(kRaggedVariants[tile], 0), "") << kRaggedVariants[tile].id();
    EXPECT_EQ(failure_of_replays(kPagedVariants[tile], 16), "") << kPagedVariants[tile].id();
  }
}

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel planned_mma() {
  return make_kernel<kernels::PlannedMmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

// By a plan: tiles of prompts and of single queries, with two to four stages.
constexpr Tile kPlannedTiles[] = {
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3}),
    decode_tile({.block_kv = 32, .num_warps = 2, .num_stages = 4}),
    {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2},
    {.block_q = 64, .block_kv = 32, .num_warps = 2, .num_stages = 2, .kv_step = 16},
};
template <Tile (*kMake)(Tile)>
std::vector<CompiledKernel> planned_variants() {
  return {planned_mma<Dtype::fp16, 64, kMake(kPlannedTiles[0])>(),
          planned_mma<Dtype::bf16, 128, kMake(kPlannedTiles[0])>(),
          planned_mma<Dtype::fp16, 32, kMake(kPlannedTiles[1])>(),
          planned_mma<Dtype::bf16, 256, kMake(kPlannedTiles[1])>(),
          planned_mma<Dtype::fp16, 128, kMake(kPlannedTiles[2])>(),
          planned_mma<Dtype::bf16, 64, kMake(kPlannedTiles[3])>()};
}
const std::vector<CompiledKernel> kPlannedVariants = planned_variants<planned_tile>();
const std::vector<CompiledKernel> kPlannedPagedVariants = planned_variants<planned_paged_tile>();

class EmulatedPlannedMmaTest : public testing::TestWithParam<SequenceCase> {};

// Also batches in which all blocks share one long sequence.
std::vector<SequenceCase> planned_cases() {
  std::vector<SequenceCase> all = sequence_cases();
  const std::vector<SequenceCase> paged = paged_cases();
  all.insert(all.end(), paged.begin(), paged.end());
  SequenceCase shared{.name = "shared",
                      .queries = {1, 2, 1},
                      .keys = {30, 1500, 70},
                      .heads_q = 6,
                      .heads_kv = 2,
                      .right = 0,
                      .sinks = true};
  all.push_back(shared);
  shared.name = "shared_pages_of_16";
  shared.page_size = 16;
  all.push_back(shared);
  all.push_back({.name = "shared_prompt", .queries = {70, 1}, .keys = {900, 0}, .right = 0, .sinks = true});
  return all;
}

TEST_P(EmulatedPlannedMmaTest, AgreesWithTheReference) {
  for (const CompiledKernel& variant : GetParam().page_size > 0 ? kPlannedPagedVariants : kPlannedVariants)
    EXPECT_EQ(failure_of_sequences(variant, GetParam()), "") << variant.id();
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedPlannedMmaTest, testing::ValuesIn(planned_cases()),
                         sequence_case_name);

TEST(EmulatedMma, PlansOtherLengthsInTheSameArrays) {
  for (const std::size_t tile : {0, 4}) {
    EXPECT_EQ(failure_of_replays(kPlannedVariants[tile], 0), "") << kPlannedVariants[tile].id();
    EXPECT_EQ(failure_of_replays(kPlannedPagedVariants[tile], 16), "") << kPlannedPagedVariants[tile].id();
  }
}

// Support is asked before there are arrays.
TEST(EmulatedMma, RefusesProblemsOfOtherVariants) {
  constexpr DeviceLimits kHopper{.compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024};
  AttentionArgs plain = attention_args({.scale = 0.125});
  AttentionArgs ragged = plain;
  ragged.sequences.total_q = 4;
  AttentionArgs paged = plain;
  paged.kv.page_size = 16;
  const CompiledKernel& ragged_variant = kRaggedVariants[0];
  const CompiledKernel& paged_variant = kPagedVariants[0];
  EXPECT_STREQ(ragged_variant.unsupported(plain, kHopper), "compiled for ragged batches");
  EXPECT_STREQ(ragged_variant.unsupported(paged, kHopper), "compiled for contiguous K and V");
  EXPECT_STREQ(paged_variant.unsupported(plain, kHopper), "compiled for paged caches");
  EXPECT_STREQ(paged_variant.unsupported(ragged, kHopper), "compiled for paged caches");
  EXPECT_EQ(ragged_variant.unsupported(ragged, kHopper), nullptr);
  EXPECT_EQ(paged_variant.unsupported(paged, kHopper), nullptr);
  EXPECT_EQ(ragged_variant.problem_fields.size(), 3u);
  EXPECT_TRUE(kVariants[0].problem_fields.empty());  // no lengths, no pages, no sinks
}

}  // namespace
}  // namespace flashcore::emulated
