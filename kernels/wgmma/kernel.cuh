// wgmma: warp specialisation with the copy engine and the warpgroup matrix products of Hopper (sm_90a).
//
// Idea: one warpgroup moves data, the others compute. A producer copies Q, K and V by bulk tensor copies into
// a ring of shared-memory stages. Each consumer warpgroup owns 64 query rows and multiplies straight from
// shared memory; P stays in registers as the A operand of P·V. During the softmax of one block of keys, the
// tensor cores work on the products of another block, of the same warpgroup (overlap) or of the other
// warpgroup (ping_pong). README.md in this folder describes the barriers.
//
// Against mma: no thread copies, computes addresses or loads fragments; one instruction multiplies for four
// warps; registers move from the producer to the consumers. For problems with few keys, tiles are numbered
// without divisions, masks are 32-bit sums, a block is masked only at the end that cuts it, and sums are
// rescaled only when the maximum has risen far (softmax.cuh). The order of tiles keeps memory busy at an even
// rate (schedule.cuh).
//
// Tile: block_q = 64 rows per consumer, num_warps = 4 · (consumers + 1), num_stages for K and for V; overlap,
// ping_pong, schedule and cluster as in variant/spec.hpp. A persistent block has two slots for Q where they
// fit, so that the next tile's Q is copied during this tile. pack_gqa puts the query heads of one KV head
// into a tile, for groups of a power of two up to 64.
//
// Limits: strides that tensor maps can describe, a positive softmax scale. Measurements, bottlenecks and
// experiments: NOTES.md.
#pragma once

#include "kernels/wgmma/pipeline.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct WgmmaKernel : WgmmaPipeline<S, HalfOperands> {
  using L = WgmmaLayout<S>;
  static constexpr const char* kFamily = "wgmma";
  static constexpr const char* kSummary =
      "producer with bulk tensor copies, consumers with warpgroup products";

  static const char* unsupported(const KernelArgs& args) {
    for (const Strides& stride : {args.q_stride, args.k_stride, args.v_stride, args.out_stride}) {
      if (const char* reason = unmappable(stride, S.dtype)) return reason;
    }
    return WgmmaKernel::unsupported_rows(args);
  }

  static std::size_t workspace_bytes(const KernelArgs&) { return WgmmaKernel::kCounterBytes; }

  static cudaError_t prepare(const KernelArgs& args, cudaStream_t stream, WgmmaParams& params) {
    auto* counter = static_cast<int*>(args.workspace);
    set_sizes_and_scales<L>(args, WgmmaKernel::concurrent_tiles(), counter, params);
    if (const cudaError_t error = WgmmaKernel::reset(counter, stream); error != cudaSuccess) return error;
    return encode_maps(WgmmaTensors(args, S.dtype, L::kBlockKv / L::kCluster, L::kPackGqa), params);
  }
};

}  // namespace flashcore::kernels
