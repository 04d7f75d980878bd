#include "kernels/wgmma/kernel.cuh"

namespace flashcore::kernels {

std::span<const Variant> wgmma_d192() {
  using enum Interleave;
  using enum Schedule;
  static constexpr auto kTable =
      make_table<WgmmaKernel, 192, wgmma_tile(2, 112, 2, ping_pong, persistent),
                 wgmma_tile(2, 96, 2, overlap, persistent), wgmma_tile(2, 112, 2, ping_pong, one_tile),
                 wgmma_tile(2, 96, 2, overlap, counter)>();
  return kTable;
}

}  // namespace flashcore::kernels
