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

// --- Version 2

static_assert(static_cast<int>(MaskKind::window) == FLASHCORE_MASK_WINDOW);
static_assert(static_cast<int>(MaskKind::chunk) == FLASHCORE_MASK_CHUNK);
static_assert(static_cast<int>(MaskKind::bits) == FLASHCORE_MASK_BITS);
static_assert(static_cast<int>(LseBase::natural) == FLASHCORE_LSE_NATURAL);
static_assert(static_cast<int>(LseBase::two) == FLASHCORE_LSE_BASE2);

inline constexpr std::int32_t kDtypeOfQ = -1;  // kv_dtype

// Strides of a tensor that has no batch axis if `is_ragged`.
constexpr Strides from_c(const flashcore_strides& s, bool is_ragged) {
  return {is_ragged ? 0 : s.batch, s.head, s.row};
}

constexpr Sequences sequences_from_c(const flashcore_attention_v2& c) {
  return {.batch = c.batch,
          .seq_q = c.max_seqlen_q,
          .seq_kv = c.max_seqlen_k,
          .cu_seqlens_q = c.cu_seqlens_q,
          .cu_seqlens_k = c.cu_seqlens_k,
          .seqused_q = c.seqused_q,
          .seqused_k = c.seqused_k,
          .total_q = c.total_q,
          .total_k = c.total_k};
}

constexpr KvLayout kv_from_c(const flashcore_attention_v2& c) {
  return {.k = from_c(c.k_stride, c.total_k > 0),
          .v = from_c(c.v_stride, c.total_k > 0),
          .page_table = c.page_table,
          .page_table_stride = c.page_table_stride,
          .page_size = c.page_size,
          .pages = c.num_pages};
}

constexpr Mask mask_from_c(const flashcore_attention_v2& c) {
  return {.kind = static_cast<MaskKind>(c.mask),
          .left = c.window_left,
          .right = c.window_right,
          .chunk = c.chunk};
}

// Requires valid words; arguments_v2.cpp checks them.
constexpr AttentionArgs from_c(const flashcore_attention_v2& c) {
  const bool ragged = c.total_q > 0;
  const auto dtype = static_cast<Dtype>(c.dtype);
  return {.q = c.q,
          .k = c.k,
          .v = c.v,
          .out = c.out,
          .lse = c.lse,
          .workspace = c.workspace,
          .plan = c.plan,
          .q_stride = from_c(c.q_stride, ragged),
          .out_stride = from_c(c.out_stride, ragged),
          .lse_stride = from_c(c.lse_stride, ragged),
          .lse_base = static_cast<LseBase>(c.lse_base),
          .kv = kv_from_c(c),
          .sequences = sequences_from_c(c),
          .heads_q = c.heads_q,
          .heads_kv = c.heads_kv,
          .head_dim = c.head_dim,
          .head_dim_v = c.head_dim_v == 0 ? c.head_dim : c.head_dim_v,
          .scale = c.scale,
          .softcap = c.softcap,
          .mask = mask_from_c(c),
          .mask_bits = c.mask_bits,
          .mask_bits_stride = from_c(c.mask_bits_stride, ragged),
          .sinks = c.sinks,
          .q_descale = c.q_descale,
          .k_descale = c.k_descale,
          .v_descale = c.v_descale,
          .kv_dtype = c.kv_dtype == kDtypeOfQ ? dtype : static_cast<Dtype>(c.kv_dtype),
          .out_dtype = c.out_dtype == kDefaultOutDtype ? traits(dtype).out : static_cast<Dtype>(c.out_dtype)};
}

constexpr void set_sequences(flashcore_attention_v2& c, const Sequences& sequences, const KvLayout& kv) {
  c.batch = sequences.batch;
  c.max_seqlen_q = sequences.max_queries();
  c.max_seqlen_k = sequences.max_keys();
  c.total_q = sequences.total_q;
  c.total_k = sequences.total_k;
  c.cu_seqlens_q = sequences.cu_seqlens_q;
  c.cu_seqlens_k = sequences.cu_seqlens_k;
  c.seqused_q = sequences.seqused_q;
  c.seqused_k = sequences.seqused_k;
  c.k_stride = to_c(kv.k);
  c.v_stride = to_c(kv.v);
  c.page_table = kv.page_table;
  c.page_table_stride = kv.page_table_stride;
  c.num_pages = kv.pages;
  c.page_size = kv.page_size;
}

constexpr void set_scores(flashcore_attention_v2& c, const AttentionArgs& args) {
  c.mask = static_cast<std::int32_t>(args.mask.kind);
  c.window_left = args.mask.left;
  c.window_right = args.mask.right;
  c.chunk = args.mask.chunk;
  c.mask_bits = args.mask_bits;
  c.mask_bits_stride = to_c(args.mask_bits_stride);
  c.scale = args.scale;
  c.softcap = args.softcap;
  c.sinks = args.sinks;
  c.q_descale = args.q_descale;
  c.k_descale = args.k_descale;
  c.v_descale = args.v_descale;
}

// Defaults are replaced by what they mean, so that plug-ins need not know them.
constexpr flashcore_attention_v2 to_c_v2(const AttentionArgs& args, Dtype dtype) {
  flashcore_attention_v2 c = {.struct_size = sizeof(flashcore_attention_v2),
                              .dtype = static_cast<std::int32_t>(dtype),
                              .kv_dtype = static_cast<std::int32_t>(args.kv_dtype),
                              .out_dtype = static_cast<std::int32_t>(args.out_dtype),
                              .q = args.q,
                              .k = args.k,
                              .v = args.v,
                              .out = args.out,
                              .lse = args.lse,
                              .workspace = args.workspace,
                              .plan = args.plan,
                              .q_stride = to_c(args.q_stride),
                              .out_stride = to_c(args.out_stride),
                              .lse_stride = to_c(args.lse_strides()),
                              .lse_base = static_cast<std::int32_t>(args.lse_base),
                              .heads_q = args.heads_q,
                              .heads_kv = args.heads_kv,
                              .head_dim = args.head_dim,
                              .head_dim_v = args.head_dim_v};
  set_sequences(c, args.sequences, args.kv);
  set_scores(c, args);
  return c;
}

constexpr flashcore_device_limits_v2 to_c_v2(const DeviceLimits& limits) {
  return {sizeof(flashcore_device_limits_v2), limits.compute_capability, limits.max_smem_bytes_per_block,
          limits.num_sms};
}

constexpr Resources from_c(const flashcore_resources_v2& r) {
  return {.registers = r.registers,
          .static_smem_bytes = r.static_smem_bytes,
          .dynamic_smem_bytes = r.dynamic_smem_bytes,
          .spill_bytes = r.spill_bytes,
          .threads = r.threads,
          .blocks_per_sm = r.blocks_per_sm,
          .grid_blocks = r.grid_blocks};
}

constexpr flashcore_resources_v2 to_c_v2(const Resources& r) {
  return {.struct_size = sizeof(flashcore_resources_v2),
          .registers = r.registers,
          .static_smem_bytes = r.static_smem_bytes,
          .dynamic_smem_bytes = r.dynamic_smem_bytes,
          .spill_bytes = r.spill_bytes,
          .threads = r.threads,
          .blocks_per_sm = r.blocks_per_sm,
          .grid_blocks = r.grid_blocks};
}

}  // namespace flashcore
