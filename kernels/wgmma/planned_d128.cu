#include "kernels/wgmma/planned_kernel.cuh"

namespace flashcore::kernels {
namespace {

using enum Interleave;
using enum Schedule;

constexpr WgmmaTile kOneConsumer{.consumers = 1,
                                 .block_kv = 64,
                                 .num_stages = 2,
                                 .interleave = overlap,
                                 .schedule = planned,
                                 .pack_gqa = true};
constexpr WgmmaTile kOneConsumerDeep{.consumers = 1,
                                     .block_kv = 64,
                                     .num_stages = 3,
                                     .interleave = overlap,
                                     .schedule = planned,
                                     .pack_gqa = true};
constexpr WgmmaTile kTwoConsumers{.consumers = 2,
                                  .block_kv = 128,
                                  .num_stages = 2,
                                  .interleave = ping_pong,
                                  .schedule = planned,
                                  .pack_gqa = true};

}  // namespace

std::span<const CompiledKernel> wgmma_planned_d128() {
  static constexpr Tile kTiles[] = {
      ragged_wgmma(kOneConsumer),      ragged_wgmma(kOneConsumerDeep), ragged_wgmma(kTwoConsumers),
      paged_wgmma(kOneConsumer),       paged_wgmma(kOneConsumerDeep),  paged_wgmma(kTwoConsumers),
      small_pages_wgmma(kOneConsumer),
  };
  static constexpr auto kTable = make_table<PlannedWgmmaKernel, 128, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
