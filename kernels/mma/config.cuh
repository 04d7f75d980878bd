// Constants that follow from the tile of an mma family: its shared memory and its limits.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/blocks/mask.cuh"
#include "kernels/blocks/sequence_args.cuh"
#include "kernels/blocks/split_kv.cuh"
#include "kernels/blocks/swizzle.cuh"
#include "kernels/blocks/work_tasks.hpp"
#include "kernels/common/base2.hpp"
#include "kernels/common/gpu.hpp"
#include "kernels/common/numeric.cuh"
#include "variant/variant.hpp"

namespace flashcore::kernels {

// The parameters of a launch: the arguments, and numbers that follow from them.
struct MmaParams {
  KernelArgs args;
  FastDivisor group;  // query heads per KV head
  DiagonalMask mask;
  float score_scale = 0;  // from a raw score, or the tanh of a capped one, to base 2

  MmaParams() = default;
  explicit MmaParams(const KernelArgs& a)
      : args(a),
        group(a.heads_q / a.heads_kv),
        mask(a),
        score_scale((a.softcap > 0 ? a.softcap : a.scale) * kLog2E) {}
};

// The keys that one warp has to visit. Kept in shared memory: a warp needs it once per step, and registers
// are scarce.
struct alignas(16) KeyReach {
  KeyRange any;  // keys that some row of the warp sees, within this block's share
  KeyRange all;  // keys that every row sees
};

// A tile for decoding: sixteen query rows, filled with the query heads of one KV head. Its keys are split
// over all warps of a block and over kv_split_blocks blocks.
struct DecodeTile {
  int block_kv;
  int num_warps;
  int num_stages;
  int kv_split_blocks = 0;
  int q_in_regs = 0;
};
constexpr Tile decode_tile(const DecodeTile& tile) {
  return {.block_q = 16,
          .block_kv = tile.block_kv,
          .num_warps = tile.num_warps,
          .num_stages = tile.num_stages,
          .q_in_regs = tile.q_in_regs,
          .kv_split_warps = tile.num_warps,
          .kv_split_blocks = tile.kv_split_blocks,
          .pack_gqa = 1};
}

// The same tile for batches whose lengths are read on the device, with K and V contiguous or in pages.
constexpr Tile ragged_tile(Tile tile) {
  tile.ragged = 1;
  return tile;
}
constexpr Tile paged_tile(Tile tile) {
  tile.ragged = tile.paged = 1;
  return tile;
}

// The same tile for tasks that a plan deals to a persistent grid. Query heads of a KV head share tiles, so that prompts and
// single queries fit into one launch.
constexpr Tile planned_tile(Tile tile) {
  tile.schedule = kPlannedSchedule;
  tile.pack_gqa = tile.ragged = 1;
  return tile;
}
constexpr Tile planned_paged_tile(Tile tile) { return paged_tile(planned_tile(tile)); }

// The same tile for K and V in e4m3.
constexpr int kE4m3Bits = 8;
constexpr Tile e4m3_kv_tile(Tile tile) {
  tile.kv_bits = kE4m3Bits;
  return tile;
}

// The differences between element types: operands.cuh of the family; of the second, e4m3_kv.cuh.
template <Dtype kDtype>
struct MmaOperands;
template <Dtype kDtype>
struct E4m3KvOperands;

template <VariantSpec S>
struct MmaConfig {
  static constexpr bool kE4m3Kv = S.tile.kv_bits == kE4m3Bits;  // under Q of two bytes
  using Operands = std::conditional_t<kE4m3Kv, E4m3KvOperands<S.dtype>, MmaOperands<S.dtype>>;
  static constexpr int kElementBytes = static_cast<int>(size_bytes(S.dtype));  // of Q and P
  static constexpr int kKvElementBytes = kE4m3Kv ? 1 : kElementBytes;          // of K and V
  static constexpr int kProductDepth = 32 / kElementBytes;                     // of one matrix product
  // Rows of Q in bf16 are scaled to the range of fp16, the type of the products.
  static constexpr bool kScaledQuery = kE4m3Kv && S.dtype == Dtype::bf16;
  // ldmatrix transposes elements of two bytes only: V of one byte is stored with its keys side by side.
  static constexpr bool kTransposedV = kElementBytes == 1;
  static constexpr int kHeadDim = S.head_dim;
  static constexpr int kBlockQ = S.tile.block_q;
  static constexpr int kBlockKv = S.tile.block_kv;
  static constexpr int kWarps = S.tile.num_warps;
  static constexpr int kThreads = kWarps * 32;
  static constexpr int kStages = S.tile.num_stages;
  static constexpr bool kOverlap = S.tile.overlap != 0;
  static constexpr bool kQueryInRegisters = S.tile.q_in_regs != 0;
  static constexpr bool kPackGqa = S.tile.pack_gqa != 0;
  static constexpr bool kRagged = S.tile.ragged != 0;
  static constexpr bool kPaged = S.tile.paged != 0;
  static constexpr bool kPlanned = S.tile.schedule == kPlannedSchedule;
  using Args = std::conditional_t<kRagged, SequenceArgs<kPaged>, KernelArgs>;  // of one query tile

