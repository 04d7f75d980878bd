// FLOPs and bytes of a problem.
#include <algorithm>

#include "attention/problem.hpp"
#include "attention/sequence_plan.hpp"

namespace flashcore {
namespace {

std::int64_t pairs_of(const Mask& mask, const SequenceRows& rows) {
  if (mask.hides_nothing()) return std::int64_t{rows.queries} * rows.keys;
  std::int64_t pairs = 0;
  for (std::int32_t query = 0; query < rows.queries; ++query) {
    const KeyRange keys = mask.keys(query, rows.queries, rows.keys);
    pairs += keys.end - keys.begin;
  }
  return pairs;
}

// The rows of any sequence of a problem without lengths.
SequenceRows equal_rows(const Problem& p) {
  return {.queries = static_cast<std::int32_t>(p.seq_q), .keys = static_cast<std::int32_t>(p.seq_kv)};
}

template <class Count>
std::int64_t sum_of_sequences(const Problem& p, const Count& count) {
  const Mask mask = mask_of(p);
  if (!p.lengths) return p.batch * count(mask, equal_rows(p));
  std::int64_t sum = 0;
  for (const SequenceRows& rows : sequence_rows(p)) sum += count(mask, rows);
  return sum;
}

// The pairs that flops() counts.
double counted_pairs(const Problem& p, const SequenceRows& rows) {
  const bool windowed = p.window_left >= 0 || p.window_right >= 0 || p.mask != MaskKind::window;
  const bool is_half = p.causal && !windowed && rows.queries == rows.keys;
  const double all = static_cast<double>(rows.queries) * static_cast<double>(rows.keys);
  return is_half ? all / 2 : static_cast<double>(pairs_of(mask_of(p), rows));
}

// Keys that some sequence has in memory.
std::int64_t keys_in_memory(const Problem& p) {
  const SequencePlan plan = sequence_plan(p);
  if (!p.kv.is_paged()) return plan.total_keys;
  std::int64_t keys = 0;
  for (std::size_t i = 0; i < plan.sequences.size(); ++i) {
    for (std::int64_t begin = 0; begin < plan.sequences[i].keys; begin += p.kv.page_size) {
      const auto entry = static_cast<std::int64_t>(i) * plan.paging.table_stride + begin / p.kv.page_size;
      if (plan.paging.owned[static_cast<std::size_t>(entry)])
        keys += std::min(p.kv.page_size, plan.sequences[i].keys - begin);
    }
  }
  return keys;
}

}  // namespace

std::int64_t unmasked_pairs(const Problem& p) { return sum_of_sequences(p, pairs_of); }
std::int64_t queries_with_keys(const Mask& mask, const SequenceRows& rows) {
  if (mask.hides_nothing()) return rows.keys > 0 ? rows.queries : 0;
  std::int64_t count = 0;
  for (std::int32_t query = 0; query < rows.queries; ++query) {
    const KeyRange keys = mask.keys(query, rows.queries, rows.keys);
    if (keys.begin < keys.end) ++count;
  }
  return count;
}

std::int64_t rows_with_keys(const Problem& p) { return sum_of_sequences(p, queries_with_keys); }

double flops(const Problem& p) {
  const double per_pair =
      2.0 * static_cast<double>(p.heads_q) * static_cast<double>(p.head_dim + value_columns(p));
  if (!p.lengths) return per_pair * static_cast<double>(p.batch) * counted_pairs(p, equal_rows(p));
  double pairs = 0;
  for (const SequenceRows& rows : sequence_rows(p)) pairs += counted_pairs(p, rows);
  return per_pair * pairs;
}

double compulsory_bytes(const Problem& p) {
  const auto in_element = static_cast<double>(size_bytes(p.dtype));
  const auto kv_element = static_cast<double>(size_bytes(key_value_dtype(p)));
  const auto out_element = static_cast<double>(size_bytes(output_dtype(p)));
  const double queries =
      static_cast<double>((p.lengths ? total(p.lengths->q) : p.batch * p.seq_q) * p.heads_q);
  const double keys =
      static_cast<double>((is_rectangular(p) ? p.batch * p.seq_kv : keys_in_memory(p)) * p.heads_kv);
  const auto columns = static_cast<double>(p.head_dim);
  const auto columns_v = static_cast<double>(value_columns(p));
  const double lse_bytes = p.lse ? 4.0 * queries : 0.0;
  return queries * (in_element * columns + out_element * columns_v) +
         keys * kv_element * (columns + columns_v) + lse_bytes;
}

}  // namespace flashcore
