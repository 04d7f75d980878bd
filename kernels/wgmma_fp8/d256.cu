#include "kernels/wgmma_fp8/kernel.cuh"

namespace flashcore::kernels {

std::span<const CompiledKernel> wgmma_fp8_d256() {
  using enum Interleave;
  using enum Schedule;
  static constexpr WgmmaTile kTiles[] = {
      {.consumers = 2, .block_kv = 128, .num_stages = 2, .interleave = none, .schedule = persistent},
      {.consumers = 2, .block_kv = 64, .num_stages = 3, .interleave = none, .schedule = counter},
      {.consumers = 2, .block_kv = 128, .num_stages = 2, .interleave = none, .schedule = counter},
  };
  static constexpr auto kTable = make_dtype_table<WgmmaFp8Kernel, Dtype::e4m3, 256, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
