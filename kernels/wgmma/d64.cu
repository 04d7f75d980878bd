#include "kernels/wgmma/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_d64() {
  using enum Interleave;
  using enum Schedule;
  static constexpr WgmmaTile kTiles[] = {
      {.consumers = 4, .block_kv = 64, .num_stages = 3, .interleave = overlap, .schedule = persistent},
      {.consumers = 4, .block_kv = 64, .num_stages = 4, .interleave = overlap, .schedule = counter},
      {.consumers = 3, .block_kv = 128, .num_stages = 2, .interleave = ping_pong, .schedule = persistent},
      {.consumers = 3, .block_kv = 128, .num_stages = 3, .interleave = ping_pong, .schedule = persistent},
      {.consumers = 3, .block_kv = 128, .num_stages = 3, .interleave = ping_pong, .schedule = counter},
      {.consumers = 3, .block_kv = 128, .num_stages = 2, .interleave = overlap, .schedule = persistent},
      {.consumers = 2, .block_kv = 128, .num_stages = 3, .interleave = ping_pong, .schedule = persistent},
      {.consumers = 2, .block_kv = 128, .num_stages = 2, .interleave = ping_pong, .schedule = persistent},
      {.consumers = 1, .block_kv = 128, .num_stages = 2, .interleave = overlap, .schedule = one_tile},
      {.consumers = 1, .block_kv = 64, .num_stages = 2, .interleave = overlap, .schedule = one_tile},
      {.consumers = 1, .block_kv = 128, .num_stages = 2, .interleave = overlap, .schedule = persistent},
      {.consumers = 1, .block_kv = 80, .num_stages = 2, .interleave = overlap, .schedule = persistent},
      {.consumers = 1, .block_kv = 64, .num_stages = 2, .interleave = overlap, .schedule = persistent},
      {.consumers = 1, .block_kv = 64, .num_stages = 3, .interleave = overlap, .schedule = counter},
      {.consumers = 1,
       .block_kv = 128,
       .num_stages = 2,
       .interleave = overlap,
       .schedule = one_tile,
       .pack_gqa = true},
      {.consumers = 2,
       .block_kv = 128,
       .num_stages = 2,
       .interleave = ping_pong,
       .schedule = persistent,
       .pack_gqa = true},
  };
  static constexpr auto kTable = make_table<WgmmaKernel, 64, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