  // Ways to split the keys of one query tile.
  static constexpr int kSplitWarps = std::max(1, S.tile.kv_split_warps);
  static constexpr int kSplitBlocks = std::max(1, S.tile.kv_split_blocks);
  static constexpr int kCluster = std::max(1, S.tile.cluster);
  static constexpr int kShares = kSplitBlocks * kCluster;   // blocks that share one query tile
  static constexpr int kPartials = kSplitWarps * kCluster;  // shares merged in shared memory
  static constexpr bool kSplit = kPartials * kSplitBlocks > 1;

  // A warp owns kRowTiles tiles of 16 query rows and kWarpKeys keys of every block, kStep of them at a time.
  static constexpr int kRowWarps = std::max(1, kWarps / kSplitWarps);
  static constexpr int kRowTiles = kBlockQ / (16 * kRowWarps);
  static constexpr int kWarpRows = 16 * kRowTiles;
  static constexpr int kWarpKeys = kBlockKv / kSplitWarps;
  static constexpr int kStep = S.tile.kv_step != 0 ? S.tile.kv_step : kWarpKeys;
  static constexpr int kSteps = kWarpKeys / std::max(1, kStep);

  // With overlap, K runs one block ahead of V. If a block has several steps, a block of K is still being read
  // when the block after the next one is copied.
  static constexpr int kKeyStages = kStages + (kOverlap && kSteps > 1 ? 1 : 0);

  // Vᵀ has one panel per step, [head_dim, kStep keys], so that its steps are as large as steps of K.
  using Smem = SwizzledRows<kHeadDim * kElementBytes>;       // Q
  using KeySmem = SwizzledRows<kHeadDim * kKvElementBytes>;  // K
  using ValueSmem = std::conditional_t<kTransposedV, SwizzledRows<kStep * kElementBytes>, KeySmem>;
  using OutSmem = SwizzledTile<kHeadDim>;
  using Partial = PartialTile<kHeadDim, kBlockQ>;
  static constexpr int kQueryBytes = Smem::bytes(kBlockQ);
  static constexpr int kBlockBytes = KeySmem::bytes(kBlockKv);  // one stage of K or of V
  static constexpr int kKeysAt = kQueryBytes;
  static constexpr int kValuesAt = kKeysAt + kKeyStages * kBlockBytes;
  static constexpr int kReachAt = kValuesAt + kStages * kBlockBytes;
  static constexpr int kRowScalesAt = kReachAt + kWarps * static_cast<int>(sizeof(KeyReach));
  static constexpr int kLoopBytes =
      kRowScalesAt + (kScaledQuery ? kBlockQ * static_cast<int>(sizeof(float)) : 0);
  // After the loop, partial tiles overwrite all of this; without a split, O overwrites Q, and more where O is
  // larger.
  static constexpr int kOutBytes = kSplit ? kSplitWarps * Partial::kBytes : OutSmem::bytes(kBlockQ);
  static constexpr int kSmemBytes = std::max(kLoopBytes, kOutBytes);

