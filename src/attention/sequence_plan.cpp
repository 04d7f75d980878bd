#include "attention/sequence_plan.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <numeric>
#include <random>

namespace flashcore {
namespace {

constexpr std::int32_t kNoPage = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kSpareShare = 8;  // one spare page per this many, at least one
constexpr std::uint64_t kShuffleSeed = 20;

std::int64_t pages_for(std::int64_t keys, std::int64_t page_size) {
  return (keys + page_size - 1) / page_size;
}

// The places of `used` pages among `pages`.
std::vector<std::int32_t> places(std::int64_t used, std::int64_t pages, PageOrder order) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(pages));
  std::iota(all.begin(), all.end(), 0);
  if (order == PageOrder::shuffled) {
    std::mt19937_64 random(kShuffleSeed);  // not std::shuffle: its result depends on the library
    for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random() % i]);
  }
  all.resize(static_cast<std::size_t>(used));
  return all;
}

// The pages that a sequence shares with the first one of its group.
std::int64_t shared_pages(const KvCache& cache, const std::vector<SequenceRows>& sequences,
                          std::int64_t index) {
  if (cache.prefix_sequences == 0 || index % cache.prefix_sequences == 0) return 0;
  const auto first = static_cast<std::size_t>(index - index % cache.prefix_sequences);
  const std::int64_t keys =
      std::min<std::int64_t>(sequences[static_cast<std::size_t>(index)].keys, sequences[first].keys);
  return std::min(keys, cache.prefix_keys) / cache.page_size;
}

std::int64_t used_pages(const KvCache& cache, const std::vector<SequenceRows>& sequences) {
  std::int64_t used = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    used += pages_for(sequences[i].keys, cache.page_size) -
            shared_pages(cache, sequences, static_cast<std::int64_t>(i));
  }
  return used;
}

std::int64_t with_spare_pages(std::int64_t used) {
  return used + std::max<std::int64_t>(used / kSpareShare, 1);
}

PagePlan page_plan(const Problem& problem, const std::vector<SequenceRows>& sequences) {
  const KvCache& cache = problem.kv;
  PagePlan plan;
  plan.table_stride = page_table_stride(problem);
  plan.table.assign(sequences.size() * static_cast<std::size_t>(plan.table_stride), kNoPage);
  plan.owned.assign(plan.table.size(), false);
  std::int64_t used = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    const std::int64_t shared = shared_pages(cache, sequences, index);
    const std::int64_t first = index * plan.table_stride;
    for (std::int64_t page = 0; page < pages_for(sequences[i].keys, cache.page_size); ++page) {
      const auto entry = static_cast<std::size_t>(first + page);
      plan.owned[entry] = page >= shared;
      plan.table[entry] = page < shared
                              ? plan.table[static_cast<std::size_t>(
                                    (index - index % cache.prefix_sequences) * plan.table_stride + page)]
                              : static_cast<std::int32_t>(used++);
    }
  }
  plan.pages = with_spare_pages(used);
  const std::vector<std::int32_t> place_of = places(used, plan.pages, cache.order);
  for (std::int32_t& page : plan.table) {
    if (page != kNoPage) page = place_of[static_cast<std::size_t>(page)];
  }
  return plan;
}

}  // namespace

std::vector<SequenceRows> sequence_rows(const Problem& problem) {
  std::vector<SequenceRows> rows(static_cast<std::size_t>(problem.batch));
  std::int64_t first_query = 0;
  std::int64_t first_key = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = {.first_query = first_query,
               .first_key = first_key,
               .queries = problem.lengths ? problem.lengths->q[i] : static_cast<std::int32_t>(problem.seq_q),
               .keys = problem.lengths ? problem.lengths->kv[i] : static_cast<std::int32_t>(problem.seq_kv)};
    first_query += rows[i].queries;
    first_key += rows[i].keys;
  }
  return rows;
}

std::int64_t page_count(const Problem& problem) {
  return with_spare_pages(used_pages(problem.kv, sequence_rows(problem)));
}

std::int64_t page_table_stride(const Problem& problem) {
  return pages_for(problem.seq_kv, problem.kv.page_size) + 1;
}

SequencePlan sequence_plan(const Problem& problem) {
  SequencePlan plan{.sequences = sequence_rows(problem)};
  for (const SequenceRows& rows : plan.sequences) {
    plan.total_queries += rows.queries;
    plan.total_keys += rows.keys;
  }
  if (problem.kv.is_paged()) plan.paging = page_plan(problem, plan.sequences);
  return plan;
}

std::vector<std::int64_t> key_offsets(const Problem& problem, const SequencePlan& plan, std::int64_t sequence,
                                      const TensorShape& shape) {
  const SequenceRows& rows = plan.sequences[static_cast<std::size_t>(sequence)];
  const Strides& stride = shape.stride;
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(rows.keys));
  for (std::int64_t key = 0; key < rows.keys; ++key) {
    std::int64_t& offset = offsets[static_cast<std::size_t>(key)];
    if (problem.kv.is_paged()) {
      const std::int64_t entry = sequence * plan.paging.table_stride + key / problem.kv.page_size;
      offset = plan.paging.table[static_cast<std::size_t>(entry)] * stride.batch +
               key % problem.kv.page_size * stride.row;
    } else {
      offset =
          problem.lengths ? (rows.first_key + key) * stride.row : sequence * stride.batch + key * stride.row;
    }
  }
  return offsets;
}

std::vector<std::int64_t> query_offsets(const Problem& problem, const SequencePlan& plan,
                                        std::int64_t sequence, const TensorShape& shape) {
  const SequenceRows& rows = plan.sequences[static_cast<std::size_t>(sequence)];
  const std::int64_t first =
      problem.lengths ? rows.first_query * shape.stride.row : sequence * shape.stride.batch;
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(rows.queries));
  for (std::int64_t row = 0; row < rows.queries; ++row) {
    offsets[static_cast<std::size_t>(row)] = first + row * shape.stride.row;
  }
  return offsets;
}

OutputPlace output_place(const Problem& problem, std::int64_t index, std::int64_t columns) {
  const std::int64_t row = index / columns;
  if (!problem.lengths) {
    const std::int64_t head = row / problem.seq_q;
    return {head / problem.heads_q, head % problem.heads_q, row % problem.seq_q, index % columns};
  }
  const std::vector<SequenceRows> sequences = sequence_rows(problem);
  const auto next =
      std::ranges::upper_bound(sequences, row / problem.heads_q, {}, &SequenceRows::first_query);
  const SequenceRows& rows = *std::prev(next);
  const std::int64_t row_in_sequence = row - rows.first_query * problem.heads_q;
  return {std::distance(sequences.begin(), next) - 1, row_in_sequence / rows.queries,
          row_in_sequence % rows.queries, index % columns};
}

std::optional<std::int64_t> output_index(const Problem& problem, const OutputPlace& place,
                                         std::int64_t columns) {
  const auto is_within = [](std::int64_t value, std::int64_t size) { return value >= 0 && value < size; };
  if (!is_within(place.sequence, problem.batch) || !is_within(place.head, problem.heads_q))
    return std::nullopt;
  SequenceRows rows{.first_query = place.sequence * problem.seq_q,
                    .queries = static_cast<std::int32_t>(problem.seq_q)};
  if (problem.lengths) rows = sequence_rows(problem)[static_cast<std::size_t>(place.sequence)];
  if (!is_within(place.row, rows.queries) || !is_within(place.column, columns)) return std::nullopt;
  return (rows.first_query * problem.heads_q + place.head * rows.queries + place.row) * columns +
         place.column;
}

}  // namespace flashcore
