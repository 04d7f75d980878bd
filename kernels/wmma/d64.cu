#include "kernels/wmma/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wmma_d64() {
  static constexpr auto kTable = make_table<WmmaKernel, 64, Tile{32, 32, 4, 1}, Tile{32, 64, 4, 1},
                                            Tile{64, 32, 4, 1}, Tile{64, 64, 4, 1}, Tile{32, 64, 8, 1},
                                            Tile{64, 64, 8, 1}, Tile{64, 128, 8, 1}, Tile{16, 64, 4, 1}>();
  return kTable;
}

}  // namespace flashcore::kernels
