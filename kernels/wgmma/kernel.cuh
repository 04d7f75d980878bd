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
// variant/variant.hpp has them. A persistent block has two places for Q where they fit, so that the next tile's
// Q comes while this tile is worked on.
//
// Where keys are few, a tile's start and end weigh as much as its blocks: of 3100 instructions that a warp
// issued for 512 keys in blocks of 64, 900 were not those of the loop, of 2200 now 300. For that tiles are
// numbered by products with what is known at launch in place of divisions, masks are 32-bit sums, a block is
// masked only at the end that cuts it, and what was summed is rescaled only when the maximum has risen far
// (softmax.cuh). The order of tiles keeps memory busy at an even rate (schedule.cuh).
//
// Tiles: at head_dim 64 three persistent blocks of one consumer a multiprocessor begin and end their tiles
// each by itself, which is best under a causal mask up to 1024 keys, by a counter, and for few heads of 512.
// Four consumers of 64 keys have 112 registers each, just enough, and more warps than any other tile to hide
// a latency behind: best without a mask up to 1024 keys and for 4096 with few heads. Three of 128 keys are
// best beyond. At head_dim 128 two of 128 keys are best up to 1024 keys, causal ones to 4096, and three of 80
// beyond. (results/h100/peers.json)
//
// pack_gqa puts the query heads of one KV head into a tile, for groups of a power of two up to 64: with few
// queries a head, K and V are read once for all heads of the group (results/h100/gqa.json).
//
// Tried and left: two consumers of 64 keys in four stages or of 96 in three, by a counter, at 512 and 1024
// keys, causal. One consumer of 64 or 80 keys at head_dim 128. Turns of ping_pong that end when the scores
// are there, not when the products are issued: no difference above 2 %. A branch around the exp2 of the
// rescaling as well: 4 % slower at head_dim 64. Beginning the next tile's scores before this tile's output is
// done; both then live longer, and what that costs in registers loses 5 % even at 8192 keys.
//
// Limit: at head_dim 64 a block of 64 keys takes a warp 250 instructions, 34 of them exp2 (four lanes a cycle
// and scheduler, 270 cycles) beside 256 cycles of tensor cores: all three bind alike, and the tensor cores of
// four consumers are busy 58 % of the time (results/h100/ncu/wgmma-d64.json). At 128 the products bind: 90 %
// at 8192 keys (wgmma-d128.json), where the card is at its power cap. Causal 512 keys at head_dim 128 are a
// matter of memory: DRAM at 75 %, L2 at 89 % of what they can (wgmma-d128-short.json).
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
