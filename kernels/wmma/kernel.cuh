// wmma: the fused rung on tensor cores, by the portable WMMA interface (CUDA C++ Programming Guide, "Warp
// matrix functions"), with everything between the two products in shared memory.
//
// Idea: a block owns block_q query rows and walks over K and V in tiles of block_kv keys (FlashAttention-2,
// algorithm 1). For each tile: S = Q·Kᵀ by 16×16×16 WMMA, scores to shared memory; online softmax there, with
// a running maximum and sum a row; O += P·V by WMMA, O in shared memory in FP32.
//
// Against `scalar`: tensor cores, and K and V are read once a block instead of once a row.
//
// Tile: block_q and block_kv multiples of 16; num_warps share the 16×16 tiles of S and of O, consecutive
// warps going down the rows (4 warps on 32×32 stand as 2×2). num_stages is 1: loads and arithmetic take
// turns, with four barriers a tile.
#pragma once

#include "kernels/ptx/sm80.cuh"
#include "kernels/wmma/tile.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct WmmaKernel : WmmaTile<S> {
  static constexpr const char* kFamily = "wmma";
  static constexpr const char* kSummary = "16x16x16 WMMA, softmax and O in shared memory";

  using Tile = WmmaTile<S>;
  using Tile::kBlockKv, Tile::kHeadDim, Tile::kInputLd, Tile::kThreads;
  using typename Tile::Smem;

  static constexpr const char* invalid() {
    return S.tile.num_stages != 1 ? "num_stages must be 1" : Tile::invalid();
  }

  __device__ static void run(const KernelArgs& args) {
    Smem& smem = *reinterpret_cast<Smem*>(ptx::dynamic_smem());
    const auto work = Tile::find_work(args);
    auto row = Tile::make_row(args, work);
    Tile::start(args, work, smem);

    for (int key = work.key_begin; key < work.key_end; key += kBlockKv) {
      const int keys = args.seq_kv - key;
      load_tile<kBlockKv, kHeadDim, kInputLd, kThreads>(smem.k[0], work.k + key * args.k_stride.row,
                                                        args.k_stride.row, keys);
      load_tile<kBlockKv, kHeadDim, kInputLd, kThreads>(smem.v[0], work.v + key * args.v_stride.row,
                                                        args.v_stride.row, keys);
      __syncthreads();  // k and v are complete (before the first tile also q and o = 0)
      Tile::multiply_qk(smem, 0);
      __syncthreads();  // s is complete; the softmax reads rows that other warps wrote
      Tile::softmax_tile(args, smem, row, key);
      __syncthreads();  // p and the rescaled o are complete
      Tile::multiply_pv(smem, 0);
      __syncthreads();  // o is complete; k, v, s and p may be overwritten by the next tile
    }
    __syncthreads();  // o = 0 is complete also when no key was visible
    Tile::store_out(args, smem, row, work.position);
  }
};

}  // namespace flashcore::kernels
