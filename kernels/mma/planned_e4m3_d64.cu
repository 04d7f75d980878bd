#include "kernels/mma/planned_kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_planned_e4m3_d64() {
  static constexpr Tile kTiles[] = {
      planned_tile(e4m3_kv_tile(decode_tile({.block_kv = 128, .num_warps = 4, .num_stages = 4}))),
      planned_paged_tile(e4m3_kv_tile(decode_tile({.block_kv = 128, .num_warps = 4, .num_stages = 4}))),
  };
  static constexpr auto kTable = make_table<PlannedMmaKernel, 64, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
