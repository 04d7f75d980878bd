// A consumer warpgroup for batches of sequences: sinks, and output that ends with its sequence.
#pragma once

#include "kernels/blocks/planned_merge.cuh"
#include "kernels/wgmma/key_loop.cuh"
#include "kernels/wgmma/ragged_schedule.cuh"

namespace flashcore::kernels {

template <class L>
struct RaggedOperands : HalfOperands<L> {
  using Params = RaggedWgmmaParams;
};

template <class L>
struct RaggedConsumer : KeyLoop<L, RaggedOperands<L>> {
  using Loop = KeyLoop<L, RaggedOperands<L>>;
  using T = typename RaggedOperands<L>::T;
  using Loop::attend;
  using Loop::await;
  using Loop::consumer;
  using Loop::k_ring;
  using Loop::o_acc;
  using Loop::operands;
  using Loop::output_leaving;
  using Loop::params;
  using Loop::pass_turn;
  using Loop::q_ring;
  using Loop::release;
  using Loop::release_output_slot;
  using Loop::row;
  using Loop::seen;
  using Loop::smem;
  using Loop::softmax;
  using Loop::stage_output;
  using Loop::thread;
  using Loop::unmasked;
  using Loop::v_ring;
  using Loop::wait_turn;

  // Row `within` of the warpgroup's 64: its query of the sequence, its head, and whether there is such a row.
  struct RowPlace {
    int query;
    int head;
    bool exists;
  };
  __device__ __forceinline__ RowPlace place_of(const RaggedTask& task, int within) const {
    const FastDivisor& group = params.order.group;
    const int box_query = L::kPackGqa ? group.quotient(within) : within;
    const int query = first_query(task) + box_query;
    return {.query = query,
            .head = task.head + (L::kPackGqa ? within - box_query * group.divisor : 0),
            .exists = box_query < params.box_queries && query < task.queries};
  }
  __device__ __forceinline__ int first_query(const RaggedTask& task) const {
    return task.first_query + consumer * params.box_queries;
  }

  // A row's sink is its first maximum. One of the row's four threads counts it.
  __device__ __forceinline__ void count_sinks(const TaskOf<L>& task) {
    if (params.tables.sinks == nullptr) return;
    if constexpr (L::kPlanned) {
      if (!task.counts_sinks) return;
    }
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const RowPlace place = place_of(task, row + 8 * r);
      if (!place.exists) continue;
      const float sink = params.tables.sinks[place.head];
      softmax.row_max[r] = sink * params.sink_scale;
      softmax.row_sum[r] = thread % 4 == 0 && sink != -INFINITY ? 1.0f : 0.0f;
    }
  }

