// The loop of a consumer warpgroup over the keys of a tile: 64 query rows, their scores, softmax and output in shared
// memory.
#pragma once

#include "kernels/wgmma/block_sums.cuh"
#include "kernels/wgmma/softmax.cuh"

namespace flashcore::kernels {

template <class L, class Operands>
struct KeyLoop {
  using Params = typename Operands::Params;
  static constexpr int kRowChunks = kPanelRowBytes / kChunkBytes;  // of a row of a panel

  const Params& params;
  WgmmaSmem<L> smem;
  int consumer;
  int thread;  // within the warpgroup
  RingPosition<L::kStages> k_ring{};
  RingPosition<L::kStages> v_ring{};
  RingPosition<L::kQSlots> q_ring{};
  bool output_leaving = false;  // the slot of Q before this one still holds an output

  Operands operands{};
  float s_acc[L::kBlockKv / 2];   // [64, block_kv] scores, then their exponentials
  float o_acc[L::kHeadDim / 2];   // [64, head_dim]
  ProbabilityFragment<L> p_frag;  // [64, block_kv]
  OnlineSoftmax<Operands> softmax;
  int row;              // the first of this thread's two
  BlockRange unmasked;  // KV blocks of which all rows of the warpgroup see every key
  typename L::Seen seen{};

  __device__ __forceinline__ int query(int r) const { return query_of<L>(params.order, row + 8 * r); }
  __device__ __forceinline__ KeyRange keys_of_row(int r) const {
    if constexpr (L::kRagged) {
      return seen.of_row[r];
    } else {
      return params.bounds.keys(query(r));
    }
  }

  // --- Turns: with ping-pong the consumers issue their products one after the other. A consumer waits for
  // its predecessor's arrival, issues, and arrives for its successor. This protects the order, not data.

  __device__ __forceinline__ void wait_turn() const {
    if constexpr (L::kTurns) ptx::named_barrier_sync(kTurnBarrier + consumer, 2 * kWarpgroupThreads);
  }
  __device__ __forceinline__ void pass_turn() const {
    const int next = consumer + 1 == L::kConsumers ? 0 : consumer + 1;
    if constexpr (L::kTurns) ptx::named_barrier_arrive(kTurnBarrier + next, 2 * kWarpgroupThreads);
  }

  // --- Products

  // Protects the stage's data: its bytes have arrived.
  __device__ __forceinline__ void await(Operand operand, const RingPosition<L::kStages>& ring) const {
    mbarrier_wait(smem.full(operand, ring.slot), ring.parity);
    if constexpr (L::kCopiesRows)
      ptx::fence_proxy_async();  // makes cp.async's writes visible to the tensor cores
  }

  // Protects the stage from the next copy: this warp's products have read it. One arrival per warp, at every
  // block that copies into the stage.
  __device__ __forceinline__ void release(Operand operand, RingPosition<L::kStages>& ring) {
    const std::uint32_t empty = smem.empty(operand, ring.slot);
    if constexpr (L::kCluster > 1) {
      if (thread % 32 < L::kCluster) ptx::mbarrier_arrive_cluster(ptx::map_to_block(empty, thread % 32));
    } else {
      if (thread % 32 == 0) ptx::mbarrier_arrive(empty);
    }
    ring.advance();
  }

  // s_acc = Q · Kᵀ of the stage, one group.
  __device__ __forceinline__ void issue_scores() {
    const std::uint64_t q = k_major_descriptor(smem.q(consumer, q_ring.slot));
    const std::uint64_t k = k_major_descriptor(smem.stage(Operand::k, k_ring.slot));
    constexpr int kStepsPerPanel = L::kColumns / L::kStep;
    ptx::pin_registers(s_acc);
    ptx::wgmma_fence();
#pragma unroll
    for (int step = 0; step < L::kHeadDim / L::kStep; ++step) {
      const int panel = step / kStepsPerPanel;
      const std::uint32_t within = step % kStepsPerPanel * k_major_step_bytes();
      ptx::wgmma<L::spec.dtype>(s_acc, advance(q, panel * L::kQPanelBytes + within),
                                advance(k, panel * L::panel_bytes(Operand::k) + within), step > 0);
    }
    ptx::wgmma_commit();
  }

