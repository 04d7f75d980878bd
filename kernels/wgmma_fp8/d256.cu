#include "kernels/wgmma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_fp8_d256() {
  using enum Interleave;
  using enum Schedule;
  static constexpr auto kTable =
      make_dtype_table<WgmmaFp8Kernel, Dtype::e4m3, 256, wgmma_tile(2, 128, 2, ping_pong, persistent),
                       wgmma_tile(2, 128, 2, overlap, persistent),
                       wgmma_tile(2, 96, 2, ping_pong, persistent), wgmma_tile(2, 96, 2, overlap, one_tile),
                       wgmma_tile(2, 64, 3, overlap, counter)>();
  return kTable;
}

}  // namespace flashcore::kernels
