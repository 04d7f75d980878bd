// The checks of flashcore_attention_v2.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <limits>

#include "capi/convert.hpp"
#include "library/arguments.hpp"

namespace flashcore {
namespace {

constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();
// The struct of the first release. A shorter one was not initialised.
constexpr std::size_t kLeastSize = sizeof(flashcore_attention_v2);

flashcore_attention_v2 read_arguments(const flashcore_attention_v2* given) {
  require(given != nullptr, "args: is null");
  const std::size_t size = given->struct_size;
  if (size < kLeastSize) {
    fail_field("struct_size", fmt::format("is {}, but must be sizeof(flashcore_attention_v2), at least {}; "
                                          "flashcore_attention_v2_init() sets it",
                                          size, kLeastSize));
  }
  flashcore_attention_v2 known = {};
  std::memcpy(&known, given, std::min(size, sizeof(known)));
  check_no_later_member(given, size, sizeof(known));
  return known;
}

void check_count(std::int64_t value, std::int64_t least, std::int64_t most, std::string_view field) {
  if (value >= least && value <= most) return;
  fail_field(field, fmt::format("{} is out of range, it must be from {} to {}", value, least, most));
}

void check_words(const flashcore_attention_v2& c) {
  require(is_dtype(c.dtype), "args/dtype: must be FLASHCORE_FP16, FLASHCORE_BF16 or FLASHCORE_E4M3");
  require(c.kv_dtype == kDtypeOfQ || is_dtype(c.kv_dtype),
          "args/kv_dtype: must be -1, FLASHCORE_FP16, FLASHCORE_BF16 or FLASHCORE_E4M3");
  require(c.out_dtype == kDefaultOutDtype || is_dtype(c.out_dtype),
          "args/out_dtype: must be -1, FLASHCORE_FP16 or FLASHCORE_BF16");
  require(c.lse_base == FLASHCORE_LSE_NATURAL || c.lse_base == FLASHCORE_LSE_BASE2,
          "args/lse_base: must be FLASHCORE_LSE_NATURAL or FLASHCORE_LSE_BASE2");
  require(c.mask >= 0 && c.mask < static_cast<std::int32_t>(std::size(kMaskKindWords)),
          "args/mask: must be FLASHCORE_MASK_WINDOW, FLASHCORE_MASK_CHUNK or FLASHCORE_MASK_BITS");
  if (c.mask_bits != nullptr && c.mask != FLASHCORE_MASK_BITS) {
    fail_field("mask_bits", "is set, but mask is not FLASHCORE_MASK_BITS");
  }
}

bool is_ragged(const flashcore_attention_v2& c) {
  return c.total_q > 0 || c.total_k > 0 || c.seqused_q != nullptr || c.seqused_k != nullptr;
}

void check_sequences(const flashcore_attention_v2& c) {
  check_count(c.max_seqlen_q, 1, kMaxCount, "max_seqlen_q");
  check_count(c.max_seqlen_k, 1, kMaxCount, "max_seqlen_k");
  check_count(c.total_q, 0, kMaxCount, "total_q");
  check_count(c.total_k, 0, kMaxCount, "total_k");
  check_count(c.page_size, 0, kMaxCount, "page_size");
  if (is_ragged(c) || c.page_size > 0) check_count(c.batch, 1, kMaxSequences, "batch");
  if (c.cu_seqlens_q != nullptr && c.total_q == 0) fail_field("cu_seqlens_q", "is set, but total_q is 0");
  if (c.cu_seqlens_k != nullptr && c.total_k == 0) fail_field("cu_seqlens_k", "is set, but total_k is 0");
  if (c.page_size == 0) {
    if (c.page_table != nullptr) fail_field("page_table", "is set, but page_size is 0");
    return;
  }
  if (c.total_k != 0) fail_field("total_k", "must be 0 because page_size is not; seqused_k has the keys");
  check_count(c.num_pages, 1, kMaxCount, "num_pages");
  check_count(c.page_table_stride, 0, std::numeric_limits<std::int64_t>::max(), "page_table_stride");
}

// The problem, except for its layout. A rectangle of the maxima is checked first: lengths that stand for unknown ones may
// have a larger sum than real ones.
Problem problem_of(const flashcore_attention_v2& c, const AttentionArgs& args) {
  Problem problem;
  problem.batch = c.batch;
  problem.heads_q = c.heads_q;
  problem.heads_kv = c.heads_kv;
  problem.seq_q = c.max_seqlen_q;
  problem.seq_kv = c.max_seqlen_k;
  problem.head_dim = c.head_dim;
  if (c.head_dim_v != 0) problem.head_dim_v = c.head_dim_v;
  problem.dtype = static_cast<Dtype>(c.dtype);
  problem.kv_dtype = args.kv_dtype;
  if (c.out_dtype != kDefaultOutDtype) problem.out_dtype = args.out_dtype;
  problem.scale = static_cast<double>(c.scale);
  problem.softcap = static_cast<double>(c.softcap);
  problem.causal = c.window_right == 0;
  problem.window_left = c.window_left;
  problem.window_right = problem.causal ? -1 : c.window_right;
  problem.mask = static_cast<MaskKind>(c.mask);
  problem.chunk = c.chunk;
  problem.sinks = c.sinks != nullptr;
  problem.lse = c.lse != nullptr;
  validate(problem, "args");
  normalize(problem);
  if (c.page_size > 0) problem.kv = {.layout = KvKind::paged, .page_size = c.page_size};
  if (is_ragged(c)) {
    const auto sequences = static_cast<std::size_t>(c.batch);
    problem.lengths = Lengths{.q = std::vector<std::int32_t>(sequences, c.max_seqlen_q),
                              .kv = std::vector<std::int32_t>(sequences, c.max_seqlen_k)};
  }
  return problem;
}

// The rows of all tensors.
struct Extents {
  Extent q, k, v, out, lse, mask_bits;

