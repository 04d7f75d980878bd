// Where the rows of each sequence of a problem are: in Q and O, and in K and V or the pages of a cache.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "attention/problem.hpp"

namespace flashcore {

// Rows of one sequence. Queries and keys are counted through all sequences, in order and without gaps.
struct SequenceRows {
  std::int64_t first_query = 0;
  std::int64_t first_key = 0;
  std::int32_t queries = 0;
  std::int32_t keys = 0;
};

// The pages of a cache. More pages exist than are used.
struct PagePlan {
  std::int64_t pages = 0;
  std::int64_t table_stride = 0;  // entries per sequence; more than it needs
  // [batch, table_stride]. Entries past a sequence's last page name pages that do not exist.
  std::vector<std::int32_t> table;
  // For each entry: true if the sequence is the first with this page, so that it writes the page's keys.
  std::vector<bool> owned;
};

struct SequencePlan {
  std::vector<SequenceRows> sequences;
  std::int64_t total_queries = 0;
  std::int64_t total_keys = 0;  // keys of a shared prefix count once per sequence
  PagePlan paging;              // without pages unless the cache is paged
};

// The same problem has always the same plan.
SequencePlan sequence_plan(const Problem& problem);

// How many queries of a sequence see a key.
std::int64_t queries_with_keys(const Mask& mask, const SequenceRows& rows);

// The parts of a plan that need little time.
std::vector<SequenceRows> sequence_rows(const Problem& problem);
std::int64_t page_count(const Problem& problem);         // of a paged cache
std::int64_t page_table_stride(const Problem& problem);  // of a paged cache

// The distances of the keys of one sequence from the first element of K or V, in elements, where `shape` is key_shape()
// or value_shape().
std::vector<std::int64_t> key_offsets(const Problem& problem, const SequencePlan& plan, std::int64_t sequence,
                                      const TensorShape& shape);

// The same of the queries, where `shape` is query_shape() or output_shape().
std::vector<std::int64_t> query_offsets(const Problem& problem, const SequencePlan& plan,
                                        std::int64_t sequence, const TensorShape& shape);

// The place of an element of O or of the log-sum-exp.
struct OutputPlace {
  std::int64_t sequence, head, row, column;
};

// `index` counts the elements of [batch, heads_q, rows, columns], where rows are those of each sequence.
OutputPlace output_place(const Problem& problem, std::int64_t index, std::int64_t columns);
// The reverse. Nothing if there is no such place.
std::optional<std::int64_t> output_index(const Problem& problem, const OutputPlace& place,
                                         std::int64_t columns);

}  // namespace flashcore
