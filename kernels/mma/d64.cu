#include "kernels/mma/kernel.cuh"

namespace flashcore::kernels {
namespace {

constexpr Tile kTiles[] = {
    {.block_q = 128, .block_kv = 32, .num_warps = 4, .num_stages = 3, .overlap = 1, .q_in_regs = 1},
    {.block_q = 128,
     .block_kv = 64,
     .num_warps = 4,
     .num_stages = 2,
     .overlap = 1,
     .kv_step = 32,
     .q_in_regs = 1},
    {.block_q = 256,
     .block_kv = 64,
     .num_warps = 8,
     .num_stages = 2,
     .overlap = 1,
     .kv_step = 32,
     .q_in_regs = 1},
    {.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 2, .kv_step = 32, .q_in_regs = 1},
    {.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 2, .q_in_regs = 1},
    {.block_q = 128, .block_kv = 64, .num_warps = 4, .num_stages = 1},
    {.block_q = 128, .block_kv = 64, .num_warps = 8, .num_stages = 2, .overlap = 1},
    {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2},
    {.block_q = 64, .block_kv = 32, .num_warps = 4, .num_stages = 2, .overlap = 1, .q_in_regs = 1},
    {.block_q = 64,
     .block_kv = 64,
     .num_warps = 2,
     .num_stages = 2,
     .overlap = 1,
     .kv_step = 32,
     .q_in_regs = 1},
    {.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .cluster = 2, .kv_split_warps = 2},
    {.block_q = 64, .block_kv = 128, .num_warps = 8, .num_stages = 2, .cluster = 2, .kv_split_warps = 4},
    {.block_q = 32, .block_kv = 128, .num_warps = 8, .num_stages = 2, .kv_split_warps = 8},
    {.block_q = 32, .block_kv = 64, .num_warps = 4, .num_stages = 3, .kv_split_warps = 4},
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3}),
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3, .kv_split_blocks = 8}),
    {.block_q = 112, .block_kv = 112, .num_warps = 7, .num_stages = 2},
    decode_tile({.block_kv = 64, .num_warps = 4, .num_stages = 3, .kv_split_blocks = 16}),
    {.block_q = 32, .block_kv = 256, .num_warps = 8, .num_stages = 2, .kv_split_warps = 8},
    {.block_q = 16, .block_kv = 128, .num_warps = 8, .num_stages = 2, .kv_split_warps = 8},
};

}  // namespace

std::span<const CompiledKernel> mma_d64() {
  static constexpr auto kTable = make_table<MmaKernel, 64, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
