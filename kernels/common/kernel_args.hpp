// The arguments that CUDA kernels receive for one attention problem. Their layout is frozen, because it is
// part of the kernels' machine code. AttentionArgs may grow beside it; a family that needs more has its own
// Params.
#pragma once

#include <cstdint>

#include "attention/args.hpp"

namespace flashcore::kernels {

//   q, out  [batch, heads_q, seq_q, head_dim]     k, v  [batch, heads_kv, seq_kv, head_dim]
struct KernelArgs {
  const void* q = nullptr;
  const void* k = nullptr;
  const void* v = nullptr;
  void* out = nullptr;
  float* lse = nullptr;  // [batch, heads_q, seq_q]; null when not wanted
  void* workspace = nullptr;
  Strides q_stride, k_stride, v_stride, out_stride;
  std::int32_t batch = 0;
  std::int32_t heads_q = 0;
  std::int32_t heads_kv = 0;
  std::int32_t seq_q = 0;
  std::int32_t seq_kv = 0;
  std::int32_t head_dim = 0;
  float scale = 0;
  float softcap = 0;  // 0: none
  Window window;

  KernelArgs() = default;
  constexpr KernelArgs(const AttentionArgs& args)  // NOLINT(google-explicit-constructor): the same problem
      : q(args.q),
        k(args.k),
        v(args.v),
        out(args.out),
        lse(args.lse),
        workspace(args.workspace),
        q_stride(args.q_stride),
        k_stride(args.kv.k),
        v_stride(args.kv.v),
        out_stride(args.out_stride),
        batch(args.sequences.batch),
        heads_q(args.heads_q),
        heads_kv(args.heads_kv),
        seq_q(args.sequences.seq_q),
        seq_kv(args.sequences.seq_kv),
        head_dim(args.head_dim),
        scale(args.scale),
        softcap(args.softcap),
        window(args.mask.window()) {}

  constexpr std::int64_t lse_index(int sequence, int head, int row) const {
    return (std::int64_t{sequence} * heads_q + head) * seq_q + row;
  }
};

constexpr KeyRange visible_keys(const KernelArgs& args, std::int32_t query) {
  return args.window.keys(query, args.seq_q, args.seq_kv);
}

}  // namespace flashcore::kernels
