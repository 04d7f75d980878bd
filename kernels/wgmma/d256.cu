#include "kernels/wgmma/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_d256() {
  using enum Interleave;
  using enum Schedule;
  static constexpr auto kTable =
      make_table<WgmmaKernel, 256, wgmma_tile(2, 80, 2, ping_pong, persistent),
                 wgmma_tile(2, 80, 2, overlap, persistent), wgmma_tile(2, 80, 2, overlap, one_tile),
                 wgmma_tile(2, 64, 2, overlap, counter),
                 wgmma_tile(2, 64, 2, overlap, persistent, 0, true)>();
  return kTable;
}

}  // namespace flashcore::kernels
