#include "kernels/wgmma/ragged_kernel.cuh"

namespace flashcore::kernels {
namespace {

using enum Interleave;
using enum Schedule;

constexpr WgmmaTile kTwoConsumers{
    .consumers = 2, .block_kv = 128, .num_stages = 2, .interleave = ping_pong, .schedule = counter};
constexpr WgmmaTile kTwoConsumersInOrder{
    .consumers = 2, .block_kv = 128, .num_stages = 2, .interleave = ping_pong, .schedule = persistent};
constexpr WgmmaTile kThreeConsumers{
    .consumers = 3, .block_kv = 80, .num_stages = 3, .interleave = overlap, .schedule = counter};
constexpr WgmmaTile kPackedTwoConsumers{.consumers = 2,
                                        .block_kv = 128,
                                        .num_stages = 2,
                                        .interleave = ping_pong,
                                        .schedule = counter,
                                        .pack_gqa = true};
constexpr WgmmaTile kPackedOneConsumer{.consumers = 1,
                                       .block_kv = 64,
                                       .num_stages = 2,
                                       .interleave = overlap,
                                       .schedule = counter,
                                       .pack_gqa = true};

}  // namespace

std::span<const CompiledKernel> wgmma_ragged_d128() {
  static constexpr Tile kTiles[] = {
      ragged_wgmma(kTwoConsumers),
      ragged_wgmma(kTwoConsumersInOrder),
      ragged_wgmma(kThreeConsumers),
      ragged_wgmma(kPackedTwoConsumers),
      ragged_wgmma(kPackedOneConsumer),
      paged_wgmma(kTwoConsumers),
      paged_wgmma(kThreeConsumers),
      paged_wgmma(kPackedTwoConsumers),
      paged_wgmma(kPackedOneConsumer),
      small_pages_wgmma(kTwoConsumers),
      small_pages_wgmma(kPackedTwoConsumers),
      small_pages_wgmma(kPackedOneConsumer),
  };
  static constexpr auto kTable = make_table<RaggedWgmmaKernel, 128, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
