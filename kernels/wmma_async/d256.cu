#include "kernels/wmma_async/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wmma_async_d256() {
  static constexpr Tile kTiles[] = {
      {.block_q = 32, .block_kv = 32, .num_warps = 4, .num_stages = 2},
      {.block_q = 16, .block_kv = 32, .num_warps = 4, .num_stages = 1},
      {.block_q = 16, .block_kv = 32, .num_warps = 4, .num_stages = 2},
      {.block_q = 16, .block_kv = 32, .num_warps = 4, .num_stages = 3},
      {.block_q = 32, .block_kv = 32, .num_warps = 4, .num_stages = 1},
      {.block_q = 32, .block_kv = 32, .num_warps = 8, .num_stages = 1},
      {.block_q = 32, .block_kv = 32, .num_warps = 8, .num_stages = 2},
      {.block_q = 32, .block_kv = 32, .num_warps = 8, .num_stages = 3},
      {.block_q = 64, .block_kv = 32, .num_warps = 8, .num_stages = 1},
      {.block_q = 64, .block_kv = 32, .num_warps = 8, .num_stages = 2},
      {.block_q = 64, .block_kv = 32, .num_warps = 8, .num_stages = 3},
      {.block_q = 32, .block_kv = 64, .num_warps = 8, .num_stages = 2},
  };
  static constexpr auto kTable = make_table<WmmaAsyncKernel, 256, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
