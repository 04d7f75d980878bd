#include "kernels/mma/planned_kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_planned_e4m3_d128() {
  // Two blocks per multiprocessor either way, so that Q has registers.
  static constexpr Tile kLongSteps =
      decode_tile({.block_kv = 128, .num_warps = 4, .num_stages = 3, .q_in_regs = 1});
  static constexpr Tile kPrompts{.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 3};
  static constexpr Tile kTiles[] = {
      planned_tile(e4m3_kv_tile(decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 4}))),
      planned_tile(e4m3_kv_tile(kLongSteps)),
      planned_tile(e4m3_kv_tile(kPrompts)),
      planned_paged_tile(e4m3_kv_tile(decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 4}))),
      planned_paged_tile(e4m3_kv_tile(kLongSteps)),
      planned_paged_tile(e4m3_kv_tile(kPrompts)),
  };
  static constexpr auto kTable = make_table<PlannedMmaKernel, 128, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
