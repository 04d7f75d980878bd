#include "kernels/wgmma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_fp8_d64() {
  using enum Interleave;
  using enum Schedule;
  static constexpr auto kTable =
      make_dtype_table<WgmmaFp8Kernel, Dtype::e4m3, 64, wgmma_tile(3, 128, 2, ping_pong, persistent),
                       wgmma_tile(2, 128, 2, ping_pong, persistent),
                       wgmma_tile(2, 256, 2, ping_pong, persistent),
                       wgmma_tile(2, 128, 2, ping_pong, counter), wgmma_tile(1, 128, 2, overlap, one_tile)>();
  return kTable;
}

}  // namespace flashcore::kernels
