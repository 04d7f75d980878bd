#include "emulated/kernel_test.hpp"
#include "emulated/sequences.hpp"
#include "kernels/wgmma/ragged_kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::WgmmaTile;
using enum kernels::Interleave;
using enum kernels::Schedule;
using kernels::paged_wgmma;
using kernels::ragged_wgmma;
using kernels::small_pages_wgmma;

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel ragged() {
  return kernels::make_kernel<kernels::RaggedWgmmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

// For batches of sequences: turns, tiles of an odd length, one slot for Q, packed heads.
constexpr WgmmaTile kSequenceTiles[] = {
    {.consumers = 2, .block_kv = 64, .num_stages = 2, .interleave = ping_pong, .schedule = counter},
    {.consumers = 3, .block_kv = 80, .num_stages = 3, .interleave = overlap, .schedule = persistent},
    {.consumers = 2, .block_kv = 64, .num_stages = 2, .interleave = overlap, .schedule = persistent},
    {.consumers = 1,
     .block_kv = 64,
     .num_stages = 2,
     .interleave = overlap,
     .schedule = counter,
     .pack_gqa = true},
    {.consumers = 2,
     .block_kv = 128,
     .num_stages = 2,
     .interleave = ping_pong,
     .schedule = persistent,
     .pack_gqa = true},
    {.consumers = 2, .block_kv = 80, .num_stages = 2, .interleave = overlap, .schedule = counter},
};

template <Tile (*kMake)(Tile)>
std::vector<CompiledKernel> sequence_variants() {
  return {ragged<Dtype::fp16, 64, kMake(kSequenceTiles[0])>(),
          ragged<Dtype::bf16, 128, kMake(kSequenceTiles[1])>(),
          ragged<Dtype::fp16, 256, kMake(kSequenceTiles[2])>(),
          ragged<Dtype::bf16, 64, kMake(kSequenceTiles[3])>(),
          ragged<Dtype::fp16, 128, kMake(kSequenceTiles[4])>()};
}
const std::vector<CompiledKernel> kRaggedVariants = sequence_variants<ragged_wgmma>();
const std::vector<CompiledKernel> kPagedVariants = sequence_variants<paged_wgmma>();
const std::vector<CompiledKernel> kSmallPagesVariants{
    ragged<Dtype::fp16, 64, small_pages_wgmma(kSequenceTiles[0])>(),
    ragged<Dtype::bf16, 128, small_pages_wgmma(kSequenceTiles[5])>(),
    ragged<Dtype::fp16, 256, small_pages_wgmma(kSequenceTiles[2])>(),
    ragged<Dtype::bf16, 128, small_pages_wgmma(kSequenceTiles[3])>(),
    ragged<Dtype::fp16, 128, small_pages_wgmma(kSequenceTiles[4])>()};

// The batches whose pages the copy engine can bring, and some more sizes of pages.
std::vector<SequenceCase> box_cases() {
  std::vector<SequenceCase> cases = paged_cases();
  std::erase_if(cases, [](const SequenceCase& c) { return c.page_size < 16; });
  for (const std::int32_t page_size : {32, 64, 80, 256}) {
    SequenceCase more = cases.front();
    more.page_size = page_size;
    more.name = fmt::format("mixed_pages_of_{}", page_size);
    cases.push_back(more);
  }
  return cases;
}

class EmulatedPagedWgmmaTest : public testing::TestWithParam<SequenceCase> {};
class EmulatedSmallPagesWgmmaTest : public testing::TestWithParam<SequenceCase> {};
class EmulatedRaggedWgmmaTest : public testing::TestWithParam<SequenceCase> {};

TEST_P(EmulatedRaggedWgmmaTest, AgreesWithTheReference) {
  for (const CompiledKernel& variant : kRaggedVariants)
    EXPECT_EQ(failure_of_sequences(variant, GetParam()), "") << variant.id();
}

TEST_P(EmulatedPagedWgmmaTest, AgreesWithTheReference) {
  for (const CompiledKernel& variant : kPagedVariants)
    EXPECT_EQ(failure_of_sequences(variant, GetParam()), "") << variant.id();
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedRaggedWgmmaTest, testing::ValuesIn(sequence_cases()),
                         sequence_case_name);
TEST_P(EmulatedSmallPagesWgmmaTest, AgreesWithTheReference) {
  for (const CompiledKernel& variant : kSmallPagesVariants)
    EXPECT_EQ(failure_of_sequences(variant, GetParam()), "") << variant.id();
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedSmallPagesWgmmaTest, testing::ValuesIn(paged_cases()),
                         sequence_case_name);
INSTANTIATE_TEST_SUITE_P(Cases, EmulatedPagedWgmmaTest, testing::ValuesIn(box_cases()), sequence_case_name);

TEST(EmulatedRaggedWgmma, FollowsOtherLengthsInTheSameArrays) {
  for (const std::size_t tile : {0, 3, 4}) {
    EXPECT_EQ(failure_of_replays(kRaggedVariants[tile], 0), "") << kRaggedVariants[tile].id();
    EXPECT_EQ(failure_of_replays(kPagedVariants[tile], 48), "") << kPagedVariants[tile].id();
    EXPECT_EQ(failure_of_replays(kSmallPagesVariants[tile], 1), "") << kSmallPagesVariants[tile].id();
  }
}

// More sequences than the finder of tiles looks at together, the first ones without queries.
TEST(EmulatedRaggedWgmma, FindsTheTilesOfManySequences) {
  SequenceCase many{.name = "many", .heads_q = 4, .heads_kv = 2, .right = 0, .sinks = true};
  for (std::int32_t i = 0; i < 101; ++i) {
    many.queries.push_back(i < 40 ? 0 : i % 4);
    many.keys.push_back(i % 7 * 5);
  }
  many.queries[99] = 150;
  many.keys[99] = 190;
  for (const std::size_t tile : {0, 3}) {
    many.page_size = 0;
    EXPECT_EQ(failure_of_sequences(kRaggedVariants[tile], many), "") << kRaggedVariants[tile].id();
    many.page_size = 16;
    EXPECT_EQ(failure_of_sequences(kPagedVariants[tile], many), "") << kPagedVariants[tile].id();
  }
}

// Support is asked before there are arrays.
TEST(EmulatedRaggedWgmma, RefusesProblemsOfOtherVariants) {
  constexpr DeviceLimits kHopper{.compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024};
  AttentionArgs plain = attention_args({.scale = 0.125});
  AttentionArgs ragged = plain;
  ragged.sequences.total_q = 4;
  AttentionArgs paged = plain;
  paged.kv.page_size = 16;
  AttentionArgs small = paged;
  small.kv.page_size = 8;
  EXPECT_STREQ(kRaggedVariants[0].unsupported(plain, kHopper), "compiled for ragged batches");
  EXPECT_STREQ(kRaggedVariants[0].unsupported(paged, kHopper), "compiled for contiguous K and V");
  EXPECT_STREQ(kPagedVariants[0].unsupported(ragged, kHopper), "compiled for paged caches");
  EXPECT_NE(kPagedVariants[0].unsupported(small, kHopper), nullptr);
  EXPECT_EQ(kRaggedVariants[0].unsupported(ragged, kHopper), nullptr);
  EXPECT_EQ(kPagedVariants[0].unsupported(paged, kHopper), nullptr);
  EXPECT_EQ(kSmallPagesVariants[0].unsupported(small, kHopper), nullptr);
}

}  // namespace
}  // namespace flashcore::emulated
