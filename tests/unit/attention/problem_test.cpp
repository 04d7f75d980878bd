// Masks, FLOPs, layouts and validation of problems.
#include "attention/problem.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"

namespace flashcore {
namespace {

// Counts the keys of a query by the definition of the mask: a window around the bottom-right diagonal.
std::int64_t count_keys(const Problem& p, std::int64_t query) {
  const std::int64_t diagonal = query + p.seq_kv - p.seq_q;
  const std::int64_t right = p.causal ? 0 : p.window_right;
  std::int64_t keys = 0;
  for (std::int64_t j = 0; j < p.seq_kv; ++j) {
    keys += (p.window_left < 0 || j >= diagonal - p.window_left) && (right < 0 || j <= diagonal + right);
  }
  return keys;
}

std::int64_t count_pairs(const Problem& p) {
  std::int64_t pairs = 0;
  for (std::int64_t i = 0; i < p.seq_q; ++i) pairs += count_keys(p, i);
  return pairs;
}

std::int64_t count_rows_with_keys(const Problem& p) {
  std::int64_t rows = 0;
  for (std::int64_t i = 0; i < p.seq_q; ++i) rows += count_keys(p, i) > 0;
  return rows;
}

TEST(Problem, UnmaskedPairsFollowTheMask) {
  for (const auto& [seq_q, seq_kv] : {std::pair{1, 1}, {7, 7}, {5, 12}, {12, 5}, {1, 9}, {9, 1}}) {
    for (const int window_left : {-1, 0, 3}) {
      for (const int window_right : {-1, 0, 2}) {
        for (const bool causal : {false, true}) {
          Problem problem{.seq_q = seq_q, .seq_kv = seq_kv, .causal = causal};
          problem.window_left = window_left;
          problem.window_right = window_right;
          EXPECT_EQ(unmasked_pairs(problem), count_pairs(problem)) << problem_id(problem);
          EXPECT_EQ(rows_with_keys(problem), count_rows_with_keys(problem)) << problem_id(problem);
        }
      }
    }
  }
}

TEST(Problem, FlopsFollowTheConvention) {
  Problem problem{.batch = 2, .heads_q = 4, .heads_kv = 2, .seq_q = 8, .seq_kv = 8, .head_dim = 64};
  const double all = 4.0 * 2 * 4 * 8 * 8 * 64;
  EXPECT_EQ(flops(problem), all);
  problem.causal = true;
  EXPECT_EQ(flops(problem), all / 2);
  problem.seq_kv = 10;  // 8 · 10 pairs minus 28 above the diagonal
  EXPECT_EQ(flops(problem), 4.0 * 2 * 4 * 64 * (80 - 28));
  problem.seq_kv = 8;
  problem.window_left = 0;  // one key per query
  EXPECT_EQ(flops(problem), 4.0 * 2 * 4 * 64 * 8);
}

TEST(Problem, CompulsoryBytesCountEachTensorOnce) {
  Problem problem{.batch = 2, .heads_q = 4, .heads_kv = 2, .seq_q = 8, .seq_kv = 16, .head_dim = 64};
  EXPECT_EQ(compulsory_bytes(problem), 2.0 * 2 * (2 * 4 * 8 * 64 + 2 * 2 * 16 * 64));
  problem.lse = true;
  EXPECT_EQ(compulsory_bytes(problem), 2.0 * 2 * (2 * 4 * 8 * 64 + 2 * 2 * 16 * 64) + 4.0 * 2 * 4 * 8);
}

TEST(Problem, CompulsoryBytesFollowTheDtypes) {
  const Problem problem{.batch = 2,
                        .heads_q = 4,
                        .heads_kv = 2,
                        .seq_q = 8,
                        .seq_kv = 16,
                        .head_dim = 64,
                        .dtype = Dtype::e4m3};
  const double query = 2 * 4 * 8 * 64;
  EXPECT_EQ(compulsory_bytes(problem), query + 2.0 * 2 * 2 * 16 * 64 + 2 * query);
}

TEST(Problem, LayoutsPlaceEveryElementOnceWithinTheSpan) {
  for (const Layout layout : kAll<Layout>) {
    Problem problem{.batch = 2, .heads_q = 3, .heads_kv = 3, .seq_q = 5, .seq_kv = 5, .head_dim = 4};
    problem.layout = layout;
    const TensorShape shape = query_shape(problem);
    std::set<std::int64_t> offsets;
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      for (std::int64_t h = 0; h < shape.heads; ++h) {
        for (std::int64_t row = 0; row < shape.rows; ++row) {
          for (std::int64_t d = 0; d < shape.head_dim; ++d) {
            offsets.insert(b * shape.stride.batch + h * shape.stride.head + row * shape.stride.row + d);
          }
        }
      }
    }
    EXPECT_EQ(static_cast<std::int64_t>(offsets.size()), shape.elements()) << to_string(layout);
    EXPECT_EQ(*offsets.rbegin() + 1, shape.span_elements) << to_string(layout);
    const bool has_gaps = layout == Layout::padded || layout == Layout::far_batches;
    EXPECT_EQ(has_gaps, shape.span_elements > shape.elements()) << to_string(layout);
    std::int64_t owned = 0;
    for (const ElementRange& range : memory_ranges(shape)) {
      owned += std::ranges::count_if(offsets, [&](std::int64_t offset) {
        return offset >= range.first && offset < range.first + range.count;
      });
    }
    EXPECT_EQ(owned, shape.elements()) << to_string(layout);
  }
}

TEST(Problem, LayoutsForChecksShareKeysOrLieFarApart) {
  Problem problem{.batch = 2, .heads_q = 3, .heads_kv = 3, .seq_q = 5, .seq_kv = 5, .head_dim = 4};
  problem.layout = Layout::shared_heads;
  EXPECT_EQ(key_shape(problem).stride, (Strides{.batch = 60, .head = 0, .row = 4}));
  problem.layout = Layout::shared_batches;
  EXPECT_EQ(key_shape(problem).stride, (Strides{.batch = 0, .head = 20, .row = 4}));
  EXPECT_EQ(query_shape(problem).stride, (Strides{.batch = 60, .head = 20, .row = 4}));
  EXPECT_EQ(memory_ranges(query_shape(problem)).size(), 1u);
  problem.layout = Layout::far_batches;
  EXPECT_GT(query_shape(problem).stride.batch, std::int64_t{1} << 31);
  EXPECT_EQ(memory_ranges(query_shape(problem)).size(), 2u);
  problem.batch = (std::int64_t{1} << 31) - 1;
  EXPECT_THROW(validate(problem, ""), UsageError);
}

std::string message_of(const Problem& problem) {
  try {
    validate(problem, "/problems/0");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Problem, ValidateNamesTheField) {
  Problem good;
  good.scale = default_scale(good.head_dim);
  EXPECT_EQ(message_of(good), "");
  const auto expect = [&](auto change, const char* field) {
    Problem bad = good;
    change(bad);
    EXPECT_NE(message_of(bad).find(std::string("/problems/0") + field), std::string::npos) << message_of(bad);
  };
  expect([](Problem& p) { p.seq_q = 0; }, "/seq_q");
  expect([](Problem& p) { p.batch = -1; }, "/batch");
  expect([](Problem& p) { p.seq_kv = std::int64_t{1} << 31; }, "/seq_kv");
  expect([](Problem& p) { p.heads_q = 3, p.heads_kv = 2; }, "/heads_q");
  expect([](Problem& p) { p.softcap = -1; }, "/softcap");
  expect([](Problem& p) { p.out_dtype = Dtype::bf16; },
         "/out_dtype: is bf16, but must be fp16 because dtype is fp16");
  expect([](Problem& p) { p.dtype = *(p.out_dtype = Dtype::e4m3); },
         "/out_dtype: is e4m3, but must be one of fp16, bf16");
  expect([](Problem& p) { p.window_left = -2; }, "/window_left");
  expect([](Problem& p) { p.batch = p.seq_q = p.heads_q = (std::int64_t{1} << 31) - 1; },
         ": the product of the sizes");
}

TEST(Problem, IdHasTheFieldsThatAreNotAtTheirDefault) {
  Problem problem{.heads_q = 8, .heads_kv = 2, .seq_q = 5, .seq_kv = 7, .causal = true};
  problem.scale = default_scale(64);
  problem.layout = Layout::padded;
  problem.lse = true;
  EXPECT_EQ(problem_id(problem), "b1_hq8_hkv2_q5_kv7_d64_fp16_causal_padded_lse");
  problem.dtype = Dtype::e4m3;
  EXPECT_EQ(problem_id(problem), "b1_hq8_hkv2_q5_kv7_d64_e4m3_causal_padded_lse");
  problem.out_dtype = Dtype::fp16;
  EXPECT_EQ(problem_id(problem), "b1_hq8_hkv2_q5_kv7_d64_e4m3_outfp16_causal_padded_lse");
}

}  // namespace
}  // namespace flashcore
