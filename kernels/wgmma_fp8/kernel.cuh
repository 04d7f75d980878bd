// wgmma_fp8: the wgmma pipeline in e4m3, with descale factors a head and O in fp16 or bf16.
#pragma once

#include "kernels/wgmma/pipeline.cuh"
#include "kernels/wgmma_fp8/operands.cuh"
#include "kernels/wgmma_fp8/transpose.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct WgmmaFp8Kernel : WgmmaPipeline<S, E4m3Operands> {
  using L = WgmmaLayout<S>;
  static constexpr const char* kFamily = "wgmma_fp8";
  static constexpr const char* kSummary = "the wgmma pipeline in e4m3, behind a pass that transposes V";

  static const char* unsupported(const AttentionArgs& args) {
    for (const Strides& stride : {args.q_stride, args.k_stride, args.v_stride}) {
      if (const char* reason = unmappable(stride, S.dtype)) return reason;
    }
    if (const char* reason = unmappable(args.out_stride, Dtype::fp16)) return reason;
    if (!(args.scale > 0)) return "the scale must be positive: it is folded into the exponent";
    return misaligned(args);
  }

  // Vᵀ, then the counter.
  static std::size_t workspace_bytes(const AttentionArgs& args) {
    return static_cast<std::size_t>(ValueTranspose::bytes(args)) + WgmmaFp8Kernel::kCounterBytes;
  }

  static cudaError_t prepare(const ScaledAttentionArgs& args, cudaStream_t stream, WgmmaFp8Params& params) {
    auto* workspace = static_cast<std::byte*>(args.workspace);
    auto* counter = reinterpret_cast<int*>(workspace + ValueTranspose::bytes(args));
    set_sizes_and_scales(args, S.dtype, L::kClusterRows, counter, params);
    params.q_descale = args.q_descale;
    params.k_descale = args.k_descale;
    params.v_descale = args.v_descale;
    params.out_dtype = args.out_dtype;
    cudaError_t error = WgmmaFp8Kernel::reset(counter, stream);
    if (error == cudaSuccess) error = launch_transpose<S.head_dim>(args, stream);
    if (error == cudaSuccess) error = encode_maps(tensors(args), params);
    return error;
  }

 private:
  static WgmmaTensors tensors(const ScaledAttentionArgs& args) {
    WgmmaTensors tensors(args, S.dtype, L::kBlockKv / L::kCluster);
    const auto columns = static_cast<int>(ValueTranspose::columns(args));
    const std::int64_t head = std::int64_t{columns} * args.head_dim;
    tensors.v.data = args.workspace;
    tensors.v.stride = {.batch = head * args.heads_kv, .head = head, .row = columns};
    tensors.v.rows = args.head_dim;
    tensors.v.columns = columns;
    tensors.v.box_rows = L::kVRows / L::kCluster;
    tensors.out.dtype = args.out_dtype;
    return tensors;
  }
};

}  // namespace flashcore::kernels
