// mma: the tensor cores by mma.sync m16n8k16, with everything between the two products in registers.
//
// Idea (FlashAttention-2, section 3, for the shape of the loop): a warp owns 16 or 32 query rows. Scores
// leave Q·Kᵀ in the accumulator layout, which is the layout of the A operand of P·V, so that they need no
// trip through shared memory. cp.async copies K and V into XOR-swizzled buffers of num_stages stages;
// ldmatrix reads them.
//
// Against wmma_async: softmax in registers instead of shared memory; no bank conflicts. Beyond
// FlashAttention-2:
//   - with 32 rows per warp, one fragment of K or V serves two products; with q_in_regs, Q is read once;
//   - overlap: the next step's Q·Kᵀ stands between this step's exponentials, P·V between the next maxima;
//   - the subtracted maximum moves only when a score exceeds it by 2^8, so that O is seldom rescaled;
//   - masked steps, and steps that no row of a warp sees, are found per warp, not per block.
// Small problems: the keys of a block are split over kv_split_warps groups of warps; the keys of a query tile
// are split over kv_split_blocks blocks and merged by a second pass, or over the blocks of a cluster (sm_90).
// pack_gqa puts the query heads of one KV head into one tile, so that decoding reads K and V once.
//
// Limits: rows of Q, K, V and O on 16-byte boundaries, a positive softmax scale. Measurements: NOTES.md.
#pragma once

#include "kernels/mma/pipeline.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct MmaKernel : MmaPipeline<S> {
  using C = MmaConfig<S>;

  static constexpr const char* kFamily = "mma";
  static constexpr const char* kSummary = "mma.sync m16n8k16, scores in registers, swizzled cp.async stages";
  static constexpr int kMinComputeCapability = C::kCluster > 1 ? 90 : 80;

  static constexpr const char* invalid() {
    return C::kRagged ? "ragged tiles are for RaggedMmaKernel" : C::invalid();
  }
  static cudaError_t prepare(const KernelArgs& args, cudaStream_t, MmaParams& params) {
    params = MmaParams(args);
    return cudaSuccess;
  }
  static cudaError_t finish(const KernelArgs& args, cudaStream_t stream) {
    if constexpr (C::kSplitBlocks > 1)
      return MmaKernel::launch_second_pass(args, stream, merge_workspace_kernel<C>, MmaParams(args));
    return cudaSuccess;
  }
};

}  // namespace flashcore::kernels
