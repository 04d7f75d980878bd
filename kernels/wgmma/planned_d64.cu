#include "kernels/wgmma/planned_kernel.cuh"

namespace flashcore::kernels {
namespace {

using enum Interleave;
using enum Schedule;

constexpr WgmmaTile kOneConsumer{.consumers = 1,
                                 .block_kv = 128,
                                 .num_stages = 3,
                                 .interleave = overlap,
                                 .schedule = planned,
                                 .pack_gqa = true};
constexpr WgmmaTile kTwoConsumers{.consumers = 2,
                                  .block_kv = 128,
                                  .num_stages = 3,
                                  .interleave = ping_pong,
                                  .schedule = planned,
                                  .pack_gqa = true};

}  // namespace

std::span<const CompiledKernel> wgmma_planned_d64() {
  static constexpr Tile kTiles[] = {ragged_wgmma(kOneConsumer), ragged_wgmma(kTwoConsumers),
                                    paged_wgmma(kOneConsumer), paged_wgmma(kTwoConsumers)};
  static constexpr auto kTable = make_table<PlannedWgmmaKernel, 64, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
