#include "kernels/wgmma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_fp8_d128() {
  using enum Interleave;
  using enum Schedule;
  static constexpr auto kTable = make_dtype_table<
      WgmmaFp8Kernel, Dtype::e4m3, 128, wgmma_tile(2, 224, 2, ping_pong, persistent),
      wgmma_tile(2, 192, 2, ping_pong, persistent), wgmma_tile(2, 128, 2, ping_pong, persistent),
      wgmma_tile(2, 128, 3, ping_pong, counter), wgmma_tile(2, 128, 2, overlap, persistent),
      wgmma_tile(2, 128, 2, ping_pong, persistent, 2), wgmma_tile(1, 128, 2, overlap, one_tile)>();
  return kTable;
}

}  // namespace flashcore::kernels
