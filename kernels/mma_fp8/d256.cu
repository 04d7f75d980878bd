#include "kernels/mma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const Variant> mma_fp8_d256() {
  static constexpr auto kTable =
      make_dtype_table<MmaFp8Kernel, Dtype::e4m3, 256, Tile{64, 64, 4, 2},
                       Tile{.block_q = 64, .block_kv = 64, .num_warps = 4, .num_stages = 2, .q_in_regs = 1},
                       Tile{128, 64, 8, 2}, Tile{64, 64, 4, 1}>();
  return kTable;
}

}  // namespace flashcore::kernels
