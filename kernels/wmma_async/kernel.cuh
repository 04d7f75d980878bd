// wmma_async: the wmma rung with K and V copied by cp.async, num_stages tiles in flight.
//
// Against wmma: the loads of later tiles overlap with the arithmetic of this one; data go to shared memory
// without passing through registers; a ring of buffers needs three barriers per tile instead of four. With
// num_stages = 1 nothing overlaps, and the rung shows the gain of cp.async itself.
//
// The ring: tile t lies in buffer t % num_stages. In step t the block waits for tile t. The barrier that
// makes it visible also shows that all warps have left step t - 1; only then is tile t + num_stages - 1
// copied into the buffer of tile t - 1. Every step commits one group, an empty one at the end, so that "all
// but the youngest num_stages - 2 groups" always means tile t.
//
// Tile: as in wmma, with num_stages from 1 to 4.
//
// Limits: each stage takes 2 · block_kv · (head_dim + 8) elements of shared memory; softmax still runs there.
#pragma once

#include "kernels/ptx/sm80.cuh"
#include "kernels/wmma/tile.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct WmmaAsyncKernel : WmmaTile<S> {
  static constexpr const char* kFamily = "wmma_async";
  static constexpr const char* kSummary = "WMMA with K and V copied by cp.async in stages";

  using Tile = WmmaTile<S>;
  using Tile::kBlockKv, Tile::kHeadDim, Tile::kInputLd, Tile::kThreads, Tile::kStages;
  using typename Tile::Smem;
  using typename Tile::Work;

  // Copies the tile of K and V that begins at `key` into a buffer, unless no row needs it.
  __device__ static void copy_tile(const KernelArgs& args, const Work& work, Smem& smem, int stage, int key) {
    if (key < work.key_end) {
      const int keys = args.seq_kv - key;
      load_tile_async<kBlockKv, kHeadDim, kInputLd, kThreads>(smem.k[stage], work.k + key * args.k_stride.row,
                                                              args.k_stride.row, keys);
      load_tile_async<kBlockKv, kHeadDim, kInputLd, kThreads>(smem.v[stage], work.v + key * args.v_stride.row,
                                                              args.v_stride.row, keys);
    }
    ptx::cp_async_commit();
  }

  __device__ static void run(const KernelArgs& args) {
    Smem& smem = *reinterpret_cast<Smem*>(ptx::dynamic_smem());
    const auto work = Tile::find_work(args);
    for (int stage = 0; stage < kStages - 1; ++stage) {
      copy_tile(args, work, smem, stage, work.key_begin + stage * kBlockKv);
    }
    auto row = Tile::make_row(args, work);
    Tile::start(args, work, smem);

    int stage = 0;
    for (int key = work.key_begin; key < work.key_end; key += kBlockKv) {
      if constexpr (kStages == 1) {
        __syncthreads();  // protects the only buffer: all warps have left the previous step
        copy_tile(args, work, smem, 0, key);
        ptx::cp_async_wait<0>();
      } else {
        ptx::cp_async_wait<kStages - 2>();
      }
      // Protects the ring: this tile is complete (before the first tile also q and o = 0), and all warps have
      // left the previous step, whose buffer is filled next.
      __syncthreads();
      if constexpr (kStages > 1) {
        const int free_stage = stage == 0 ? kStages - 1 : stage - 1;
        copy_tile(args, work, smem, free_stage, key + (kStages - 1) * kBlockKv);
      }
      Tile::multiply_qk(smem, stage);
      __syncthreads();  // protects s: complete before the softmax reads rows that other warps wrote
      Tile::softmax_tile(args, smem, row, key);
      __syncthreads();  // protects p and the rescaled o: complete before the product reads them
      Tile::multiply_pv(smem, stage);
      stage = stage + 1 == kStages ? 0 : stage + 1;
    }
    ptx::cp_async_wait<0>();
    __syncthreads();  // protects o: complete before it is stored
    Tile::store_out(args, smem, row, work.position);
  }
};

}  // namespace flashcore::kernels
