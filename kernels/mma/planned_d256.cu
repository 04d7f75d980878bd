#include "kernels/mma/planned_kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_planned_d256() {
  static constexpr Tile kTiles[] = {
      planned_tile(decode_tile({.block_kv = 32, .num_warps = 2, .num_stages = 3})),
      planned_tile({.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 2}),
      planned_paged_tile(decode_tile({.block_kv = 32, .num_warps = 2, .num_stages = 3})),
      planned_paged_tile({.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 2}),
  };
  static constexpr auto kTable = make_table<PlannedMmaKernel, 256, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