  // Zeros in the rows of the next stage of V, of block `block`, that no row of the tile sees: what lies there may be NaN,
  // and 0 · NaN would reach O. Each consumer clears before its own products, and writes over rows that are zero by then
  // if another one was faster.
  __device__ __forceinline__ void clear_unseen_values(int block) const {
    const int first = block * L::kBlockKv;
    const int begin = seen.of_tile.begin - first;
    const int end = seen.of_tile.end - first;
    if (begin <= 0 && end >= L::kBlockKv) return;
    await(Operand::v, v_ring);
    unsigned char* stage = ptx::dynamic_smem() + L::kVOffset + v_ring.slot * L::kVStageBytes;
#pragma unroll 1
    for (int i = thread; i < L::kBlockKv * kRowChunks; i += kWarpgroupThreads) {
      const int stage_row = i / kRowChunks;
      if (stage_row >= begin && stage_row < end) continue;
#pragma unroll
      for (int panel = 0; panel < L::kVPanels; ++panel) {
        *reinterpret_cast<uint4*>(stage + panel * L::panel_bytes(Operand::v) + i * kChunkBytes) =
            make_uint4(0, 0, 0, 0);
      }
    }
    ptx::fence_proxy_async();
    // Protects the stage: all zeros of this warpgroup are in place, and visible to the tensor cores, before its products.
    ptx::named_barrier_sync(kWarpgroupBarrier + consumer, kWarpgroupThreads);
  }

  __device__ __forceinline__ void pack_probabilities() { Operands::pack_probabilities(p_frag, s_acc); }

  __device__ __forceinline__ void rescale_output() {
    if (!softmax.rescaling) return;
#pragma unroll
    for (int i = 0; i < L::kHeadDim / 2; ++i) o_acc[i] *= softmax.rescale[i / 2 % 2];
  }

  template <bool kMasked>
  __device__ __forceinline__ void update_softmax(int block) {
    if constexpr (kMasked) {
      if (params.softcap_scale != 0) apply_softcap(s_acc, operands.softcap_scale(params));
      const int first_key = block * L::kBlockKv + thread % 4 * 2;
      const KeyRange keys[2] = {keys_of_row(0), keys_of_row(1)};
      // Few blocks are cut at both ends, and comparing a column with one end is one instruction.
      if (block >= unmasked.end) {
        hide_scores(s_acc, [&](int r, int column) { return column >= keys[r].end - first_key; });
      }
      if (block < unmasked.begin) {
        hide_scores(s_acc, [&](int r, int column) { return column < keys[r].begin - first_key; });
      }
    }
    softmax.template update<kMasked>(s_acc, operands.log2_scale(params));
  }

  // --- One block of keys: scores and softmax of a tile's first block
  __device__ __forceinline__ void first_block(int block, int last) {
    await(Operand::k, k_ring);
    wait_turn();
    issue_scores();
    pass_turn();
    ptx::wgmma_wait<0>();
    ptx::pin_registers(s_acc);
    release(Operand::k, k_ring);
    update_softmax<true>(block);
    softmax.rescaling = false;  // nothing was summed before
    pack_probabilities();
    if (L::spec.tile.overlap != 0 && block > last) await(Operand::k, k_ring);
  }

  // The tensor cores work on P·V of the previous block while the other units do this block's softmax.
  template <bool kMasked>
  __device__ __forceinline__ void overlapped_block(int block, int last) {
    wait_turn();
    issue_scores();
    await(Operand::v, v_ring);
    rescale_output();
    ApartSums<L> sums;
    issue_sums<Operands>(L{}, o_acc, sums, p_frag, smem.stage(Operand::v, v_ring.slot));
    pass_turn();
    ptx::wgmma_wait<1>();
    ptx::pin_registers(s_acc);
    release(Operand::k, k_ring);
    update_softmax<kMasked>(block);
    // The pinned scores and the branch behind them keep the compiler from moving the wait for P·V up, before
    // the softmax with which P·V overlaps. The branch is useful: by now K of the next block has arrived.
    ptx::pin_registers(s_acc);
    if (block > last) await(Operand::k, k_ring);
    ptx::wgmma_wait<0>();
    add_sums(L{}, o_acc, sums);
    release(Operand::v, v_ring);
    pack_probabilities();
  }

  // Products and softmax one after the other; other warpgroups fill the gaps.
  template <bool kMasked>
  __device__ __forceinline__ void plain_block(int block) {
    wait_turn();
    finish_block();
    await(Operand::k, k_ring);
    issue_scores();
    pass_turn();
    ptx::wgmma_wait<0>();
    ptx::pin_registers(s_acc);
    release(Operand::k, k_ring);
    update_softmax<kMasked>(block);
    pack_probabilities();
  }

