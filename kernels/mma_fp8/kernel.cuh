// mma_fp8: Q, K and V in e4m3 with descale factors per KV head, FP32 sums, O in fp16 or bf16, by mma.sync
// m16n8k32 (PTX ISA, "Matrix Fragments for mma.m16n8k32"; sm_89 and later). The 8-bit rung for cards without
// wgmma.
//
// Idea: the mma pipeline with elements half as large. A fragment has as many bytes as a fragment of m16n8k16,
// so that Q and K use the same swizzle and the same ldmatrix; one product covers 32 columns of head_dim or 32
// keys. The factors of Q and K go into the scale of the exponent, the factor of V into the division by the
// row sum. P is stretched to the range of e4m3, with 448 as its largest element, and rounded; the row sum
// adds unrounded values.
//
// Against mma:
//   - V: ldmatrix transposes elements of two bytes only. A pass before the kernel (value_transpose.cuh)
//     writes Vᵀ into the workspace, with its keys in the order in which a lane holds scores: the scores,
//     converted, are the A operand of P·V without an exchange between lanes. Zeros pad Vᵀ to whole blocks;
//   - the maximum is raised whenever a score exceeds it, not only by 2^8: e4m3 has no range to spare;
//   - rows of O are twice as long as rows of Q. O leaves through the shared memory of Q, K and V together;
//   - the keys per step are a multiple of 64, a row of a panel of Vᵀ; warps and blocks do not split keys.
//
// Limits: factors above zero (the maximum is taken before they are applied), a positive softmax scale, rows
// of Q, K and O on 16-byte boundaries; as in mma, V must be finite wherever the mask hides a key.
// Measurements: NOTES.md.
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
      if (!are_multiples(s, kElements))
        return "strides of Q, K and V must be multiples of 16 elements (16 bytes)";
    }
    return Pipeline::unsupported(args);
  }

  static std::size_t workspace_bytes(const KernelArgs& args) {
    return static_cast<std::size_t>(ValueTranspose::bytes(args, C::kBlockKv));
  }

  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t stream, MmaFp8Params& params) {
    params = MmaFp8Params(args);
    params.args.v = args.workspace;
    params.args.v_stride = ValueTranspose::strides(args, C::kBlockKv);
    return launch_transpose<S.head_dim>(args, stream, C::kBlockKv);
  }

  __device__ static void run(const MmaFp8Params& params) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 890
    Pipeline::run(params);
#endif
  }
};

}  // namespace flashcore::kernels
