#include "kernels/mma/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_d32() {
  static constexpr auto kTable = make_table<
      MmaKernel, 32,
      Tile{.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 2, .overlap = 1, .q_in_regs = 1},
      Tile{.block_q = 128, .block_kv = 64, .num_warps = 8, .num_stages = 2, .overlap = 1, .q_in_regs = 1},
      Tile{.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .overlap = 1, .q_in_regs = 1},
      Tile{64, 64, 4, 2},
      Tile{
          .block_q = 64, .block_kv = 128, .num_warps = 4, .num_stages = 2, .overlap = 1, .kv_split_warps = 2},
      Tile{.block_q = 32, .block_kv = 128, .num_warps = 4, .num_stages = 2, .kv_split_warps = 4},
      decode_tile(128, 4, 2), decode_tile(128, 4, 2, 8),
      Tile{.block_q = 256, .block_kv = 64, .num_warps = 8, .num_stages = 2, .q_in_regs = 1},
      Tile{.block_q = 128, .block_kv = 128, .num_warps = 4, .num_stages = 2, .kv_step = 64, .q_in_regs = 1},
      Tile{.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 3, .q_in_regs = 1},
      Tile{.block_q = 64, .block_kv = 128, .num_warps = 4, .num_stages = 2, .kv_step = 64},
      Tile{.block_q = 32, .block_kv = 128, .num_warps = 8, .num_stages = 2, .kv_split_warps = 8}>();
  return kTable;
}

}  // namespace flashcore::kernels
