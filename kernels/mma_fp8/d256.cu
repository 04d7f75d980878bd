#include "kernels/mma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> mma_fp8_d256() {
  static constexpr auto kTable = make_dtype_table<MmaFp8Kernel, Dtype::e4m3, 256, Tile{64, 64, 4, 2},
                                                  Tile{128, 64, 8, 2}, Tile{32, 64, 2, 2}>();
  return kTable;
}

}  // namespace flashcore::kernels
