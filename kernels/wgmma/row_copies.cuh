// K and V of a paged cache row by row, for pages that are too small for boxes of the copy engine: two warps of the
// producer, each of which copies half of the rows of every block by cp.async.
#pragma once

#include "kernels/ptx/sm80.cuh"
#include "kernels/wgmma/ragged_schedule.cuh"

namespace flashcore::kernels {

template <class L>
struct RowCopies {
  const RaggedWgmmaParams& params;
  WgmmaSmem<L> smem;
  int lane;
  int half;  // 0 or 1: which rows are this warp's

  using Ring = RingPosition<L::kStages>;
  static constexpr int kRows = L::kBlockKv / L::kRowWarps;  // of this warp, in a block
  static constexpr int kLaneRows = ceil_div(kRows, kWarpSize);
  static constexpr int kRowChunks = L::kHeadDim / kChunkElements;
  static constexpr int kRowsAtOnce = kWarpSize / kRowChunks;
  static_assert(kRowsAtOnce > 0 && kRows % kRowsAtOnce == 0);

  // The pages of rows lane, lane + 32, ...; -1 where the tile does not see the row.
  struct Pages {
    int of_row[kLaneRows];
  };

  // In the order of RaggedProducer::copy_keys_and_values().
  __device__ void copy_keys_and_values() {
    Ring k_ring, v_ring;
    RaggedSource<L> tasks{smem};
    for (; tasks.next(); tasks.release()) {
      const RaggedTask& task = tasks.task();
      const int begin = tasks.uniform(task.seen.begin);
      const int end = tasks.uniform(task.seen.end);
      if (begin >= end) continue;
      const int first = begin / L::kBlockKv;
      int block = ceil_div(end, L::kBlockKv) - 1;
      // Looked up two blocks ahead of use, so that no copy waits for the table.
      Pages here = pages_of(task, block);
      Pages next = pages_of(task, block - 1);
      copy_block(Operand::k, task, block, here, k_ring);
      for (; block >= first; --block) {
        const Pages after = pages_of(task, block - 2);
        if (block > first) copy_block(Operand::k, task, block - 1, next, k_ring);
        copy_block(Operand::v, task, block, here, v_ring);
        here = next;
        next = after;
      }
    }
    ptx::cp_async_commit();
    ptx::cp_async_wait<0>();  // protects the last copies: no thread ends before they are done
  }

 private:
  __device__ int row_of(int lane_row, int from_lane) const {
    return half * kRows + lane_row * kWarpSize + from_lane;
  }

  __device__ Pages pages_of(const RaggedTask& task, int block) const {
    const SequenceTables& tables = params.tables;
    const std::int32_t* table = tables.page_table + task.sequence * tables.page_table_stride;
    Pages pages;
#pragma unroll
    for (int i = 0; i < kLaneRows; ++i) {
      const int key = block * L::kBlockKv + row_of(i, lane);
      const bool seen = i * kWarpSize + lane < kRows && key >= task.seen.begin && key < task.seen.end;
      pages.of_row[i] = seen ? table[tables.page_size.quotient(key)] : -1;
    }
    return pages;
  }

  // This warp's rows of one block into one stage. Rows that the tile does not see become zero.
  __device__ void copy_block(Operand operand, const RaggedTask& task, int block, const Pages& pages,
                             Ring& ring) {
    const bool keys = operand == Operand::k;
    const Strides& stride = keys ? params.args.k_stride : params.args.v_stride;
    const auto* head = static_cast<const std::uint16_t*>(keys ? params.args.k : params.args.v) +
                       params.order.group.quotient(task.head) * stride.head;
    // Protects the stage: all products have read it.
    mbarrier_wait(smem.empty(operand, ring.slot), ring.parity ^ 1);
#pragma unroll
    for (int i = 0; i < kLaneRows; ++i) {
      const int key = block * L::kBlockKv + row_of(i, lane);
      const int in_page = params.tables.page_size.remainder(max(key, 0));
      const int page = pages.of_row[i];
      const std::int64_t offset = page < 0 ? -1 : page * stride.batch + in_page * stride.row;
      copy_rows(head, offset, i, smem.stage(operand, ring.slot));
    }
    ptx::cp_async_arrive(smem.full(operand, ring.slot));
    ring.advance();
  }

  // The rows of which each lane has one's offset in elements, or -1.
  __device__ void copy_rows(const std::uint16_t* head, std::int64_t offset, int lane_row,
                            std::uint32_t stage) const {
    constexpr int kPanelChunks = kPanelRowBytes / kChunkBytes;
    const int chunk = lane % kRowChunks;
    const std::uint32_t panel = stage + chunk / kPanelChunks * (L::kBlockKv * kPanelRowBytes);
    const int low = static_cast<int>(offset);
    const int high = static_cast<int>(offset >> 32);
    const int rows = min(kRows - lane_row * kWarpSize, kWarpSize);
#pragma unroll 4
    for (int first = 0; first < rows; first += kRowsAtOnce) {
      const int from_lane = first + lane / kRowChunks;
      const int row_high = __shfl_sync(kAllLanes, high, from_lane);
      const auto row_low = static_cast<std::uint32_t>(__shfl_sync(kAllLanes, low, from_lane));
      const bool seen = row_high >= 0;
      const std::int64_t row_offset =
          seen ? (std::int64_t{row_high} << 32 | row_low) + chunk * kChunkElements : 0;
      ptx::cp_async_16(panel + swizzled_chunk_offset(row_of(lane_row, from_lane), chunk % kPanelChunks),
                       head + row_offset, seen ? kChunkBytes : 0);
    }
  }
};

}  // namespace flashcore::kernels
