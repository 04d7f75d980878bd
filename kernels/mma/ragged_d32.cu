#include "kernels/mma/ragged_kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_ragged_d32() {
  static constexpr Tile kTiles[] = {
      ragged_tile({.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2}),
      ragged_tile(decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3})),
      ragged_tile(decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3, .kv_split_blocks = 8})),
      paged_tile({.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2}),
      paged_tile(decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3})),
      paged_tile(decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3, .kv_split_blocks = 8})),
  };
  static constexpr auto kTable = make_table<RaggedMmaKernel, 32, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
