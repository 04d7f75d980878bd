// The stream of K and V blocks of one task of a plan. As KvStream, but the page of each row is looked up once for K and V,
// one block of keys before the copy that needs it: each lane keeps the page of one row that its warp copies next.
#pragma once

#include "kernels/mma/kv_stream.cuh"

namespace flashcore::kernels {

template <class C>
concept PlannedConfig = C::kPlanned;

template <PlannedConfig C>
struct KvStream<C> {
  using Kv = typename C::Operands::Kv;

  const typename C::Args& args;
  int head_kv;
  std::uint32_t smem;
  int first;  // blocks [first, last) of block_kv keys are this task's
  int last;

  __device__ __forceinline__ KvStream(const typename C::Args& arguments, int head, std::uint32_t smem_begin,
                                      int first_block, int last_block)
      : args(arguments), head_kv(head), smem(smem_begin), first(first_block), last(last_block) {}

  // Shared-memory address of the keys, and of the values, of one step (kSteps to a block).
  __device__ __forceinline__ std::uint32_t keys(int step) const {
    return stage(C::kKeysAt, step / C::kSteps) + static_cast<unsigned>(step % C::kSteps) * kStepBytes;
  }
  __device__ __forceinline__ std::uint32_t values(int step) const {
    return stage(C::kValuesAt, step / C::kSteps) + static_cast<unsigned>(step % C::kSteps) * kStepBytes;
  }

  // K and V of a block. Commits one group per call, an empty one past the end, so that the number of groups in flight
  // stays constant.
  __device__ __forceinline__ void issue(int block) const {
    if (block < last) {
      copy(block);
      if (block + 1 < last) look_up(block + 1);
    }
    ptx::cp_async_commit();
  }

  // Commits Q, which the caller has issued, and fills the stages.
  __device__ __forceinline__ void start() const {
    ptx::cp_async_commit();
    if (first < last) look_up(first);
#pragma unroll
    for (int stage = 0; stage < C::kStages - 1; ++stage) issue(first + stage);
  }
  // Waits for the group that start() committed first.
  __device__ __forceinline__ void wait_for_query() const { ptx::cp_async_wait<C::kStages - 1>(); }

 private:
  using Smem = typename C::KeySmem;
  static constexpr unsigned kStepBytes = Smem::bytes(C::kStep);
  static constexpr int kElements = kChunkBytes / static_cast<int>(sizeof(Kv));  // of a chunk
  static constexpr int kRowsAtOnce = C::kThreads / Smem::kChunks;  // rows that the block copies in one pass
  static constexpr int kPasses = C::kBlockKv / kRowsAtOnce;
  static constexpr int kWarpRowsAtOnce = kWarpSize / Smem::kChunks;
  static_assert(kWarpSize % Smem::kChunks == 0 && kPasses * kRowsAtOnce == C::kBlockKv);
  static_assert(kPasses * kWarpRowsAtOnce <= kWarpSize, "a lane keeps one page");

  mutable int page_ = 0;  // of this lane's row of the next block

  __device__ __forceinline__ std::uint32_t stage(int at, int block) const {
    return smem + at + static_cast<unsigned>(block - first) % C::kStages * C::kBlockBytes;
  }
  __device__ static __forceinline__ int lane() { return static_cast<int>(threadIdx.x) % kWarpSize; }
  // Row `row` of those that this warp copies in a pass, within a block.
  __device__ static __forceinline__ int row_of(int pass, int row) {
    return pass * kRowsAtOnce + static_cast<int>(threadIdx.x) / kWarpSize * kWarpRowsAtOnce + row;
  }
  __device__ __forceinline__ bool is_seen(int key) const {
    return key >= args.seen.begin && key < args.seen.end;
  }

  __device__ __forceinline__ void look_up(int block) const {
    if constexpr (C::kPaged) {
      const int key = block * C::kBlockKv + row_of(lane() / kWarpRowsAtOnce, lane() % kWarpRowsAtOnce);
      const bool needed = lane() < kPasses * kWarpRowsAtOnce && is_seen(key);
      if (needed) page_ = args.page_of(key);
    }
  }

  // Of e4m3, where there is half as much to copy for the same products: each lane works out where the row lies whose page
  // it keeps, once for all chunks of the row, and the others ask it.
  __device__ __forceinline__ void copy_e4m3(int block) const {
    const int kept = block * C::kBlockKv + row_of(lane() / kWarpRowsAtOnce, lane() % kWarpRowsAtOnce);
    const bool kept_is_seen = is_seen(kept);
    const auto place_in = [&](const Strides& stride) {
      return kept_is_seen ? static_cast<unsigned>(args.key_offset_in(stride, page_, kept) / kChunkBytes) : 0;
    };
    const unsigned k_place = place_in(args.k_stride);
    const unsigned v_place = place_in(args.v_stride);
    const unsigned seen = __ballot_sync(kAllLanes, kept_is_seen);
    const int row = lane() / Smem::kChunks;
    const int chunk = lane() % Smem::kChunks;
    const Kv* k =
        args.keys_of_head(static_cast<const Kv*>(args.k), args.k_stride, head_kv) + chunk * kElements;
    const Kv* v =
        args.keys_of_head(static_cast<const Kv*>(args.v), args.v_stride, head_kv) + chunk * kElements;
    const std::uint32_t k_stage = stage(C::kKeysAt, block);
    const std::uint32_t v_stage = stage(C::kValuesAt, block);
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass) {
      const int keeper = pass * kWarpRowsAtOnce + row;
      const std::int64_t k_row = __shfl_sync(kAllLanes, k_place, keeper);
      const std::int64_t v_row = __shfl_sync(kAllLanes, v_place, keeper);
      const int bytes = (seen >> keeper & 1) != 0 ? kChunkBytes : 0;
      const std::uint32_t offset = Smem::offset(row_of(pass, row), chunk);
      ptx::cp_async_16(k_stage + offset, k + k_row * kChunkBytes, bytes);
      ptx::cp_async_16(v_stage + offset, v + v_row * kChunkBytes, bytes);
    }
  }

  __device__ __forceinline__ void copy(int block) const {
    if constexpr (C::kE4m3Kv) return copy_e4m3(block);
    const int row = lane() / Smem::kChunks;
    const int chunk = lane() % Smem::kChunks;
    const Kv* k = args.keys_of_head(static_cast<const Kv*>(args.k), args.k_stride, head_kv);
    const Kv* v = args.keys_of_head(static_cast<const Kv*>(args.v), args.v_stride, head_kv);
    const std::uint32_t k_stage = stage(C::kKeysAt, block);
    const std::uint32_t v_stage = stage(C::kValuesAt, block);
#pragma unroll
    for (int pass = 0; pass < kPasses; ++pass) {
      const int tile_row = row_of(pass, row);
      const int key = block * C::kBlockKv + tile_row;
      int page = 0;
      if constexpr (C::kPaged) page = __shfl_sync(kAllLanes, page_, pass * kWarpRowsAtOnce + row);
      const bool seen = is_seen(key);
      const int bytes = seen ? kChunkBytes : 0;
      const std::uint32_t offset = Smem::offset(tile_row, chunk);
      const Kv* k_row = seen ? k + args.key_offset_in(args.k_stride, page, key) + chunk * kElements : k;
      const Kv* v_row = seen ? v + args.key_offset_in(args.v_stride, page, key) + chunk * kElements : v;
      ptx::cp_async_16(k_stage + offset, k_row, bytes);
      ptx::cp_async_16(v_stage + offset, v_row, bytes);
    }
  }
};

}  // namespace flashcore::kernels
