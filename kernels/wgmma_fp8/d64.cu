#include "kernels/wgmma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_fp8_d64() {
  using enum Interleave;
  using enum Schedule;
  static constexpr WgmmaTile kTiles[] = {
      {.consumers = 2, .block_kv = 192, .num_stages = 2, .interleave = ping_pong, .schedule = persistent},
      {.consumers = 3, .block_kv = 96, .num_stages = 2, .interleave = ping_pong, .schedule = persistent},
      {.consumers = 3, .block_kv = 128, .num_stages = 2, .interleave = turns, .schedule = persistent},
      {.consumers = 3, .block_kv = 128, .num_stages = 2, .interleave = none, .schedule = persistent},
      {.consumers = 2, .block_kv = 256, .num_stages = 2, .interleave = none, .schedule = persistent},
      {.consumers = 2, .block_kv = 256, .num_stages = 2, .interleave = turns, .schedule = persistent},
      {.consumers = 2, .block_kv = 128, .num_stages = 2, .interleave = ping_pong, .schedule = counter},
      {.consumers = 1, .block_kv = 128, .num_stages = 2, .interleave = overlap, .schedule = one_tile},
  };
  static constexpr auto kTable = make_dtype_table<WgmmaFp8Kernel, Dtype::e4m3, 64, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