  // Registers that a thread holds through the loop: O, Q, scores of one or two steps, 56 for addresses and
  // statistics, and some for the lengths, first rows and mask of a sequence. From it follows the number of
  // blocks per multiprocessor, and so the compiler's register limit.
  static constexpr int kSequenceRegisters = 16;
  static constexpr int kPlanRegisters = 24;  // the worker's place in the plan, and pages
  static constexpr int kRegisters =
      kRowTiles * (kHeadDim / 2 + (kQueryInRegisters ? kHeadDim * kElementBytes / 8 : 0) +
                   kStep / 2 * (kOverlap ? 2 : 1)) +
      56 + (kRagged ? kSequenceRegisters : 0) + (kPlanned ? kPlanRegisters : 0);
  static constexpr int kMinBlocksPerSm =
      std::clamp(std::min(65536 / (kThreads * ((std::min(kRegisters, 255) + 7) / 8 * 8)),
                          kMaxSmemBytes / (kSmemBytes + 1024)),
                 1, 8);

  static constexpr const char* invalid() {
    if (kHeadDim * kElementBytes % 64 != 0)
      return "head_dim must be a multiple of 32, with elements of one byte of 64";
    if (kWarps % kSplitWarps != 0) return "num_warps must be a multiple of kv_split_warps";
    if (kRowTiles < 1 || kWarpRows * kRowWarps != kBlockQ)
      return "block_q must be a multiple of 16 rows for each warp along it";
    if (kStep < 16 || kStep % 16 != 0 || kSteps * kStep * kSplitWarps != kBlockKv)
      return "block_kv must be a multiple of 16 keys for each warp along it, and of kv_step";
    if (kTransposedV && kStep % 64 != 0)
      return "with elements of one byte, keys scored at a time must be a multiple of 64";
    if (kTransposedV && kSplit) return "keys are split with elements of two bytes only";
    if (kStages < 1 || kStages > 4) return "num_stages must be from 1 to 4";
    if (kStages == 1 && (kOverlap || kSteps > 1)) return "one stage allows neither overlap nor kv_step";
    if (kSplitBlocks > 1 && kCluster > 1)
      return "keys are split over a grid or over a cluster, not over both";
    // Was wrong under sliding windows on an H100, and is untested there since the fix: see NOTES.md.
    if (kOverlap && kCluster > 1) return "overlap does not go with a cluster";
    if (kPaged && !kRagged) return "paged tiles read lengths on the device: they are ragged, too";
    if (kRagged && kTransposedV) return "ragged tiles are for elements of two bytes";
    if (kRagged && kCluster > 1) return "ragged tiles do not split keys over a cluster";
    if (S.tile.schedule != 0 && !kPlanned) return "tiles are dealt by a plan, or one to a block";
    if (kPlanned && (!kRagged || !kPackGqa)) return "planned tiles are ragged, and pack query heads";
    if (kPlanned && (kStages < 2 || kOverlap || kSplitBlocks > 1))
      return "planned tiles have several stages, no overlap, and no other split over blocks";
    if (kPlanned &&
        (kHeadDim * kElementBytes / kChunkBytes > 32 || 32 % (kHeadDim * kElementBytes / kChunkBytes) != 0))
      return "planned tiles are for a head_dim that is a power of two";
    if (kPlanned && kBlockKv > kThreads) return "planned tiles have a thread for each key of a block";
    if (S.tile.kv_bits != 0 && (!kE4m3Kv || !kPlanned || kElementBytes != 2))
      return "K and V of other elements than Q are e4m3, in planned tiles with Q of two bytes";
    if (kE4m3Kv && kHeadDim % 64 != 0) return "with K and V in e4m3, head_dim must be a multiple of 64";
    if (kCluster > 8) return "a cluster has at most 8 blocks";
    if (kSmemBytes > kMaxSmemBytes) return "needs more shared memory per block than any device has";
    return nullptr;
  }
};

}  // namespace flashcore::kernels