  Extents(const AttentionArgs& args, const Problem& problem) {
    const Sequences& all = args.sequences;
    const bool ragged = all.total_q > 0;
    q = {ragged ? 1 : problem.batch, problem.heads_q, ragged ? all.total_q : problem.seq_q, problem.head_dim};
    k = {problem.batch, problem.heads_kv, problem.seq_kv, problem.head_dim};
    if (all.total_k > 0) k.batch = 1, k.rows = all.total_k;
    if (args.kv.is_paged()) k.batch = args.kv.pages, k.rows = args.kv.page_size;
    v = k, out = lse = mask_bits = q;
    v.columns = out.columns = args.head_dim_v;
    lse.columns = 1;
    mask_bits.columns = (problem.seq_kv + 31) / 32;
  }
};

// Memory that a launch writes, as bytes from `begin` on; without any if the pointer is null.
struct Written {
  std::string_view field;
  std::uintptr_t begin;
  std::uintptr_t bytes;
};

Written written(std::string_view field, const void* begin, std::int64_t elements, std::size_t element_bytes) {
  return {field, reinterpret_cast<std::uintptr_t>(begin),
          begin == nullptr ? 0 : static_cast<std::uintptr_t>(elements) * element_bytes};
}

void check_apart(const Written& a, const Written& b) {
  if (a.bytes == 0 || b.bytes == 0) return;
  if (a.begin < b.begin + b.bytes && b.begin < a.begin + a.bytes) {
    fail_field(a.field, fmt::format("overlaps {}", b.field));
  }
}

void check_tensors(const AttentionArgs& args, const Problem& problem) {
  const Extents extents(args, problem);
  check_stride(args.q_stride, extents.q, "q_stride");
  check_stride(args.kv.k, extents.k, "k_stride");
  check_stride(args.kv.v, extents.v, "v_stride");
  const std::int64_t out_span = check_stride(args.out_stride, extents.out, "out_stride");
  check_distinct(args.out_stride, extents.out, "out_stride");
  const std::int64_t lse_span = check_stride(args.lse_strides(), extents.lse, "lse_stride");
  check_distinct(args.lse_strides(), extents.lse, "lse_stride");
  check_stride(args.mask_bits_stride, extents.mask_bits, "mask_bits_stride");
  if (args.kv.is_paged()) {
    const std::int64_t pages = (problem.seq_kv + args.kv.page_size - 1) / args.kv.page_size;
    check_stride({.row = args.kv.page_table_stride}, {1, 1, problem.batch, pages}, "page_table_stride");
  }
  check_apart(written("lse", args.lse, lse_span, sizeof(float)),
              written("out", args.out, out_span, size_bytes(args.out_dtype)));
}

void check_alignments(const AttentionArgs& args, Dtype dtype) {
  check_alignment(args.q, size_bytes(dtype), "q");
  check_alignment(args.k, size_bytes(args.kv_dtype), "k");
  check_alignment(args.v, size_bytes(args.kv_dtype), "v");
  check_alignment(args.out, size_bytes(args.out_dtype), "out");
  const std::pair<const void*, std::string_view> words[] = {{args.lse, "lse"},
                                                            {args.sequences.cu_seqlens_q, "cu_seqlens_q"},
                                                            {args.sequences.cu_seqlens_k, "cu_seqlens_k"},
                                                            {args.sequences.seqused_q, "seqused_q"},
                                                            {args.sequences.seqused_k, "seqused_k"},
                                                            {args.kv.page_table, "page_table"},
                                                            {args.mask_bits, "mask_bits"},
                                                            {args.sinks, "sinks"},
                                                            {args.q_descale, "q_descale"},
                                                            {args.k_descale, "k_descale"},
                                                            {args.v_descale, "v_descale"}};
  for (const auto& [pointer, field] : words) check_alignment(pointer, sizeof(std::int32_t), field);
}

// The layout with the strides of Q; Layout::padded if no dense layout has them.
Layout layout_of(const AttentionArgs& args) {
  const bool ragged = args.sequences.is_ragged();
  const std::int64_t rows = ragged ? args.sequences.total_q : args.sequences.seq_q;
  const std::int64_t columns = args.head_dim;
  const std::int64_t batch = ragged ? 0 : args.heads_q * rows * columns;
  if (args.q_stride == Strides{batch, rows * columns, columns}) return Layout::bhsd;
  if (args.q_stride == Strides{batch, columns, args.heads_q * columns}) return Layout::bshd;
  return Layout::padded;
}

// The rows that one array of lengths gives to a sequence, and their names.
struct LengthArrays {
  const std::int32_t* cu_seqlens;
  const std::int32_t* seqused;
  std::int64_t total;
  std::int32_t longest;
  char axis;

