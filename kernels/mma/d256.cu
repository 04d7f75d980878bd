#include "kernels/mma/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_d256() {
  static constexpr auto kTable =
      make_table<MmaKernel, 256, Tile{64, 32, 4, 2},
                 Tile{.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 2, .q_in_regs = 1},
                 Tile{64, 32, 4, 1}, Tile{128, 32, 8, 2},
                 Tile{.block_q = 128, .block_kv = 32, .num_warps = 8, .num_stages = 2, .q_in_regs = 1},
                 Tile{.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .kv_step = 32},
                 decode_tile(64, 4, 2), decode_tile(32, 2, 3, 8), Tile{64, 32, 4, 3},
                 Tile{.block_q = 64, .block_kv = 64, .num_warps = 8, .num_stages = 2, .kv_split_warps = 2},
                 Tile{.block_q = 32, .block_kv = 64, .num_warps = 4, .num_stages = 2, .kv_split_warps = 2},
                 decode_tile(64, 4, 3)>();
  return kTable;
}

}  // namespace flashcore::kernels
