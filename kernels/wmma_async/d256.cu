#include "kernels/wmma_async/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wmma_async_d256() {
  static constexpr auto kTable =
      make_table<WmmaAsyncKernel, 256, Tile{32, 32, 4, 2}, Tile{16, 32, 4, 1}, Tile{16, 32, 4, 2},
                 Tile{16, 32, 4, 3}, Tile{32, 32, 4, 1}, Tile{32, 32, 8, 1}, Tile{32, 32, 8, 2},
                 Tile{32, 32, 8, 3}, Tile{64, 32, 8, 1}, Tile{64, 32, 8, 2}, Tile{64, 32, 8, 3},
                 Tile{32, 64, 8, 2}>();
  return kTable;
}

}  // namespace flashcore::kernels
