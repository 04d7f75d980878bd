#include "kernels/wgmma/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_d256() {
  using enum Interleave;
  using enum Schedule;
  static constexpr WgmmaTile kTiles[] = {
      {.consumers = 2, .block_kv = 80, .num_stages = 2, .interleave = ping_pong, .schedule = persistent},
      {.consumers = 2, .block_kv = 80, .num_stages = 2, .interleave = overlap, .schedule = persistent},
      {.consumers = 2, .block_kv = 80, .num_stages = 2, .interleave = overlap, .schedule = one_tile},
      {.consumers = 2, .block_kv = 64, .num_stages = 2, .interleave = overlap, .schedule = counter},
      {.consumers = 2,
       .block_kv = 64,
       .num_stages = 2,
       .interleave = overlap,
       .schedule = persistent,
       .pack_gqa = true},
  };
  static constexpr auto kTable = make_table<WgmmaKernel, 256, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
