// wgmma_fp8: Q, K and V in e4m3 with descale factors per KV head, FP32 sums, O in fp16 or bf16.
//
// Idea: the wgmma pipeline with elements half as large and products twice as fast. The factors of Q and K go
// into the scale of the exponent, the factor of V into the division by the row sum, so that they cost nothing
// per score. P is stretched to the range of e4m3, with 448 as its largest element, and rounded; the row sum
// adds unrounded values, as the log-sum-exp needs them.
//
// Against wgmma: products of 8-bit types take K-major operands only, so that the keys of V must lie side by
// side. A pass before the kernel (blocks/value_transpose.cuh) writes Vᵀ into the workspace, with its keys in
// the order in which a thread holds scores: the scores, converted, are the A operand of P·V without an
// exchange between lanes. A panel has 128 columns; head_dim 64 fills half of it, and the copy engine the rest
// with zeros. A slot of Q is as large as O.
//
// Tile: as in wgmma, with block_kv a multiple of 32; ping_pong also without overlap. V is copied 128 keys at a time; if block_kv is no
// multiple of 128, part of the last 128 is not used.
//
// The tensor cores add 8-bit products with about 14 bits. So they sum P·V of one block of keys at a time, and the
// consumers add these sums to O in FP32 (Zhang et al. 2024, "SageAttention2").
//
// Limits: factors above zero (the maximum is taken before they are applied); as in wgmma, V must be finite
// wherever the mask hides a key. Speed, precision and experiments: NOTES.md.
#pragma once

#include "kernels/blocks/value_transpose.cuh"
#include "kernels/wgmma/pipeline.cuh"
#include "kernels/wgmma_fp8/operands.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct WgmmaFp8Kernel : WgmmaPipeline<S, E4m3Operands> {
  using L = WgmmaLayout<S>;
  static constexpr const char* kFamily = "wgmma_fp8";
  static constexpr const char* kSummary = "the wgmma pipeline in e4m3, behind a pass that transposes V";

  static const char* unsupported(const KernelArgs& args) {
    for (const Strides& stride : {args.q_stride, args.k_stride, args.v_stride}) {
      if (const char* reason = unmappable(stride, S.dtype)) return reason;
    }
    if (const char* reason = unmappable(args.out_stride, Dtype::fp16)) return reason;
    return WgmmaFp8Kernel::unsupported_rows(args);
  }

  // Vᵀ, then the counter of schedule 2.
  static std::size_t workspace_bytes(const KernelArgs& args) {
    return static_cast<std::size_t>(ValueTranspose::bytes(args)) + WgmmaFp8Kernel::kCounterBytes;
  }

  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t stream, WgmmaFp8Params& params) {
    auto* workspace = static_cast<std::byte*>(args.workspace);
    auto* counter = reinterpret_cast<int*>(workspace + ValueTranspose::bytes(args));
    set_sizes_and_scales<L>(args, WgmmaFp8Kernel::concurrent_tiles(), counter, params);
    static_cast<E4m3Params&>(params) = E4m3Params(args);
    cudaError_t error = WgmmaFp8Kernel::reset(counter, stream);
    if (error == cudaSuccess) error = launch_transpose<S.head_dim>(args, stream);
    if (error == cudaSuccess) error = encode_maps(tensors(args), params);
    return error;
  }

 private:
  static WgmmaTensors tensors(const AttentionArgs& args) {
    WgmmaTensors tensors(args, S.dtype, L::kBlockKv / L::kCluster, L::kPackGqa);
    const auto columns = static_cast<int>(ValueTranspose::columns(args));
    tensors.v.data = args.workspace;
    tensors.v.stride = ValueTranspose::strides(args);
    tensors.v.rows = args.head_dim;
    tensors.v.columns = columns;
    tensors.v.box_rows = L::kVRows / L::kCluster;
    tensors.out.dtype = args.out_dtype;
    return tensors;
  }
};

}  // namespace flashcore::kernels
