// The stream of K and V blocks of one query tile through the shared-memory stages.
#pragma once

#include "kernels/blocks/mask.cuh"
#include "kernels/blocks/query_rows.cuh"
#include "kernels/blocks/tile_io.cuh"
#include "kernels/mma/config.cuh"

namespace flashcore::kernels {

template <class C>
struct KvStream {
  using T = typename C::Operands::T;

  // Pointers and strides stay in the kernel's parameters: the main loop has no registers left for them.
  const typename C::Args& args;
  int batch;
  int head_kv;
  std::uint32_t smem;
  int first;  // blocks [first, last) of block_kv keys are this block's share
  int last;

  __device__ __forceinline__ KvStream(const typename C::Args& arguments, const QueryRows<C::kPackGqa>& rows,
                                      std::uint32_t smem_begin, int share)
      : args(arguments), batch(rows.batch), head_kv(rows.head_kv()), smem(smem_begin) {
    const int last_row = min(rows.begin + C::kBlockQ, rows.count) - 1;
    const KeyRange seen = keys_of_any(args, rows.query(rows.begin), rows.query(last_row));
    first = seen.begin / C::kBlockKv;
    last = max(first, ceil_div(seen.end, C::kBlockKv));
    if constexpr (C::kShares > 1) {
      const int blocks = last - first;
      const int begin = first;
      first = begin + blocks * share / C::kShares;
      last = begin + blocks * (share + 1) / C::kShares;
    }
  }

  // Shared-memory address of the keys, and of the values, of one step (kSteps to a block).
  __device__ __forceinline__ std::uint32_t keys(int step) const {
    return key_stage(step / C::kSteps) + static_cast<unsigned>(step % C::kSteps) * kStepBytes;
  }
  __device__ __forceinline__ std::uint32_t values(int step) const {
    return value_stage(step / C::kSteps) + static_cast<unsigned>(step % C::kSteps) * kStepBytes;
  }

  __device__ __forceinline__ void load_keys(int block) const {
    if (block < last) load(key_stage(block), args.k, args.k_stride, block);
  }
  __device__ __forceinline__ void load_values(int block) const {
    if (block >= last) return;
    if constexpr (C::kTransposedV) {
      load_transposed(value_stage(block), block);
    } else {
      load(value_stage(block), args.v, args.v_stride, block);
    }
  }

  // Commits one group per call, an empty one past the end, so that the number of groups in flight stays
  // constant.
  __device__ __forceinline__ void issue_keys(int block) const {
    load_keys(block);
    ptx::cp_async_commit();
  }
  __device__ __forceinline__ void issue_values(int block) const {
    load_values(block);
    ptx::cp_async_commit();
  }
  // V of a block and the K that is needed at the same time: of the same block, or with overlap of the next.
  __device__ __forceinline__ void issue(int block) const {
    load_keys(block + (C::kOverlap ? 1 : 0));
    load_values(block);
    ptx::cp_async_commit();
  }

  // Commits Q, which the caller has issued, and fills the stages.
  __device__ __forceinline__ void start() const {
    if constexpr (C::kOverlap) load_keys(first);
    ptx::cp_async_commit();
    if constexpr (C::kStages == 1) {
      issue_keys(first);
    } else {
#pragma unroll
      for (int stage = 0; stage < C::kStages - 1; ++stage) issue(first + stage);
    }
  }
  // Waits for the group that start() committed first.
  __device__ __forceinline__ void wait_for_query() const {
    ptx::cp_async_wait<(C::kStages == 1 ? 1 : C::kStages - 1)>();
  }

 private:
  static constexpr unsigned kStepBytes = C::Smem::bytes(C::kStep);

  __device__ __forceinline__ std::uint32_t key_stage(int block) const {
    return smem + C::kKeysAt + static_cast<unsigned>(block - first) % C::kKeyStages * C::kBlockBytes;
  }
  __device__ __forceinline__ std::uint32_t value_stage(int block) const {
    return smem + C::kValuesAt + static_cast<unsigned>(block - first) % C::kStages * C::kBlockBytes;
  }
  __device__ __forceinline__ void load(std::uint32_t target, const void* tensor, const Strides& stride,
                                       int block) const {
    if constexpr (C::kRagged) {
      const T* base = args.keys_of_head(static_cast<const T*>(tensor), stride, head_kv);
      cp_async_rows<typename C::Smem, C::kBlockKv, C::kThreads>(
          target, base, block * C::kBlockKv, args.seen.begin, args.seen.end,
          [&](int key) { return args.key_offset(stride, key); });
    } else {
      const T* base = head_pointer(static_cast<const T*>(tensor), stride, batch, head_kv);
      cp_async_tile<typename C::Smem, C::kBlockKv, C::kThreads>(
          target, base, block * C::kBlockKv, args.seq_kv, [&](int row) { return row * stride.row; });
    }
  }
  // Vᵀ, [head_dim, keys], one panel per step. Its rows reach to the end of the last block.
  __device__ __forceinline__ void load_transposed(std::uint32_t target, int block) const {
    const T* base = head_pointer(static_cast<const T*>(args.v), args.v_stride, batch, head_kv);
#pragma unroll
    for (int step = 0; step < C::kBlockKv / C::kStep; ++step) {
      cp_async_tile<typename C::ValueSmem, C::kHeadDim, C::kThreads>(
          target + step * kStepBytes, base + block * C::kBlockKv + step * C::kStep, 0, C::kHeadDim,
          [&](int row) { return row * args.v_stride.row; });
    }
  }
};

}  // namespace flashcore::kernels
