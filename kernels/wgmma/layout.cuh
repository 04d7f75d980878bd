// A block of the wgmma families: its sizes, shared memory and barriers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "kernels/blocks/matrix_descriptor.hpp"
#include "kernels/blocks/work_tasks.hpp"
#include "kernels/common/gpu.hpp"
#include "kernels/common/indexing.hpp"
#include "kernels/common/kernel_args.hpp"
#include "kernels/ptx/sm80.cuh"
#include "kernels/ptx/sm90.cuh"
#include "variant/variant.hpp"

namespace flashcore::kernels {

inline constexpr int kWarpgroupThreads = 128;
inline constexpr int kWarpgroupRows = 64;  // query rows of one consumer warpgroup: M of wgmma

enum class Operand : int { k, v };

// What a tile of a ragged batch sees of its sequence's keys; nothing for other tiles, which derive it from the launch.
struct SeenKeys {
  KeyRange of_row[2];  // of this thread's rows
  KeyRange of_tile;    // that some row of the block sees
};
struct NoSeenKeys {};

// Shared memory: Q [slot][consumer][panel][64 rows], K and V [stage][panel][rows], then barriers. A row of a
// panel has 128 bytes: 64 columns of two bytes or 128 of one. A slot of Q also holds O, which has two bytes
// per element, on its way out. V of one byte is transposed, because its products take nothing else: its rows
// are columns of V, its columns are keys.
template <VariantSpec S>
struct WgmmaLayout {
  static constexpr VariantSpec spec = S;
  static constexpr int kConsumers = S.tile.num_warps / 4 - 1;
  static constexpr int kCluster = S.tile.cluster > 1 ? S.tile.cluster : 1;
  static constexpr int kStages = S.tile.num_stages;
  static constexpr int kBlockKv = S.tile.block_kv;
  static constexpr int kHeadDim = S.head_dim;
  static constexpr int kClusterRows = S.tile.block_q * kCluster;
  static constexpr bool kTurns = S.tile.ping_pong != 0;
  static constexpr bool kPackGqa = S.tile.pack_gqa != 0;
  static constexpr bool kRagged = S.tile.ragged != 0;
  static constexpr bool kPaged = S.tile.paged != 0;
  static constexpr bool kCopiesRows = S.tile.paged == 2;  // of K and V, one by one, without the copy engine
  static constexpr bool kPlanned = kRagged && S.tile.schedule == kPlannedSchedule;
  using Seen = std::conditional_t<kRagged, SeenKeys, NoSeenKeys>;
  // Copies of whole boxes bring rows of V that no row of the tile sees, or leave old rows in place.
  static constexpr bool kClearsValues = kRagged && !kCopiesRows;
  static constexpr int kRowWarps = 2;  // that copy rows

  static constexpr int kElementBytes = static_cast<int>(size_bytes(S.dtype));  // of Q, K, V and P
  static constexpr int kColumns = panel_columns(kElementBytes);                // of a panel of them
  static constexpr int kStep = k_step_elements(kElementBytes);                 // of one product, along K
  static constexpr bool kTransposedV = kElementBytes == 1;
  static constexpr int kVRows = kTransposedV ? kHeadDim : kBlockKv;
  // Q, K and Vᵀ may end within their last panel: the copy engine fills the rest with zeros.
  static constexpr int kPanels = ceil_div(kHeadDim, kColumns);  // of Q and K
  static constexpr int kVPanels = kTransposedV ? ceil_div(kBlockKv, kColumns) : kPanels;
  static constexpr int kOutPanels = kHeadDim / kPanelColumns;

  // Products of one byte are summed with about 14 bits, so sums of P·V of one block of keys are added to O in FP32. They
  // have registers of their own where they overlap with scores, else those of the scores, some columns at a time.
  static constexpr bool kSumsApart = kElementBytes == 1;
  static constexpr int kApartColumns = S.tile.overlap != 0 ? kHeadDim : 64;
  static constexpr int kApartGroups = kSumsApart ? kHeadDim / kApartColumns : 1;

  // A consumer thread's scores, probabilities and output. Two groups of sums take about 8 registers beside them; without
  // these, tiles get too small a share and spill.
  static constexpr int kApartRegisters = !kSumsApart        ? 0
                                         : kApartGroups > 1 ? kApartColumns
                                                            : kApartColumns / 2;
  static constexpr int kScoreRegisters =
      S.tile.overlap != 0 ? kBlockKv / 2 + kApartRegisters : std::max(kBlockKv / 2, kApartRegisters);
  static constexpr int kFragmentRegisters =
      kScoreRegisters + kBlockKv * kElementBytes / 8 + kHeadDim / 2 + (kApartGroups > 1 ? 8 : 0);

  static constexpr int kQPanelBytes = kWarpgroupRows * kPanelRowBytes;  // of O as well
  static constexpr int kQBytes = kPanels * kQPanelBytes;                // of one consumer
  static constexpr int kOutBytes = kOutPanels * kQPanelBytes;
  static constexpr int kQSlotBytes = kQBytes > kOutBytes ? kQBytes : kOutBytes;
  static constexpr int kKStageBytes = kPanels * kBlockKv * kPanelRowBytes;
  static constexpr int kVStageBytes = kVPanels * kVRows * kPanelRowBytes;
  static constexpr int kRingBytes = kStages * (kKStageBytes + kVStageBytes);