  // P·V of the block whose probabilities are packed.
  __device__ __forceinline__ void finish_block() {
    rescale_output();
    await(Operand::v, v_ring);
    ApartSums<L> sums[L::kApartGroups > 1 ? 2 : 1];
#pragma unroll
    for (int group = 0; group < L::kApartGroups; ++group) {
      issue_sums<Operands>(L{}, o_acc, sums[group % 2], p_frag, smem.stage(Operand::v, v_ring.slot), group);
      if (group == 0) continue;
      ptx::wgmma_wait<1>();
      add_sums(L{}, o_acc, sums[(group - 1) % 2], group - 1);
    }
    ptx::wgmma_wait<0>();
    add_sums(L{}, o_acc, sums[(L::kApartGroups - 1) % 2], L::kApartGroups - 1);
    release(Operand::v, v_ring);
  }

  template <bool kMasked>
  __device__ __forceinline__ void next_block(int block, int last) {
    if constexpr (L::spec.tile.overlap != 0) {
      overlapped_block<kMasked>(block, last);
    } else {
      plain_block<kMasked>(block);
    }
  }

  // Blocks from the last to the first, so that blocks cut by the diagonal or by the end of the keys come
  // first. Blocks that need no mask run in a loop without one.
  __device__ __forceinline__ void attend(BlockRange blocks) {
    // The soft cap is applied together with the mask.
    const BlockRange plain = params.softcap_scale != 0 ? BlockRange{blocks.end, blocks.end} : unmasked;
    int block = blocks.end - 1;
    first_block(block, blocks.begin);
    if constexpr (L::kClearsValues) clear_unseen_values(block);
    release_output_slot();
    --block;
    while (true) {
      for (; block >= blocks.begin && (block < plain.begin || block >= plain.end); --block) {
        next_block<true>(block, blocks.begin);
      }
      if (block < blocks.begin) break;
      for (; block >= plain.begin; --block) next_block<false>(block, blocks.begin);
    }
    if constexpr (L::kClearsValues) {
      if (blocks.end - blocks.begin > 1) clear_unseen_values(blocks.begin);
    }
    finish_block();
  }

  // --- Output

  // O as elements of T, in panels at `place`.
  template <class T>
  __device__ __forceinline__ void store_panels(std::uint32_t place, const float (&normalise)[2]) const {
    const std::uint32_t smem_row = thread / 32 * 16 + thread % 16;
    const std::uint32_t chunk = thread % 32 / 16;
#pragma unroll
    for (int i = 0; i < L::kHeadDim / 16; ++i) {
      const float* o = o_acc + 8 * i;
      const std::uint32_t target =
          place + i / 4 * L::kQPanelBytes + swizzled_chunk_offset(smem_row, 2 * (i % 4) + chunk);
      ptx::store_matrix_x4(target, pack<T>(o[0] * normalise[0], o[1] * normalise[0]),
                           pack<T>(o[2] * normalise[1], o[3] * normalise[1]),
                           pack<T>(o[4] * normalise[0], o[5] * normalise[0]),
                           pack<T>(o[6] * normalise[1], o[7] * normalise[1]));
    }
  }

  // O in the panels of Q's slot, whose address it returns.
  __device__ __forceinline__ std::uint32_t stage_output() const {
    float normalise[2];
#pragma unroll
    for (int r = 0; r < 2; ++r) normalise[r] = operands.normaliser(softmax.row_sum[r]);
    // Protects Q: the products of all four warps have read it before O overwrites it.
    ptx::named_barrier_sync(kWarpgroupBarrier + consumer, kWarpgroupThreads);
    const std::uint32_t place = smem.q(consumer, q_ring.slot);
    Operands::visit_output_type(params, [&]<class T>(T) { store_panels<T>(place, normalise); });
    ptx::fence_proxy_async();
    // Protects O: all of it is in place, and visible to the copy engine, before the store is issued.
    ptx::named_barrier_sync(kWarpgroupBarrier + consumer, kWarpgroupThreads);
    return place;
  }

  // Gives the previous tile's slot back once its output has been read: the arrival protects O from the next
  // Q. Late, so that no thread waits for the copy engine.
  __device__ __forceinline__ void release_output_slot() {
    if (output_leaving && thread == 0) {
      ptx::bulk_wait_read();
      ptx::mbarrier_arrive(smem.q_empty(consumer, L::kQSlots - 1 - q_ring.slot));
    }
    output_leaving = false;
  }
};

}  // namespace flashcore::kernels
