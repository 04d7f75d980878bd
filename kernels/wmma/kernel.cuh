// wmma: the first fused rung on tensor cores, by the portable WMMA interface (CUDA C++ Programming Guide,
// "Warp matrix functions"), with everything between the two products in shared memory.
//
// Idea: a block owns block_q query rows and walks over K and V in tiles of block_kv keys (FlashAttention-2,
// algorithm 1). Per tile: S = Q·Kᵀ by 16×16×16 WMMA, scores to shared memory; online softmax there, with a
// running maximum and sum per row; O += P·V by WMMA, with O in shared memory in FP32.
//
// Against scalar: tensor cores; K and V are read once per block instead of once per row.
//
// Tile: block_q and block_kv are multiples of 16. num_warps share the 16×16 tiles of S and of O, consecutive
// warps going down the rows (4 warps on 32×32 form a 2×2 grid). num_stages is 1.
//
// Limits: loads and arithmetic take turns, with four barriers per tile. Rows on 16-byte boundaries.
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
      // Protects k and v: complete before they are read (before the first tile also q and o = 0).
      __syncthreads();
      Tile::multiply_qk(smem, 0);
      __syncthreads();  // protects s: complete before the softmax reads rows that other warps wrote
      Tile::softmax_tile(args, smem, row, key);
      __syncthreads();  // protects p and the rescaled o: complete before the product reads them
      Tile::multiply_pv(smem, 0);
      __syncthreads();  // protects k, v, s and p: read before the next tile overwrites them
    }
    __syncthreads();  // protects o: also complete when no key was visible and o = 0
    Tile::store_out(args, smem, row, work.position);
  }
};

}  // namespace flashcore::kernels