  void check(std::int64_t batch) const {
    if (cu_seqlens != nullptr && cu_seqlens[0] != 0) {
      fail_field(fmt::format("cu_seqlens_{}", axis), fmt::format("[0] is {}, but must be 0", cu_seqlens[0]));
    }
    for (std::int64_t i = 0; i < batch; ++i) check_sequence(i);
    if (cu_seqlens != nullptr && cu_seqlens[batch] > total) {
      fail_field(fmt::format("cu_seqlens_{}", axis),
                 fmt::format("[{}] is {}, but total_{} is {}", batch, cu_seqlens[batch], axis, total));
    }
  }

 private:
  void check_sequence(std::int64_t i) const {
    const std::int64_t rows =
        cu_seqlens == nullptr ? longest : std::int64_t{cu_seqlens[i + 1]} - cu_seqlens[i];
    if (rows < 0) {
      fail_field(fmt::format("cu_seqlens_{}", axis),
                 fmt::format("[{}] is {}, less than the entry before it", i + 1, cu_seqlens[i + 1]));
    }
    const std::int64_t used = seqused == nullptr ? rows : seqused[i];
    const std::string_view field = seqused == nullptr ? "cu_seqlens" : "seqused";
    if (used < 0 || (used > rows && cu_seqlens != nullptr)) {
      fail_field(fmt::format("{}_{}", field, axis),
                 fmt::format("[{}] is {}, but the sequence has {} rows", i, used, rows));
    }
    if (used > longest) {
      fail_field(fmt::format("{}_{}", field, axis),
                 fmt::format("sequence {} has {} rows, max_seqlen_{} is {}", i, used, axis, longest));
    }
  }
};

}  // namespace

Request checked_request(const flashcore_attention_v2* given) {
  const flashcore_attention_v2 c = read_arguments(given);
  check_words(c);
  check_sequences(c);
  const AttentionArgs args = from_c(c);
  Problem problem = problem_of(c, args);
  check_tensors(args, problem);
  check_alignments(args, problem.dtype);
  problem.layout = layout_of(args);
  return {.problem = std::move(problem), .args = args};
}

void check_arrays(const AttentionArgs& args) {
  const Sequences& all = args.sequences;
  require(all.total_q == 0 || all.cu_seqlens_q != nullptr,
          "args/cu_seqlens_q: is null, but total_q is not 0");
  require(all.total_k == 0 || all.cu_seqlens_k != nullptr,
          "args/cu_seqlens_k: is null, but total_k is not 0");
}

void check_lengths(const AttentionArgs& args) {
  const Sequences& all = args.sequences;
  LengthArrays{all.cu_seqlens_q, all.seqused_q, all.total_q, all.seq_q, 'q'}.check(all.batch);
  LengthArrays{all.cu_seqlens_k, all.seqused_k, all.total_k, all.seq_kv, 'k'}.check(all.batch);
}

void check_pages(const AttentionArgs& args) {
  if (!args.kv.is_paged()) return;
  for (std::int64_t sequence = 0; sequence < args.sequences.batch; ++sequence) {
    const std::int32_t* row = args.kv.page_table + sequence * args.kv.page_table_stride;
    for (std::int64_t i = 0; i * args.kv.page_size < args.sequences.keys(sequence); ++i) {
      if (row[i] >= 0 && row[i] < args.kv.pages) continue;
      fail_field("page_table", fmt::format("entry {} of sequence {} is {}, but num_pages is {}", i, sequence,
                                           row[i], args.kv.pages));
    }
  }
}

}  // namespace flashcore
