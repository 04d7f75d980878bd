// What the wgmma kernel receives, and how the host fills it.
#pragma once

#include "kernels/common/numeric.cuh"
#include "kernels/common/tma_map.hpp"
#include "kernels/wgmma/schedule.cuh"

namespace flashcore::kernels {

struct WgmmaParams {
  CUtensorMap q, k, v, out;
  AttentionArgs args;
  TileOrder order;
  float log2_scale;     // exp2(log2_scale · score) is the softmax's exp
  float softcap_scale;  // scale / softcap: scores become tanh(softcap_scale · score); 0: no cap
  int* next_tile;       // schedule 2: tiles drawn so far
};

// Encodes the tensor maps of one launch; box_rows_kv rows of K or V a copy.
inline cudaError_t encode_maps(const AttentionArgs& args, Dtype dtype, int box_rows_kv, WgmmaParams& params) {
  const auto encode = [&](CUtensorMap& map, const void* data, const Strides& stride, int heads, int rows,
                          int box_rows) {
    return encode_tensor_map(map, {data, stride, args.batch, heads, rows, args.head_dim, dtype, box_rows});
  };
  cudaError_t error = encode(params.q, args.q, args.q_stride, args.heads_q, args.seq_q, kWarpgroupRows);
  if (error == cudaSuccess)
    error = encode(params.k, args.k, args.k_stride, args.heads_kv, args.seq_kv, box_rows_kv);
  if (error == cudaSuccess)
    error = encode(params.v, args.v, args.v_stride, args.heads_kv, args.seq_kv, box_rows_kv);
  if (error == cudaSuccess)
    error = encode(params.out, args.out, args.out_stride, args.heads_q, args.seq_q, kWarpgroupRows);
  return error;
}

}  // namespace flashcore::kernels
