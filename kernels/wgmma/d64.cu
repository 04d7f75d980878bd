#include "kernels/wgmma/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_d64() {
  using enum Interleave;
  using enum Schedule;
  static constexpr auto kTable =
      make_table<WgmmaKernel, 64, wgmma_tile(4, 64, 3, overlap, persistent),
                 wgmma_tile(4, 64, 4, overlap, counter), wgmma_tile(3, 128, 2, ping_pong, persistent),
                 wgmma_tile(3, 128, 3, ping_pong, persistent), wgmma_tile(3, 128, 3, ping_pong, counter),
                 wgmma_tile(3, 128, 2, overlap, persistent), wgmma_tile(2, 128, 3, ping_pong, persistent),
                 wgmma_tile(2, 128, 2, ping_pong, persistent), wgmma_tile(1, 128, 2, overlap, one_tile),
                 wgmma_tile(1, 64, 2, overlap, one_tile), wgmma_tile(1, 128, 2, overlap, persistent),
                 wgmma_tile(1, 80, 2, overlap, persistent), wgmma_tile(1, 64, 2, overlap, persistent),
                 wgmma_tile(1, 64, 3, overlap, counter), wgmma_tile(1, 128, 2, overlap, one_tile, 0, true),
                 wgmma_tile(2, 128, 2, ping_pong, persistent, 0, true)>();
  return kTable;
}

}  // namespace flashcore::kernels
