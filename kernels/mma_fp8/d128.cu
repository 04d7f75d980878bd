#include "kernels/mma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_fp8_d128() {
  static constexpr auto kTable = make_dtype_table<
      MmaFp8Kernel, Dtype::e4m3, 128, Tile{128, 64, 8, 2}, Tile{128, 64, 8, 3}, Tile{64, 64, 4, 3},
      Tile{.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .q_in_regs = 1},
      Tile{.block_q = 64, .block_kv = 128, .num_warps = 4, .num_stages = 2, .kv_step = 64, .q_in_regs = 1},
      Tile{.block_q = 128, .block_kv = 64, .num_warps = 8, .num_stages = 2, .overlap = 1},
      Tile{64, 128, 4, 2}, Tile{64, 64, 4, 1}>();
  return kTable;
}

}  // namespace flashcore::kernels
