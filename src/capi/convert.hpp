// The C structs of flashcore.h and the C++ values they stand for.
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

inline constexpr std::int32_t kOwnOutDtype = -1;  // the out_dtype that goes with the dtype

constexpr bool is_dtype(std::int32_t value) {
  return value >= 0 && value < static_cast<std::int32_t>(std::size(kAllDtypes));
}

constexpr Strides from_c(const flashcore_strides& s) { return {s.batch, s.head, s.row}; }
constexpr flashcore_strides to_c(const Strides& s) { return {s.batch, s.head, s.row}; }

// Everything but the dtype, which is the variant's, and what comes with it.
constexpr AttentionArgs unscaled_from_c(const flashcore_attention& args) {
  return {.q = args.q,
          .k = args.k,
          .v = args.v,
          .out = args.out,
          .lse = args.lse,
          .workspace = args.workspace,
          .q_stride = from_c(args.q_stride),
          .k_stride = from_c(args.k_stride),
          .v_stride = from_c(args.v_stride),
          .out_stride = from_c(args.out_stride),
          .batch = args.batch,
          .heads_q = args.heads_q,
          .heads_kv = args.heads_kv,
          .seq_q = args.seq_q,
          .seq_kv = args.seq_kv,
          .head_dim = args.head_dim,
          .scale = args.scale,
          .softcap = args.softcap,
          .window_left = args.window_left,
          .window_right = args.window_right};
}

// The same with it; the dtypes must be some.
constexpr ScaledAttentionArgs from_c(const flashcore_attention& args) {
  ScaledAttentionArgs all = unscaled_from_c(args);
  all.q_descale = args.q_descale;
  all.k_descale = args.k_descale;
  all.v_descale = args.v_descale;
  all.out_dtype = args.out_dtype == kOwnOutDtype ? traits(static_cast<Dtype>(args.dtype)).out
                                                 : static_cast<Dtype>(args.out_dtype);
  return all;
}

constexpr flashcore_attention to_c(const ScaledAttentionArgs& args, Dtype dtype) {
  return {.q = args.q,
          .k = args.k,
          .v = args.v,
          .out = args.out,
          .lse = args.lse,
          .workspace = args.workspace,
          .q_stride = to_c(args.q_stride),
          .k_stride = to_c(args.k_stride),
          .v_stride = to_c(args.v_stride),
          .out_stride = to_c(args.out_stride),
          .dtype = static_cast<std::int32_t>(dtype),
          .batch = args.batch,
          .heads_q = args.heads_q,
          .heads_kv = args.heads_kv,
          .seq_q = args.seq_q,
          .seq_kv = args.seq_kv,
          .head_dim = args.head_dim,
          .window_left = args.window_left,
          .window_right = args.window_right,
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
