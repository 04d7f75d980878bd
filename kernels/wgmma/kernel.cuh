// wgmma: warp specialisation with the copy engine and warpgroup matrix products of Hopper (sm_90a).
//
// Idea: one warpgroup moves, the others compute. A producer brings Q, K and V by bulk tensor copies into a
// ring of shared-memory stages; each consumer warpgroup owns 64 query rows and multiplies straight from
// shared memory. P stays in registers as the A operand of P·V. While one block's softmax runs, the tensor
// cores work on another block's products, of the same warpgroup (overlap) or of the other (ping_pong).
// README.md in this folder draws who waits for whom.
//
// Against the rung before: no thread copies, addresses or loads fragments; a product is one instruction for
// four warps; registers move from the producer to the consumers. Tile: block_q = 64 rows a consumer,
// num_warps = 4 · (consumers + 1), num_stages for K and for V; overlap, ping_pong, schedule, cluster as
// core/variant.hpp has them. A persistent block has two places for Q where they fit, so that the next tile's
// Q comes while this tile is worked on: with the early start of grids, 3 to 9 % at 512 and 1024 keys. Three
// persistent blocks of one consumer a multiprocessor, against the best tile of any other kind in the same
// run: 6 % for encoders of 197 and 512 keys and for 1024 keys, causal. At 256 keys, where a wave does not
// need the third block, two of one tile are 20 % ahead of three. Under a causal mask such blocks do better by
// a counter than by their share: 8 to 15 % at 512 and 1024 keys, head_dim 64 (results/h100/peers-short.json).
//
// pack_gqa puts the query heads of one KV head into a tile, for groups of a power of two up to 64: with few
// queries a head, K and V are read once for all heads of the group (results/h100/gqa.json).
//
// Tried and left: two consumers of 64 keys in four stages or of 96 in three, by a counter, at 512 and 1024
// keys, causal: 4 to 12 % behind two of 128. One consumer of 64 or 80 keys at head_dim 128: 7 % behind and
// more. Beginning the next tile's scores before this tile's output is done; both then live longer, and
// what that costs in registers loses 5 % even at 8192 keys. Limit: at head_dim 64 exp2 (16 a cycle and
// multiprocessor) takes as long as the products; at 128 the products bind.
#pragma once

#include "kernels/wgmma/pipeline.cuh"

namespace flashcore::kernels {

template <VariantSpec S>
struct WgmmaKernel : WgmmaPipeline<S, HalfOperands> {
  using L = WgmmaLayout<S>;
  static constexpr const char* kFamily = "wgmma";
  static constexpr const char* kSummary =
      "producer with bulk tensor copies, consumers with warpgroup products";

  static const char* unsupported(const AttentionArgs& args) {
    for (const Strides& stride : {args.q_stride, args.k_stride, args.v_stride, args.out_stride}) {
      if (const char* reason = unmappable(stride, S.dtype)) return reason;
    }
    return WgmmaKernel::unsupported_rows(args);
  }

  static std::size_t workspace_bytes(const AttentionArgs&) { return WgmmaKernel::kCounterBytes; }

  static cudaError_t prepare(const AttentionArgs& args, cudaStream_t stream, WgmmaParams& params) {
    auto* counter = static_cast<int*>(args.workspace);
    set_sizes_and_scales<L>(args, WgmmaKernel::concurrent_tiles(), counter, params);
    if (const cudaError_t error = WgmmaKernel::reset(counter, stream); error != cudaSuccess) return error;
    return encode_maps(WgmmaTensors(args, S.dtype, L::kBlockKv / L::kCluster, L::kPackGqa), params);
  }
};

}  // namespace flashcore::kernels
