#include "kernels/wgmma/ragged_kernel.cuh"

namespace flashcore::kernels {
namespace {

using enum Interleave;
using enum Schedule;

constexpr WgmmaTile kTwoConsumers{
    .consumers = 2, .block_kv = 64, .num_stages = 2, .interleave = ping_pong, .schedule = counter};
constexpr WgmmaTile kTwoConsumersInOrder{
    .consumers = 2, .block_kv = 64, .num_stages = 2, .interleave = ping_pong, .schedule = persistent};
constexpr WgmmaTile kPackedTwoConsumers{.consumers = 2,
                                        .block_kv = 64,
                                        .num_stages = 2,
                                        .interleave = overlap,
                                        .schedule = counter,
                                        .pack_gqa = true};

}  // namespace

std::span<const CompiledKernel> wgmma_ragged_d256() {
  static constexpr Tile kTiles[] = {
      ragged_wgmma(kTwoConsumers), ragged_wgmma(kTwoConsumersInOrder), ragged_wgmma(kPackedTwoConsumers),
      paged_wgmma(kTwoConsumers),  paged_wgmma(kPackedTwoConsumers),
  };
  static constexpr auto kTable = make_table<RaggedWgmmaKernel, 256, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