  // A persistent block copies the next tile's Q while it works on this tile, where there is room. Two planned blocks of
  // one consumer share a multiprocessor.
  static constexpr int kSmemBudget = kPlanned && kConsumers == 1 ? (kMaxSmemBytes - 1024) / 2 : kMaxSmemBytes;
  static constexpr int kQSlots =
      S.tile.schedule != 0 && 2 * kConsumers * kQSlotBytes + kRingBytes <= kSmemBudget - 1024 ? 2 : 1;

  static constexpr int kKOffset = kQSlots * kConsumers * kQSlotBytes;
  static constexpr int kVOffset = kKOffset + kStages * kKStageBytes;
  static constexpr int kBarrierOffset = kKOffset + kRingBytes;
  static constexpr int kQBarriers = 2 * kConsumers * kQSlots;
  static constexpr int kTileSlots = kRagged ? 4 : 2;
  static constexpr int kBarriers = kQBarriers + 4 * kStages + 2 * kTileSlots;
  static constexpr int kTileSlotOffset = kBarrierOffset + 8 * kBarriers;
  // A slot has the number of a tile, or of a ragged batch all that there is to know of it (RaggedTask).
  static constexpr int kTileSlotBytes = kRagged ? 64 : 4;
  static constexpr int kTileReaders = 4 * kConsumers + (kCopiesRows ? 1 + kRowWarps
                                                        : kRagged   ? 2
                                                                    : 1);  // warps
  static constexpr int kSmemBytes = kTileSlotOffset + kTileSlots * kTileSlotBytes;

  static constexpr int rows(Operand operand) { return operand == Operand::k ? kBlockKv : kVRows; }
  static constexpr int panels(Operand operand) { return operand == Operand::k ? kPanels : kVPanels; }
  static constexpr int panel_bytes(Operand operand) { return rows(operand) * kPanelRowBytes; }
  static constexpr int stage_bytes(Operand operand) {
    return operand == Operand::k ? kKStageBytes : kVStageBytes;
  }
};

// Waits for the phase of this parity.
__device__ __forceinline__ void mbarrier_wait(std::uint32_t barrier, std::uint32_t parity) {
  while (!ptx::mbarrier_try_wait(barrier, parity)) {
  }
}

// Named barriers; 0 is __syncthreads.
inline constexpr int kTurnBarrier = 1;       // + consumer: its turn at the tensor cores
inline constexpr int kWarpgroupBarrier = 5;  // + consumer: its four warps

// Shared-memory addresses by name. A "full" barrier completes when the bytes have arrived, an "empty" one
// when all readers are done.
template <class L>
struct WgmmaSmem {
  std::uint32_t base;

  __device__ std::uint32_t q(int consumer, int slot) const {
    return base + q_index(consumer, slot) * L::kQSlotBytes;
  }
  __device__ std::uint32_t stage(Operand operand, int stage) const {
    return base + (operand == Operand::k ? L::kKOffset : L::kVOffset) + stage * L::stage_bytes(operand);
  }

  __device__ std::uint32_t q_full(int consumer, int slot) const { return barrier(q_index(consumer, slot)); }
  __device__ std::uint32_t q_empty(int consumer, int slot) const {
    return barrier(L::kQBarriers / 2 + q_index(consumer, slot));
  }
  __device__ std::uint32_t full(Operand operand, int stage) const { return kv_barrier(operand, 0, stage); }
  __device__ std::uint32_t empty(Operand operand, int stage) const { return kv_barrier(operand, 1, stage); }
  __device__ std::uint32_t tile_full(int slot) const {
    return barrier(L::kBarriers - 2 * L::kTileSlots + slot);
  }
  __device__ std::uint32_t tile_empty(int slot) const { return barrier(L::kBarriers - L::kTileSlots + slot); }
  __device__ std::uint32_t tile_slot(int slot) const {
    return base + L::kTileSlotOffset + L::kTileSlotBytes * slot;
  }

  // By one thread, before any other thread touches a barrier.
  __device__ void initialise_barriers() const {
    constexpr int kConsumerWarps = 4 * L::kConsumers;
    for (int i = 0; i < L::kQBarriers; ++i) ptx::mbarrier_init(barrier(i), 1);
    for (const Operand operand : {Operand::k, Operand::v}) {
      for (int s = 0; s < L::kStages; ++s) {
        ptx::mbarrier_init(full(operand, s), L::kCopiesRows ? L::kRowWarps * kWarpSize : 1);
        ptx::mbarrier_init(empty(operand, s), kConsumerWarps * L::kCluster);
      }
    }
    for (int slot = 0; slot < L::kTileSlots; ++slot) {
      ptx::mbarrier_init(tile_full(slot), 1);
      ptx::mbarrier_init(tile_empty(slot), L::kTileReaders);
    }
    ptx::fence_mbarrier_init();
  }

 private:
  __device__ static int q_index(int consumer, int slot) { return slot * L::kConsumers + consumer; }
  __device__ std::uint32_t barrier(int index) const { return base + L::kBarrierOffset + 8 * index; }
  __device__ std::uint32_t kv_barrier(Operand operand, int kind, int stage) const {
    return barrier(L::kQBarriers + (2 * static_cast<int>(operand) + kind) * L::kStages + stage);
  }
};

// A position in a ring of kSlots buffers, and the parity of the phase of its barriers. A reader waits for
// `parity` of the full barrier; a writer waits for the other parity of the empty barrier, which a fresh
// barrier passes at once.
template <int kSlots>
struct RingPosition {
  int slot = 0;
  std::uint32_t parity = 0;

  __device__ void advance() {
    if (++slot == kSlots) {
      slot = 0;
      parity ^= 1;
    }
  }
};

}  // namespace flashcore::kernels
