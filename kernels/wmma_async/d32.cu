#include "kernels/wmma_async/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wmma_async_d32() {
  static constexpr auto kTable =
      make_table<WmmaAsyncKernel, 32, Tile{32, 64, 4, 2}, Tile{32, 32, 4, 1}, Tile{32, 32, 4, 2},
                 Tile{32, 32, 4, 3}, Tile{32, 64, 4, 3}, Tile{64, 32, 4, 2}, Tile{64, 64, 4, 1},
                 Tile{64, 64, 4, 2}, Tile{64, 64, 4, 3}, Tile{64, 64, 8, 2}, Tile{64, 128, 8, 2},
                 Tile{128, 64, 8, 2}>();
  return kTable;
}

}  // namespace flashcore::kernels
