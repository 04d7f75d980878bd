// mma: the tensor cores by mma.sync m16n8k16, everything between the two products in registers.
//
// Idea (FlashAttention-2, section 3, for the shape of the loop): a warp owns 16 or 32 query rows. Scores come
// out of Q·Kᵀ in the accumulator layout, which is the A operand's layout of P·V: no trip through shared
// memory. K and V come by cp.async into XOR-swizzled buffers, num_stages deep, and are read by ldmatrix.
// Against wmma: softmax in registers instead of shared memory, loads under arithmetic, no bank conflicts.
// Past FlashAttention-2:
//   - with 32 rows a warp, a fragment of K or V serves two products; with q_in_regs, Q is not read again. At
//     head_dim 128 the loop then reads 16 KB a warp for 32 keys where it read 20;
//   - overlap: the next step's Q·Kᵀ stands between this step's exponentials, P·V between the next one's
//   maxima;
//   - the maximum subtracted moves only when a score exceeds it by 2^8, so that O is seldom rescaled;
//   - masked steps, and steps no row of the warp sees, are told apart for each warp, not for each block.
// Small problems: the keys of a block are shared out to kv_split_warps groups of warps, those of a query tile
// to kv_split_blocks blocks and a second pass, or to the blocks of a cluster (sm_90). pack_gqa puts the query
// heads of one KV head into one tile, so that decoding reads K and V once.
//
// Seen on an H100: plain steps of 64 keys with 32 rows a warp are the fastest of all at long sequences, for
// head_dim 64 with Q in registers, for 128 with Q in shared memory. Overlap and shorter steps lose 5 to 10 %:
// two blocks an SM fill each other's gaps, and a second set of scores costs the registers of a longer step.
// At the seed problem (8 heads, 512 keys) the fastest shares 256 keys at a time out to eight warps: two
// steps, and all keys are asked for at once.
//
// Assumes: rows of Q, K, V and O on 16-byte boundaries, a positive softmax scale.
#pragma once

#include "kernels/mma/pipeline.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct MmaKernel : MmaPipeline<S> {
  using C = MmaConfig<S>;
  using Rows = QueryRows<C::kPackGqa>;

  static constexpr const char* kFamily = "mma";
  static constexpr const char* kSummary = "mma.sync m16n8k16, scores in registers, swizzled cp.async stages";
  static constexpr int kMinComputeCapability = C::kCluster > 1 ? 90 : 80;

  static std::size_t workspace_bytes(const KernelArgs& args) {
    return C::kSplitBlocks > 1 ? static_cast<std::size_t>(MmaKernel::grid_blocks(args)) * C::Partial::kBytes
                               : 0;
  }
  static cudaError_t prepare(const KernelArgs& args, cudaStream_t, MmaParams& params) {
    params = MmaParams(args);
    return cudaSuccess;
  }
  static cudaError_t finish(const KernelArgs& args, cudaStream_t stream) {
    if constexpr (C::kSplitBlocks > 1) {
      const std::int64_t chunks = Rows::tiles(args, C::kBlockQ) * C::kBlockQ * C::Partial::kChunks;
      dim3 blocks = MmaKernel::grid(args);
      blocks.x = static_cast<unsigned>(ceil_div(chunks, kSecondPassThreads));
      GridLaunch launch(stream, kSecondPassThreads, 0);
      launch.set_grid(blocks);
      launch.allow_early_start();
      return cudaLaunchKernelEx(&launch.config(), merge_workspace_kernel<C>, MmaParams(args));
    }
    return cudaSuccess;
  }
};

}  // namespace flashcore::kernels
