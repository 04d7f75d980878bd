// Where the rows of sequences are: ragged batches, pages, places of outputs.
#include "attention/sequence_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.hpp"
#include "unit/support/support.hpp"

namespace flashcore {
namespace {

using testing::expect_contains;

Problem ragged(Lengths lengths, KvCache kv = {}) {
  Problem problem{
      .lengths = std::move(lengths), .heads_q = 4, .heads_kv = 2, .head_dim = 8, .scale = 1, .kv = kv};
  problem.layout = default_layout(problem);
  apply_lengths(problem);
  return problem;
}

const Lengths kLengths{.q = {0, 3, 1, 0, 2, 0}, .kv = {4, 9, 0, 17, 33, 5}};

KvCache pages_of(std::int64_t page_size) { return {.layout = KvKind::paged, .page_size = page_size}; }

TEST(SequencePlan, RowsFollowEachOther) {
  const SequencePlan plan = sequence_plan(ragged(kLengths));
  EXPECT_EQ(plan.total_queries, 6);
  EXPECT_EQ(plan.total_keys, 68);
  for (std::size_t i = 0; i + 1 < plan.sequences.size(); ++i) {
    EXPECT_EQ(plan.sequences[i].first_query + plan.sequences[i].queries, plan.sequences[i + 1].first_query);
    EXPECT_EQ(plan.sequences[i].first_key + plan.sequences[i].keys, plan.sequences[i + 1].first_key);
  }
}

TEST(SequencePlan, EveryPlaceOfTheOutputHasOneIndex) {
  const Problem problem = ragged(kLengths);
  for (const std::int64_t columns : {1, 8}) {
    std::int64_t next = 0;
    for (std::int64_t sequence = 0; sequence < problem.batch; ++sequence) {
      const std::int64_t queries = kLengths.q[static_cast<std::size_t>(sequence)];
      for (std::int64_t head = 0; head < problem.heads_q; ++head) {
        for (std::int64_t row = 0; row < queries; ++row) {
          for (std::int64_t column = 0; column < columns; ++column, ++next) {
            const OutputPlace at = output_place(problem, next, columns);
            EXPECT_EQ(at.sequence, sequence);
            EXPECT_EQ(at.head, head);
            EXPECT_EQ(at.row, row);
            EXPECT_EQ(at.column, column);
            EXPECT_EQ(output_index(problem, at, columns), next);
          }
        }
      }
      EXPECT_EQ(output_index(problem, {sequence, 0, queries, 0}, columns), std::nullopt);
    }
  }
}

TEST(SequencePlan, EachPageBelongsToOneSequence) {
  for (const std::int64_t page_size : {1, 4, 16, 100}) {
    const SequencePlan plan = sequence_plan(ragged(kLengths, pages_of(page_size)));
    std::set<std::int32_t> used;
    for (std::size_t sequence = 0; sequence < plan.sequences.size(); ++sequence) {
      const std::int64_t pages = (plan.sequences[sequence].keys + page_size - 1) / page_size;
      for (std::int64_t page = 0; page < plan.paging.table_stride; ++page) {
        const std::int32_t entry =
            plan.paging.table[sequence * static_cast<std::size_t>(plan.paging.table_stride) +
                              static_cast<std::size_t>(page)];
        if (page < pages) {
          EXPECT_LT(entry, plan.paging.pages);
          EXPECT_TRUE(used.insert(entry).second);
        } else {
          EXPECT_GE(entry, plan.paging.pages) << "an entry past the end names no page";
        }
      }
    }
    EXPECT_LT(static_cast<std::int64_t>(used.size()), plan.paging.pages) << "no page is unused";
    EXPECT_EQ(plan.paging.pages, page_count(ragged(kLengths, pages_of(page_size))));
  }
}

TEST(SequencePlan, SequencesOfAGroupShareTheWholePagesOfTheirPrefix) {
  KvCache cache = pages_of(4);
  cache.prefix_sequences = 3;
  cache.prefix_keys = 10;  // two whole pages
  const Problem problem = ragged({.q = {1, 1, 1, 1}, .kv = {20, 20, 6, 20}}, cache);
  const SequencePlan plan = sequence_plan(problem);
  const auto entry = [&](std::int64_t sequence, std::int64_t page) {
    return plan.paging.table[static_cast<std::size_t>(sequence * plan.paging.table_stride + page)];
  };
  EXPECT_EQ(entry(1, 0), entry(0, 0));
  EXPECT_EQ(entry(1, 1), entry(0, 1));
  EXPECT_NE(entry(1, 2), entry(0, 2));
  EXPECT_EQ(entry(2, 0), entry(0, 0));
  EXPECT_NE(entry(2, 1), entry(0, 1)) << "its second page is not whole";
  EXPECT_NE(entry(3, 0), entry(0, 0)) << "another group";
}

TEST(SequencePlan, OffsetsAreThoseOfTheArguments) {
  for (const KvCache& cache : {KvCache{}, pages_of(4)}) {
    for (const Layout layout : {Layout::bshd, Layout::bhsd, Layout::padded}) {
      Problem problem = ragged(kLengths, cache);
      problem.layout = layout;
      const SequencePlan plan = sequence_plan(problem);
      AttentionArgs args = attention_args(problem);
      std::vector<std::int32_t> cu_q = {0};
      std::vector<std::int32_t> cu_k = {0};
      for (const SequenceRows& rows : plan.sequences) {
        cu_q.push_back(cu_q.back() + rows.queries);
        cu_k.push_back(cu_k.back() + rows.keys);
      }
      args.sequences.cu_seqlens_q = cu_q.data();
      if (!cache.is_paged()) args.sequences.cu_seqlens_k = cu_k.data();
      if (cache.is_paged()) args.kv.page_table = plan.paging.table.data();
      for (std::int64_t sequence = 0; sequence < problem.batch; ++sequence) {
        const auto keys = key_offsets(problem, plan, sequence, key_shape(problem));
        for (std::size_t key = 0; key < keys.size(); ++key) {
          EXPECT_EQ(keys[key], args.key_offset(args.kv.k, sequence, 0, static_cast<std::int64_t>(key)));
        }
        const auto queries = query_offsets(problem, plan, sequence, query_shape(problem));
        for (std::size_t row = 0; row < queries.size(); ++row) {
          EXPECT_EQ(queries[row],
                    args.query_offset(args.q_stride, sequence, 0, static_cast<std::int64_t>(row)));
        }
      }
    }
  }
}

TEST(SequencePlan, WorkIsThatOfAllSequences) {
  Problem problem = ragged({.q = {2, 1}, .kv = {2, 10}});
  problem.causal = true;
  // A square sequence counts half, as everywhere; one query sees all keys.
  EXPECT_EQ(flops(problem), 4.0 * 4 * 8 * (2 * 2 / 2.0 + 10));
  EXPECT_EQ(unmasked_pairs(problem), 3 + 10);
  EXPECT_EQ(rows_with_keys(problem), 3);
  EXPECT_EQ(compulsory_bytes(problem), 2.0 * 2 * 3 * 4 * 8 + 2.0 * 2 * 12 * 2 * 8);
  problem.head_dim_v = 4;
  EXPECT_EQ(flops(problem), 2.0 * 4 * (8 + 4) * (2 * 2 / 2.0 + 10));
}

TEST(SequencePlan, ProblemsThatContradictThemselvesAreRefused) {
  const auto complaint = [](Problem problem) {
    try {
      validate(problem, "p");
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  Problem problem = ragged(kLengths, pages_of(16));
  EXPECT_EQ(complaint(problem), "");
  problem.batch = 5;
  expect_contains(complaint(problem), "p/batch: is 5, but follows from the lengths, which give 6");
  problem = ragged({.q = {1, 2}, .kv = {1}});
  expect_contains(complaint(problem), "p/lengths: has 2 query lengths, but 1 key lengths");
  problem = ragged({.q = {1, -2}, .kv = {1, 1}});
  expect_contains(complaint(problem), "p/lengths: a length is negative");
  problem = ragged({.q = {0}, .kv = {1}});
  expect_contains(complaint(problem), "p/lengths: no sequence has a query");
  problem = ragged(kLengths);
  problem.layout = Layout::far_batches;
  expect_contains(complaint(problem), "p/layout: far_batches is possible only");
  problem = ragged(kLengths, pages_of(0));
  expect_contains(complaint(problem), "p/kv/page_size: 0 is out of range");
}

}  // namespace
}  // namespace flashcore
