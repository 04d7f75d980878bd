// wgmma_fp8: Q, K and V in e4m3 with descale factors for each KV head, FP32 sums, O in fp16 or bf16.
//
// Idea: the wgmma pipeline, with elements half as large and products twice as fast. Factors of Q and K go
// into the exponent's scale, that of V into the division by the row sum, so that they cost nothing a score. P
// is stretched to the range of e4m3, its largest element 448, and rounded; the row sum adds what was not yet
// rounded, as the log-sum-exp asks for.
//
// Against wgmma: products of 8-bit types take K-major operands alone, so that V has to lie with its keys side
// by side. A pass ahead of the kernel (value_transpose.cuh) writes Vᵀ into the workspace, its keys in the
// order in which a thread holds scores: converted, these are the A operand of P·V, and no lane hands anything
// to another. A panel has 128 columns; head_dim 64 fills half of it, and the copy engine the rest with zeros.
// A slot of Q is as large as O. Tile: as in wgmma, with block_kv a multiple of 32; V comes 128 keys at a
// time, and unless block_kv is a multiple of that, part of the last 128 goes unused.
//
// Assumes: factors above zero (the maximum is taken before they are applied). Finite V, as in wgmma, wherever
// the mask hides a key.
//
// Limit, on paper: a score costs 4 · head_dim FLOP of 8192 a cycle and multiprocessor, and one exp2 of 16. At
// head_dim 64 exp2 takes twice as long as the products, at 128 as long, at 256 half as long. A block of 128
// rows does 256 FLOP a byte of K and V, twice as many as in fp16, and so asks as many bytes a cycle of L2.
// The pass reads and writes each byte of V once; from memory that takes longer than all products when fewer
// than about 300 query rows share a KV head (1979 TFLOP/s and 3.35 TB/s of an H100), which leaves decoding to
// other kernels.
//
// On an H100, results/h100/fp8.json has it beside wgmma in fp16 at 8192 keys. The gain grows with head_dim,
// as exp2 stops to bind.
//
// Tried and left: to let what is subtracted lag behind the maximum, as wgmma does. The largest probability is
// then rounded like any other, and answers that hang on one key fail the check. Three consumers of 96
// keys or two of 160 at head_dim 128: 1 % behind and more. Four consumers of 64 keys at head_dim 64: 8 %.
//
// What it lacks: the tensor cores add 8-bit products with about 14 bits (DeepSeek-V3 Technical Report,
// section 3.3.2). At head_dim 256 the log-sum-exp was up to 1.6e-3 off, where 16-bit kernels stay below 1e-3.
// And O is added up in the tensor cores over all keys, so that each product loses what lies below the sum's
// 14 bits: over 8192 equal values O comes out 12.5 % low, which `diagnose` tells; values of either sign lose
// little, as the sum stays small. A remedy is an accumulator for each block of keys, added to O in FP32
// (Zhang et al.: "SageAttention2", 2024); it takes head_dim / 2 more registers a thread, which leaves room
// for 128 keys at head_dim 128 and for none at 256.
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

  // Vᵀ, then the counter.
  static std::size_t workspace_bytes(const KernelArgs& args) {
    return static_cast<std::size_t>(ValueTranspose::bytes(args)) + WgmmaFp8Kernel::kCounterBytes;
  }

  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t stream, WgmmaFp8Params& params) {
    auto* workspace = static_cast<std::byte*>(args.workspace);
    auto* counter = reinterpret_cast<int*>(workspace + ValueTranspose::bytes(args));
    set_sizes_and_scales<L>(args, WgmmaFp8Kernel::concurrent_tiles(), counter, params);
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
  static WgmmaTensors tensors(const AttentionArgs& args) {
    WgmmaTensors tensors(args, S.dtype, L::kBlockKv / L::kCluster, L::kPackGqa);
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
