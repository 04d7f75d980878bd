#include "kernels/scalar/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> scalar_d128() {
  static constexpr auto kTable =
      make_table<ScalarKernel, 128, Tile{4, 4, 4, 1}, Tile{4, 8, 4, 1}, Tile{8, 8, 8, 1}>();
  return kTable;
}

}  // namespace flashcore::kernels