  __device__ __forceinline__ void write_log_sum_exp(const RaggedTask& task) const {
    const Sequences& sequences = params.tables.sequences;
    if (params.args.lse == nullptr || thread % 4 != 0) return;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const RowPlace place = place_of(task, row + 8 * r);
      if (!place.exists) continue;
      const std::int64_t at =
          sequences.is_ragged()
              ? place.head * sequences.total_q + task.query_row + place.query
              : (std::int64_t{task.sequence} * params.args.heads_q + place.head) * sequences.seq_q +
                    place.query;
      params.args.lse[at] = log_sum_exp(softmax.log2_max(r, operands.log2_scale(params)), softmax.row_sum[r]);
    }
  }

  // O through Q's slot in shared memory. Where all rows of the box exist, the copy engine stores it; elsewhere it would
  // write over rows of the next sequence.
  __device__ __forceinline__ void write_output(const RaggedTask& task) {
    const std::uint32_t place = stage_output();
    if (first_query(task) + params.box_queries <= task.queries) {
      if (thread == 0) {
#pragma unroll
        for (int panel = 0; panel < L::kOutPanels; ++panel) {
          ptx::copy_box_to_global(&params.out,
                                  row_coordinate<L>(params, task, panel * kPanelColumns, first_query(task)),
                                  place + panel * L::kQPanelBytes);
        }
        ptx::bulk_commit();
      }
    } else if (first_query(task) < task.queries) {
      store_rows(task, ptx::dynamic_smem() + (place - smem.base));
      ptx::fence_proxy_async();
      // Protects O: all its rows have been read before the slot is given back to the copy engine.
      ptx::named_barrier_sync(kWarpgroupBarrier + consumer, kWarpgroupThreads);
    }
    output_leaving = true;
    q_ring.advance();
  }

  // The rows that exist, from panels at `place`: a thread stores 16 bytes at a time, a warp whole rows.
  __device__ __forceinline__ void store_rows(const RaggedTask& task, const unsigned char* place) const {
    constexpr int kPanelChunks = kPanelRowBytes / kChunkBytes;
    constexpr int kChunks = L::kOutPanels * kPanelChunks;
    const Strides& stride = params.args.out_stride;
    T* out = static_cast<T*>(params.args.out) + task.sequence * params.q_batch_step * stride.batch +
             task.query_row * stride.row;
#pragma unroll 1
    for (int i = thread; i < kWarpgroupRows * kChunks; i += kWarpgroupThreads) {
      const int within = i / kChunks;
      const int chunk = i % kChunks;
      const RowPlace at = place_of(task, within);
      if (!at.exists) continue;
      *reinterpret_cast<uint4*>(out + at.head * stride.head + at.query * stride.row +
                                chunk * kChunkElements) =
          *reinterpret_cast<const uint4*>(place + chunk / kPanelChunks * L::kQPanelBytes +
                                          swizzled_chunk_offset(within, chunk % kPanelChunks));
    }
  }

  // Rows that exist, not yet divided by their sums, for the second pass (blocks/planned_merge.cuh).
  __device__ __forceinline__ void write_partial(const PlannedTask& task) {
    using Partial = PartialTile<L::kHeadDim, L::spec.tile.block_q>;
    unsigned char* partial = partial_at<Partial>(params.args, task.partial);
    const int first_row = consumer * params.box_queries * params.order.group.divisor;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      if (!place_of(task, row + 8 * r).exists) continue;
      const int tile_row = first_row + row + 8 * r;
#pragma unroll
      for (int chunk = 0; chunk < L::kHeadDim / 8; ++chunk) {
        *reinterpret_cast<float2*>(partial + Partial::out_offset(tile_row, chunk) + thread % 4 * 8) =
            make_float2(o_acc[4 * chunk + 2 * r], o_acc[4 * chunk + 2 * r + 1]);
      }
      if (thread % 4 == 0) {
        *reinterpret_cast<float2*>(partial + Partial::stats_offset(tile_row)) = make_float2(
            fmaxf(softmax.log2_max(r, operands.log2_scale(params)), kNoScore), softmax.row_sum[r]);
      }
    }
    // Protects Q: the products of all four warps have read it before the slot is given back.
    ptx::named_barrier_sync(kWarpgroupBarrier + consumer, kWarpgroupThreads);
    output_leaving = true;
    q_ring.advance();
  }

  // In place of attend() if the warpgroup has no rows: the same waits, releases and turns.
  __device__ __forceinline__ void pass_over(BlockRange blocks) {
#pragma unroll 1
    for (int block = blocks.end - 1; block >= blocks.begin; --block) {
      await(Operand::k, k_ring);
      wait_turn();
      pass_turn();
      __syncwarp();  // protects the phase of the barrier: all lanes have seen it before a copy can start the next
      release(Operand::k, k_ring);
      await(Operand::v, v_ring);
      __syncwarp();  // alike
      release(Operand::v, v_ring);
    }
  }

  __device__ __forceinline__ void attend_or_pass(const TaskOf<L>& task) {
    if (seen.of_tile.begin >= seen.of_tile.end) return;
    const BlockRange blocks{seen.of_tile.begin / L::kBlockKv, ceil_div(seen.of_tile.end, L::kBlockKv)};
    if constexpr (L::kPlanned && L::kConsumers > 1) {
      if (RaggedSource<L>::uniform(first_query(task)) >= task.queries) {
        pass_over(blocks);
        return;
      }
    }
    attend(blocks);
  }

  __device__ __forceinline__ void write_result(const TaskOf<L>& task) {
    if constexpr (L::kPlanned) {
      if (RaggedSource<L>::uniform(task.partial) >= 0) {
        release_output_slot();
        write_partial(task);
        return;
      }
    }
    write_log_sum_exp(task);
    release_output_slot();
    write_output(task);
  }

  // The keys that this thread's rows and the warpgroup see. Rows that do not exist count as some row.
  __device__ __forceinline__ void enter(const TaskOf<L>& task) {
    const auto uniform = [](int value) { return RaggedSource<L>::uniform(value); };
    const KeyBounds bounds = task.bounds;
    seen.of_tile = {uniform(task.seen.begin), uniform(task.seen.end)};
#pragma unroll
    for (int r = 0; r < 2; ++r) seen.of_row[r] = bounds.keys(place_of(task, row + 8 * r).query);
    const int last = min(first_query(task) + params.box_queries, task.queries) - 1;
    const BlockRange plain = unmasked_blocks(bounds, {min(first_query(task), last), last}, L::kBlockKv);
    unmasked = {uniform(plain.begin), uniform(plain.end)};
    // A task may begin behind the first block without a mask.
    if constexpr (L::kPlanned) unmasked.begin = max(unmasked.begin, seen.of_tile.begin / L::kBlockKv);
    softmax.reset();
    count_sinks(task);
#pragma unroll
    for (float& o : o_acc) o = 0;
  }

  // --- All tiles of this block

  __device__ __forceinline__ void run() {
    row = thread / 32 * 16 + thread % 32 / 4;  // within the warpgroup
    RaggedSource<L> tasks{smem};
    if (consumer == L::kConsumers - 1) pass_turn();  // the last consumer gives the first one its first turn
    for (; tasks.next(); tasks.release()) {
      const TaskOf<L>& task = tasks.task();
      enter(task);
      mbarrier_wait(smem.q_full(consumer, q_ring.slot), q_ring.parity);  // protects Q: its bytes have arrived
      if constexpr (L::kPlanned) {
        attend_or_pass(task);
        softmax.finish();
        write_result(task);
      } else {
        if (seen.of_tile.begin < seen.of_tile.end)
          attend({seen.of_tile.begin / L::kBlockKv, ceil_div(seen.of_tile.end, L::kBlockKv)});
        softmax.finish();
        write_log_sum_exp(task);
        release_output_slot();
        write_output(task);
      }
      if constexpr (L::kQSlots == 1) release_output_slot();
    }
    release_output_slot();           // protects the last O: it has been read before the block ends
    if (consumer == 0) wait_turn();  // for the last turn: every arrival has its wait
  }
};

}  // namespace flashcore::kernels
