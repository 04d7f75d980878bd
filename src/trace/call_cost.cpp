#include "trace/call_cost.hpp"

#include <algorithm>

#include "attention/sequence_plan.hpp"

namespace flashcore {
namespace {

std::int64_t seen_keys(const Problem& problem, const SequenceRows& rows) {
  if (problem.mask == MaskKind::bits) return rows.keys;
  const KeyRange seen = mask_of(problem).keys_of_any(0, rows.queries - 1, rows.queries, rows.keys);
  return std::max(seen.end - seen.begin, 0);
}

}  // namespace

double CallCost::seconds() const { return std::max(bytes / kNominalBytesPerS, flops / kNominalFlopsPerS); }

CallCost call_cost(const Problem& problem) {
  CallCost cost;
  std::int64_t queries = 0;
  std::int64_t keys = 0;
  std::int64_t decodes = 0;
  for (const SequenceRows& rows : sequence_rows(problem)) {
    if (rows.queries == 0) continue;
    const std::int64_t seen = seen_keys(problem, rows);
    ++cost.sequences;
    queries += rows.queries;
    keys += seen;
    decodes += rows.queries == 1 ? 1 : 0;
    cost.longest = std::max(cost.longest, seen);
  }
  const auto columns = static_cast<double>(problem.head_dim);
  const auto columns_v = static_cast<double>(value_columns(problem));
  const double of_query = columns * static_cast<double>(size_bytes(problem.dtype)) +
                          columns_v * static_cast<double>(size_bytes(output_dtype(problem)));
  const double of_key = (columns + columns_v) * static_cast<double>(size_bytes(key_value_dtype(problem)));
  cost.bytes = static_cast<double>(queries * problem.heads_q) * of_query +
               static_cast<double>(keys * problem.heads_kv) * of_key;
  cost.flops = flops(problem);
  if (cost.sequences > 0) {
    cost.decode_share = static_cast<double>(decodes) / static_cast<double>(cost.sequences);
  }
  return cost;
}

}  // namespace flashcore
