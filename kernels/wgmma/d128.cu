#include "kernels/wgmma/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_d128() {
  using enum Interleave;
  using enum Schedule;
  static constexpr auto kTable =
      make_table<WgmmaKernel, 128, wgmma_tile(3, 80, 3, overlap, persistent),
                 wgmma_tile(3, 80, 3, overlap, counter), wgmma_tile(2, 128, 2, ping_pong, persistent),
                 wgmma_tile(2, 128, 2, ping_pong, counter), wgmma_tile(2, 128, 2, overlap, persistent),
                 wgmma_tile(2, 128, 2, overlap, counter), wgmma_tile(2, 176, 2, ping_pong, persistent, 2),
                 wgmma_tile(2, 128, 2, ping_pong, one_tile), wgmma_tile(1, 96, 2, overlap, one_tile),
                 wgmma_tile(1, 96, 2, overlap, one_tile, 0, true),
                 wgmma_tile(2, 128, 2, ping_pong, persistent, 0, true)>();
  return kTable;
}

}  // namespace flashcore::kernels
