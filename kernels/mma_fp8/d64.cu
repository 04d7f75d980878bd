#include "kernels/mma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_fp8_d64() {
  static constexpr Tile kTiles[] = {
      {.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 2, .q_in_regs = 1},
      {.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 3, .q_in_regs = 1},
      {.block_q = 128, .block_kv = 128, .num_warps = 4, .num_stages = 2, .kv_step = 64, .q_in_regs = 1},
      {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .overlap = 1, .q_in_regs = 1},
      {.block_q = 128, .block_kv = 64, .num_warps = 8, .num_stages = 2, .overlap = 1, .q_in_regs = 1},
      {.block_q = 64, .block_kv = 128, .num_warps = 4, .num_stages = 2, .q_in_regs = 1},
      {.block_q = 128, .block_kv = 128, .num_warps = 8, .num_stages = 2, .q_in_regs = 1},
      {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2},
      {.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 1},
  };
  static constexpr auto kTable = make_dtype_table<MmaFp8Kernel, Dtype::e4m3, 64, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
