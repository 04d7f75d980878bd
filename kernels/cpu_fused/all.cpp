// cpu_fused: FlashAttention's tiles with SIMD.
//
// Idea: one thread works on block_q query rows and block_kv keys at a time (FlashAttention, algorithm 1;
// online softmax by Milakov & Gimelshein 2018). A vector lane is a query row: Q, scores, probabilities and
// output are stored transposed, so that row maxima, row sums and rescaling are plain vector operations. Both
// matrix products are the same register-blocked FMA kernel, which broadcasts one element of K or V.
//
// Against cpu_scalar: K and V are read and converted once per block_q rows instead of once per row; vectors,
// with run-time dispatch to the processor's best instruction set; FMA chains that do not wait for each other;
// exponentials by a polynomial; keys that are masked for the whole tile are never touched.
//
// Limit: FMA throughput. A query count below 16 leaves lanes idle.
//
// Scalable vectors (SVE, RVV) are disabled, because accumulators are stored in arrays; such machines run NEON
// or the generic target. The other disabled targets would only add compile time.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu_fused/kernel-inl.hpp"
// clang-format off: foreach_target.h must come first, it compiles the file above once per target.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu_fused/kernel-inl.hpp"
// clang-format on

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/common/cpu_threads.hpp"
#include "kernels/common/cpu_variant.hpp"
#include "kernels/common/indexing.hpp"

namespace flashcore::kernels {
namespace cpu_fused {

HWY_EXPORT(attend_tile_fp16);
HWY_EXPORT(attend_tile_bf16);
HWY_EXPORT(attend_tile_e4m3);

namespace {

using AttendTile = void (*)(const AttentionArgs&, const Tile&, const TilePosition&, const TileScratch&);

// Under a causal mask the longest tiles of all heads come first, so that no thread starts a long tile when
// the others are done.
TilePosition tile_position(const AttentionArgs& args, int block_q, std::int64_t index) {
  const std::int64_t tiles = ceil_div(std::int64_t{args.sequences.max_queries()}, block_q);
  const std::int64_t heads = std::int64_t{args.sequences.batch} * args.heads_q;
  const std::int64_t tile = tiles - 1 - index / heads;
  const std::int64_t head = index % heads % args.heads_q;
  const auto row_begin = static_cast<std::int32_t>(tile * block_q);
  return {.batch = index % heads / args.heads_q,
          .head = head,
          .head_kv = args.kv_head(head),
          .row_begin = row_begin,
          .rows = std::min(block_q, args.sequences.queries(index % heads / args.heads_q) - row_begin)};
}

int attention(const AttentionArgs& args, const Tile& tile, AttendTile attend_tile) {
  const TileWidths widths = widths_of(args);
  const std::size_t scratch_floats = TileScratch{}.lay_out(nullptr, tile, widths);
  const int threads = thread_count();
  const auto memory = hwy::AllocateAligned<float>(scratch_floats * static_cast<std::size_t>(threads));
  if (memory == nullptr) return ENOMEM;
  const std::int64_t tiles = ceil_div(std::int64_t{args.sequences.max_queries()}, tile.block_q);
  const std::int64_t work = tiles * args.heads_q * args.sequences.batch;
#pragma omp parallel num_threads(threads)
  {
    TileScratch scratch{};
    scratch.lay_out(memory.get() + scratch_floats * static_cast<std::size_t>(thread_index()), tile, widths);
#pragma omp for schedule(dynamic)
    for (std::int64_t i = 0; i < work; ++i) {
      const TilePosition at = tile_position(args, tile.block_q, i);
      if (at.rows > 0) attend_tile(args, tile, at, scratch);
    }
  }
  return 0;
}

struct CpuFused {
  static constexpr const char* kFamily = "cpu_fused";
  static constexpr const char* kSummary = "tiled online softmax, SIMD over query rows";
  static constexpr std::string_view kProblemFields[] = {"lengths", "kv",         "kv_dtype", "head_dim_v",
                                                        "sinks",   "mask=chunk", "chunk",    kLseLayout};

  static const char* unsupported(const AttentionArgs& args) {
    return args.head_dim_v % kPanelRows == 0 ? nullptr : "head_dim_v must be a multiple of 16";
  }

  template <Dtype kDtype>
  static int launch(const AttentionArgs& args, const Tile& tile) {
    switch (kDtype) {
      case Dtype::fp16:
        return attention(args, tile, HWY_DYNAMIC_DISPATCH(attend_tile_fp16));
      case Dtype::bf16:
        break;
      case Dtype::e4m3:
        return attention(args, tile, HWY_DYNAMIC_DISPATCH(attend_tile_e4m3));
    }
    return attention(args, tile, HWY_DYNAMIC_DISPATCH(attend_tile_bf16));
  }
};

}  // namespace
}  // namespace cpu_fused

std::span<const CompiledKernel> cpu_fused_all() {
  using namespace cpu_fused;
  static constexpr Tile kTiles[] = {
      {.block_q = 16, .block_kv = 64},  {.block_q = 32, .block_kv = 32},  {.block_q = 32, .block_kv = 64},
      {.block_q = 64, .block_kv = 64},  {.block_q = 64, .block_kv = 128}, {.block_q = 128, .block_kv = 64},
      {.block_q = 32, .block_kv = 128},
  };
  static_assert(std::ranges::all_of(kTiles, [](const Tile& tile) { return tile.block_q % kPanelRows == 0; }));
  static constexpr auto kTable = cpu_table<CpuFused, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
