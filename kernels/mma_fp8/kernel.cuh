// mma_fp8: Q, K and V in e4m3 with descale factors for each KV head, FP32 sums, O in fp16 or bf16, by
// mma.sync m16n8k32 (PTX ISA, "Matrix Fragments for mma.m16n8k32"; sm_89 and later). The 8-bit rung of cards
// without wgmma.
//
// Idea: the mma pipeline, with elements half as large. A fragment has the bytes that one of m16n8k16 has, so
// that Q and K come through the same swizzle and the same ldmatrix; one product covers 32 columns of head_dim
// or 32 keys. Numbers are treated as in wgmma_fp8: factors of Q and K go into the exponent's scale, that of V
// into the division by the row sum; P is stretched to the range of e4m3, its largest element 448, and
// rounded, while the row sum adds what was not yet rounded.
//
// Against mma:
//   - V: ldmatrix transposes elements of two bytes alone. A pass ahead of the kernel (value_transpose.cuh)
//     writes Vᵀ into the workspace, its keys in the order in which a lane holds the scores of 32 keys: these,
//     converted, are the A operand of P·V, and no lane hands anything to another. Rows of K keep their order,
//     which the masks and the swizzle count on. Vᵀ is padded with zeros to whole blocks of keys;
//   - the maximum is raised whenever a score exceeds it, not only by 2^8: e4m3 has no range to spare. Steps
//     that bring no row of the warp a new one still skip the rescaling;
//   - rows of O are twice as long as those of Q. O leaves through the shared memory of Q, K and V together,
//     which takes a barrier of the block;
//   - keys scored at a time are a multiple of 64, a row of a panel of Vᵀ; keys are not split over warps or
//     blocks.
//
// Assumes: factors above zero (the maximum is taken before they are applied), a positive softmax scale, rows
// of Q, K and O on 16-byte boundaries. Finite V, as in mma, wherever the mask hides a key.
//
// Limit, on paper: the pass reads and writes each byte of V once, which costs more than it saves where few
// query rows share a KV head; decoding is left to other kernels. sm_90 has no such product, and ptxas makes
// two of m16n8k16 of it: there the kernel can be checked, and wgmma_fp8 is the family to use.
//
// Right on an H100, where results/h100/fp8.json has its times as well. On the cards it is for, of compute
// capability 8.9, it has not run yet.
#pragma once

#include "kernels/blocks/value_transpose.cuh"
#include "kernels/mma/pipeline.cuh"
#include "kernels/mma_fp8/operands.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct MmaFp8Kernel : MmaPipeline<S> {
  using Pipeline = MmaPipeline<S>;
  using C = MmaConfig<S>;
  static constexpr const char* kFamily = "mma_fp8";
  static constexpr const char* kSummary = "the mma pipeline in e4m3, behind a pass that transposes V";
  static constexpr int kMinComputeCapability = 89;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 900
  static constexpr int kMinBlocksPerSm = 1;  // all registers: see keep_loads_behind()
#endif

  static const char* unsupported(const KernelArgs& args) {
    constexpr int kElements = 16;  // of 16 bytes
    for (const Strides& s : {args.q_stride, args.k_stride, args.v_stride}) {
      if (s.batch % kElements != 0 || s.head % kElements != 0 || s.row % kElements != 0)
        return "strides of Q, K and V must be multiples of 16 elements (16 bytes)";
    }
    return Pipeline::unsupported(args);
  }

  static std::size_t workspace_bytes(const KernelArgs& args) {
    return static_cast<std::size_t>(ValueTranspose::bytes(args, C::kBlockKv));
  }

  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t stream, MmaFp8Params& params) {
    params = MmaFp8Params(args);
    const std::int64_t columns = ValueTranspose::columns(args, C::kBlockKv);
    const std::int64_t head = columns * args.head_dim;
    params.args.v = args.workspace;
    params.args.v_stride = {.batch = head * args.heads_kv, .head = head, .row = columns};
    return launch_transpose<S.head_dim>(args, stream, C::kBlockKv);
  }

  __device__ static void run(const MmaFp8Params& params) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 890
    Pipeline::run(params);
#endif
  }
};

}  // namespace flashcore::kernels
