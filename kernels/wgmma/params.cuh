// The parameters of the wgmma kernels, and how the host fills them.
#pragma once

#include "kernels/blocks/tma_map.hpp"
#include "kernels/common/base2.hpp"
#include "kernels/common/numeric.cuh"
#include "kernels/wgmma/schedule.cuh"

namespace flashcore::kernels {

struct WgmmaParams {
  CUtensorMap q, k, v, out;
  KernelArgs args;
  TileOrder order;
  KeyBounds bounds;
  float log2_scale;     // exp2(log2_scale · score) is the softmax's exp
  float softcap_scale;  // scale / softcap: scores become tanh(softcap_scale · score); 0: no cap
  int* next_tile;       // schedule 2: tiles drawn so far
};

// Fills all but the tensor maps.
template <class L>
void set_sizes_and_scales(const KernelArgs& args, int blocks, int* next_tile, WgmmaParams& params) {
  params.args = args;
  params.order = make_tile_order<L>(args, blocks);
  params.bounds = KeyBounds(args);
  params.log2_scale = (args.softcap > 0 ? args.softcap : args.scale) * kLog2E;
  params.softcap_scale = args.softcap > 0 ? args.scale / args.softcap : 0.0f;
  params.next_tile = next_tile;
}

// The tensors of one launch for the copy engine, with box_rows_kv rows of K or V per copy. A copy of Q or O
// has 64 rows: queries of one head, or fewer queries of all heads of a KV head.
struct WgmmaTensors {
  PanelTensor q, k, v, out;

  WgmmaTensors(const KernelArgs& args, Dtype dtype, int box_rows_kv, bool pack_gqa)
      : q{args.q, args.q_stride, args.batch, args.heads_q, args.seq_q, args.head_dim, dtype, kWarpgroupRows},
        k{args.k, args.k_stride, args.batch, args.heads_kv, args.seq_kv, args.head_dim, dtype, box_rows_kv},
        v{args.v, args.v_stride, args.batch, args.heads_kv, args.seq_kv, args.head_dim, dtype, box_rows_kv},
        out{args.out,   args.out_stride, args.batch, args.heads_q,
            args.seq_q, args.head_dim,   dtype,      kWarpgroupRows} {
    if (!pack_gqa) return;
    for (PanelTensor* tensor : {&q, &out}) {
      tensor->box_heads = args.heads_q / args.heads_kv;
      tensor->box_rows = kWarpgroupRows / tensor->box_heads;
    }
  }
};

inline cudaError_t encode_maps(const WgmmaTensors& tensors, WgmmaParams& params) {
  cudaError_t error = encode_tensor_map(params.q, tensors.q);
  if (error == cudaSuccess) error = encode_tensor_map(params.k, tensors.k);
  if (error == cudaSuccess) error = encode_tensor_map(params.v, tensors.v);
  if (error == cudaSuccess) error = encode_tensor_map(params.out, tensors.out);
  return error;
}

}  // namespace flashcore::kernels
