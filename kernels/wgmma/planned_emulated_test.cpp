#include "emulated/kernel_test.hpp"
#include "emulated/machine/launch.hpp"
#include "emulated/sequences.hpp"
#include "kernels/wgmma/planned_kernel.cuh"

namespace flashcore::emulated {
namespace {

using kernels::WgmmaTile;
using enum kernels::Interleave;
using enum kernels::Schedule;
using kernels::paged_wgmma;
using kernels::ragged_wgmma;
using kernels::small_pages_wgmma;

template <Dtype kDtype, int kHeadDim, Tile kTile>
CompiledKernel planned_wgmma() {
  return kernels::make_kernel<kernels::PlannedWgmmaKernel<VariantSpec{kDtype, kHeadDim, kTile}>>();
}

// One consumer with two slots for Q and with one; two consumers with turns and without.
constexpr WgmmaTile kTiles[] = {
    {.consumers = 1,
     .block_kv = 64,
     .num_stages = 2,
     .interleave = overlap,
     .schedule = planned,
     .pack_gqa = true},
    {.consumers = 1,
     .block_kv = 64,
     .num_stages = 3,
     .interleave = overlap,
     .schedule = planned,
     .pack_gqa = true},
    {.consumers = 2,
     .block_kv = 128,
     .num_stages = 2,
     .interleave = ping_pong,
     .schedule = planned,
     .pack_gqa = true},
    {.consumers = 2,
     .block_kv = 64,
     .num_stages = 2,
     .interleave = overlap,
     .schedule = planned,
     .pack_gqa = true},
};

template <Tile (*kMake)(Tile)>
std::vector<CompiledKernel> variants() {
  return {planned_wgmma<Dtype::bf16, 128, kMake(kTiles[0])>(),
          planned_wgmma<Dtype::bf16, 128, kMake(kTiles[1])>(),
          planned_wgmma<Dtype::bf16, 64, kMake(kTiles[2])>(),
          planned_wgmma<Dtype::fp16, 128, kMake(kTiles[3])>()};
}
const std::vector<CompiledKernel> kPlannedVariants = variants<ragged_wgmma>();
const std::vector<CompiledKernel> kPlannedPagedVariants = variants<paged_wgmma>();
const std::vector<CompiledKernel> kPlannedSmallPagesVariants = variants<small_pages_wgmma>();

const std::vector<CompiledKernel>& variants_for(const SequenceCase& sequences) {
  if (sequences.page_size == 0) return kPlannedVariants;
  return sequences.page_size % 16 == 0 ? kPlannedPagedVariants : kPlannedSmallPagesVariants;
}

// Batches in which many blocks share one sequence, prompts beside single queries, and groups that leave rows empty.
std::vector<SequenceCase> shared_cases() {
  const SequenceCase decode{.name = "shared",
                            .queries = {1, 2, 1},
                            .keys = {30, 1500, 70},
                            .heads_q = 6,
                            .heads_kv = 2,
                            .right = 0,
                            .sinks = true};
  const SequenceCase prompt{.name = "shared_prompt",
                            .queries = {70, 1, 0, 1},
                            .keys = {900, 0, 80, 400},
                            .heads_q = 7,
                            .right = 0,
                            .sinks = true};
  SequenceCase window = prompt;
  window.name = "shared_window";
  window.left = 333;
  window.heads_q = 4;
  window.softcap = 5;
  std::vector<SequenceCase> all;
  for (const SequenceCase& shared : {decode, prompt, window}) {
    for (const std::int32_t page_size : {0, 7, 16, 48}) {
      all.push_back(shared);
      all.back().page_size = page_size;
      all.back().name += fmt::format("_pages_of_{}", page_size);
    }
  }
  all.push_back({.name = "shared_keys_of_all", .queries = {130, 1}, .keys = {700, 640}, .sinks = true});
  all.push_back(
      {.name = "shared_group_of_1", .queries = {1, 90}, .keys = {1100, 90}, .heads_q = 1, .right = 0});
  return all;
}

std::vector<SequenceCase> planned_cases() {
  std::vector<SequenceCase> all = sequence_cases();
  const std::vector<SequenceCase> paged = paged_cases();
  all.insert(all.end(), paged.begin(), paged.end());
  return all;
}

class EmulatedPlannedWgmmaTest : public testing::TestWithParam<SequenceCase> {};

TEST_P(EmulatedPlannedWgmmaTest, AgreesWithTheReference) {
  for (const CompiledKernel& variant : variants_for(GetParam()))
    EXPECT_EQ(failure_of_sequences(variant, GetParam()), "") << variant.id();
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedPlannedWgmmaTest, testing::ValuesIn(planned_cases()),
                         sequence_case_name);

class EmulatedSharedWgmmaTest : public testing::TestWithParam<SequenceCase> {};

// Few workers have several tasks each, many share each task.
TEST_P(EmulatedSharedWgmmaTest, AgreesWithTheReferenceOnSmallAndLargeDevices) {
  for (const int multiprocessors : {1, 6}) {
    const Multiprocessors device(multiprocessors);
    for (const CompiledKernel& variant : variants_for(GetParam())) {
      EXPECT_EQ(failure_of_sequences(variant, GetParam()), "")
          << variant.id() << " on " << multiprocessors << " multiprocessors";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, EmulatedSharedWgmmaTest, testing::ValuesIn(shared_cases()),
                         sequence_case_name);

TEST(EmulatedPlannedWgmma, FollowsOtherLengthsInTheSameArrays) {
  for (std::size_t i = 0; i < std::size(kTiles); ++i) {
    EXPECT_EQ(failure_of_replays(kPlannedVariants[i], 0), "") << kPlannedVariants[i].id();
    EXPECT_EQ(failure_of_replays(kPlannedPagedVariants[i], 48), "") << kPlannedPagedVariants[i].id();
    EXPECT_EQ(failure_of_replays(kPlannedSmallPagesVariants[i], 1), "") << kPlannedSmallPagesVariants[i].id();
  }
}

// Support is asked before there are arrays.
TEST(EmulatedPlannedWgmma, RefusesProblemsOfOtherVariants) {
  constexpr DeviceLimits kHopper{.compute_capability = 90, .max_smem_bytes_per_block = 227 * 1024};
  AttentionArgs plain = attention_args({.scale = 0.125});
  AttentionArgs ragged = plain;
  ragged.sequences.total_q = 4;
  AttentionArgs large_group = ragged;
  large_group.heads_q = 65 * large_group.heads_kv;
  EXPECT_STREQ(kPlannedVariants[0].unsupported(plain, kHopper), "compiled for ragged batches");
  EXPECT_EQ(kPlannedVariants[0].unsupported(ragged, kHopper), nullptr);
  EXPECT_NE(kPlannedVariants[0].unsupported(large_group, kHopper), nullptr);
  EXPECT_STREQ(kPlannedPagedVariants[0].unsupported(ragged, kHopper), "compiled for paged caches");
}

}  // namespace
}  // namespace flashcore::emulated
