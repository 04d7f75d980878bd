#include "kernels/scalar/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> scalar_d128() {
  static constexpr Tile kTiles[] = {
      {.block_q = 4, .block_kv = 4, .num_warps = 4, .num_stages = 1},
      {.block_q = 4, .block_kv = 8, .num_warps = 4, .num_stages = 1},
      {.block_q = 8, .block_kv = 8, .num_warps = 8, .num_stages = 1},
  };
  static constexpr auto kTable = make_table<ScalarKernel, 128, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
