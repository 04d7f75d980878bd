// Converts between the C structs of flashcore.h and C++ types.
#pragma once

#include <iterator>

#include "attention/args.hpp"
#include "capi/flashcore.h"
#include "variant/variant.hpp"

namespace flashcore {

static_assert(static_cast<int>(Dtype::fp16) == FLASHCORE_FP16);
static_assert(static_cast<int>(Dtype::bf16) == FLASHCORE_BF16);
static_assert(static_cast<int>(Dtype::e4m3) == FLASHCORE_E4M3);
static_assert(static_cast<int>(Backend::cpu) == FLASHCORE_CPU);
static_assert(static_cast<int>(Backend::cuda) == FLASHCORE_CUDA);

inline constexpr std::int32_t kDefaultOutDtype = -1;  // out_dtype by the dtype

constexpr bool is_dtype(std::int32_t value) {
  return value >= 0 && value < static_cast<std::int32_t>(std::size(kDtypeWords));
}

constexpr Strides from_c(const flashcore_strides& s) { return {s.batch, s.head, s.row}; }
constexpr flashcore_strides to_c(const Strides& s) { return {s.batch, s.head, s.row}; }

// Requires valid dtypes; arguments.hpp checks them.
constexpr AttentionArgs from_c(const flashcore_attention& c) {
  AttentionArgs args;
  args.q = c.q;
  args.k = c.k;
  args.v = c.v;
  args.out = c.out;
  args.lse = c.lse;
  args.workspace = c.workspace;
  args.q_stride = from_c(c.q_stride);
  args.out_stride = from_c(c.out_stride);
  args.kv = {.k = from_c(c.k_stride), .v = from_c(c.v_stride)};
  args.sequences = {.batch = c.batch, .seq_q = c.seq_q, .seq_kv = c.seq_kv};
  args.heads_q = c.heads_q;
  args.heads_kv = c.heads_kv;
  args.head_dim = args.head_dim_v = c.head_dim;
  args.scale = c.scale;
  args.softcap = c.softcap;
  args.mask = {.left = c.window_left, .right = c.window_right};
  args.q_descale = c.q_descale;
  args.k_descale = c.k_descale;
  args.v_descale = c.v_descale;
  args.kv_dtype = static_cast<Dtype>(c.dtype);
  args.out_dtype = c.out_dtype == kDefaultOutDtype ? traits(static_cast<Dtype>(c.dtype)).out
                                                   : static_cast<Dtype>(c.out_dtype);
  return args;
}

constexpr flashcore_attention to_c(const AttentionArgs& args, Dtype dtype) {
  return {.q = args.q,
          .k = args.k,
          .v = args.v,
          .out = args.out,
          .lse = args.lse,
          .workspace = args.workspace,
          .q_stride = to_c(args.q_stride),
          .k_stride = to_c(args.kv.k),
          .v_stride = to_c(args.kv.v),
          .out_stride = to_c(args.out_stride),
          .dtype = static_cast<std::int32_t>(dtype),
          .batch = args.sequences.batch,
          .heads_q = args.heads_q,
          .heads_kv = args.heads_kv,
          .seq_q = args.sequences.seq_q,
          .seq_kv = args.sequences.seq_kv,
          .head_dim = args.head_dim,
          .window_left = args.mask.left,
          .window_right = args.mask.right,
          .scale = args.scale,
          .softcap = args.softcap,
          .out_dtype = static_cast<std::int32_t>(traits(dtype).scaled ? args.out_dtype : dtype),
          .q_descale = args.q_descale,
          .k_descale = args.k_descale,
          .v_descale = args.v_descale};
}

constexpr flashcore_device_limits to_c(const DeviceLimits& limits) {
  return {limits.compute_capability, limits.max_smem_bytes_per_block, limits.num_sms};
}

constexpr Resources from_c(const flashcore_resources& r) {
  return {.registers = r.registers,
          .static_smem_bytes = r.static_smem_bytes,
          .dynamic_smem_bytes = r.dynamic_smem_bytes,
          .spill_bytes = r.spill_bytes,
          .threads = r.threads,
          .blocks_per_sm = r.blocks_per_sm,
          .grid_blocks = r.grid_blocks};
}

constexpr flashcore_resources to_c(const Resources& r) {
  return {.registers = r.registers,
          .static_smem_bytes = r.static_smem_bytes,
          .dynamic_smem_bytes = r.dynamic_smem_bytes,
          .spill_bytes = r.spill_bytes,
          .threads = r.threads,
          .blocks_per_sm = r.blocks_per_sm,
          .grid_blocks = r.grid_blocks};
}

}  // namespace flashcore
