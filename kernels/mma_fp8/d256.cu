#include "kernels/mma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_fp8_d256() {
  static constexpr Tile kTiles[] = {
      {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2},
      {.block_q = 128, .block_kv = 64, .num_warps = 8, .num_stages = 2},
      {.block_q = 32, .block_kv = 64, .num_warps = 2, .num_stages = 2},
  };
  static constexpr auto kTable = make_dtype_table<MmaFp8Kernel, Dtype::e4m3, 256, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
