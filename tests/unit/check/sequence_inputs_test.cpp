// Inputs and reference of ragged batches, paged caches and sinks.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <set>

#include "check/cpu_check_device.hpp"
#include "check/problem_buffers.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "kernels/reference/cpu_reference.hpp"

namespace flashcore {
namespace {

constexpr std::uint64_t kSeed = 5;

Problem problem_of(KvCache kv, Dtype dtype = Dtype::fp16) {
  Problem problem{.lengths = Lengths{.q = {5, 0, 20, 1, 1}, .kv = {9, 4, 37, 0, 64}},
                  .heads_q = 4,
                  .heads_kv = 2,
                  .head_dim = 16,
                  .dtype = dtype,
                  .causal = true,
                  .scale = 0.25,
                  .sinks = true,
                  .kv = kv,
                  .lse = true};
  problem.layout = default_layout(problem);
  apply_lengths(problem);
  normalize(problem);
  return problem;
}

const KvCache kPaged{.layout = KvKind::paged, .page_size = 8};

class SequenceInputsTest : public ::testing::Test {
 protected:
  ProblemBuffers make(const Problem& problem) {
    return {problem, kSeed, kernels::InputKind::normal, *device};
  }

  std::unique_ptr<CheckDevice> device = make_cpu_check_device();
};

// The check computes one sequence after the other from gathered rows; the reference of the CPU follows the arrays.
TEST_F(SequenceInputsTest, TheReferenceIsThatOfTheWholeBatch) {
  KvCache prefix = kPaged;
  prefix.prefix_sequences = 3;
  prefix.prefix_keys = 8;
  Problem window = problem_of(kPaged);
  window.causal = false;
  window.window_left = 3;
  window.window_right = 0;
  Problem narrow = problem_of(kPaged);
  narrow.head_dim_v = 8;
  Problem eight_bits = problem_of(kPaged);
  eight_bits.kv_dtype = Dtype::e4m3;
  Problem equal = problem_of(kPaged);
  equal.lengths.reset();
  Problem heads_first = problem_of({});
  heads_first.layout = Layout::bhsd;
  for (const Problem& problem :
       {problem_of({}), problem_of(kPaged), problem_of(prefix), problem_of({}, Dtype::e4m3), window, narrow,
        eight_bits, equal, heads_first}) {
    const ProblemBuffers buffers = make(problem);
    const std::vector<float> out = buffers.reference_out();
    const std::vector<float> lse = buffers.reference_lse();
    std::vector<float> whole(out.size());
    std::vector<float> whole_lse(lse.size());
    kernels::reference_attention(buffers.args({}), problem.dtype, whole.data(), whole_lse.data());
    EXPECT_EQ(out, whole) << kv_cache_text(problem.kv);
    EXPECT_EQ(lse, whole_lse) << kv_cache_text(problem.kv);
  }
}

TEST_F(SequenceInputsTest, WhatNoSequenceUsesIsNan) {
  for (const KvCache& cache : {KvCache{}, kPaged}) {
    const Problem problem = problem_of(cache);
    const ProblemBuffers buffers = make(problem);
    const SequencePlan plan = sequence_plan(problem);
    const TensorShape shape = key_shape(problem);
    std::set<std::int64_t> used;
    for (std::int64_t sequence = 0; sequence < problem.batch; ++sequence) {
      for (const std::int64_t row : key_offsets(problem, plan, sequence, shape)) {
        for (std::int64_t head = 0; head < shape.heads; ++head) used.insert(row + head * shape.stride.head);
      }
    }
    const auto* k = static_cast<const kernels::Fp16*>(buffers.args({}).k);
    std::int64_t unused = 0;
    for (std::int64_t row = 0; row < shape.span_elements; row += shape.head_dim) {
      const bool is_nan = std::isnan(to_float(k[row]));
      EXPECT_EQ(is_nan, !used.contains(row)) << row;
      unused += is_nan;
    }
    EXPECT_GT(unused, 0);
  }
}

TEST_F(SequenceInputsTest, PagesOutsideOfAWindowAreNan) {
  Problem problem = problem_of(kPaged);
  problem.lengths = Lengths{.q = {1}, .kv = {40}};
  apply_lengths(problem);
  problem.causal = false;
  problem.window_left = 9;
  problem.window_right = 0;
  const ProblemBuffers buffers = make(problem);
  const auto offsets = key_offsets(problem, sequence_plan(problem), 0, key_shape(problem));
  const auto* k = static_cast<const kernels::Fp16*>(buffers.args({}).k);
  for (std::size_t key = 0; key < offsets.size(); ++key) {
    EXPECT_EQ(std::isnan(to_float(k[offsets[key]])), key < 24)
        << "the query sees the keys from 30 on, key " << key;
  }
}

TEST_F(SequenceInputsTest, AChangeOfLengthsPagesOrSinksIsSeenAndMended) {
  ProblemBuffers buffers = make(problem_of(kPaged));
  InputSets& inputs = buffers.inputs();
  const AttentionArgs args = buffers.args({});
  const std::string before = inputs.hash();
  auto* length = const_cast<std::int32_t*>(args.sequences.seqused_k);
  auto* page = const_cast<std::int32_t*>(args.kv.page_table);
  auto* sink = const_cast<float*>(args.sinks);
  const auto expect_seen = [&](auto* value) {
    inputs.remember(1);
    EXPECT_EQ(inputs.changed(), "");
    *value += 1;
    EXPECT_EQ(inputs.changed(), "its lengths, pages or sinks");
    inputs.restore();
    EXPECT_EQ(inputs.hash(), before);
  };
  expect_seen(length);
  expect_seen(page);
  expect_seen(sink);
}

TEST_F(SequenceInputsTest, OtherLengthsAreInTheSameMemory) {
  for (const KvCache& cache : {KvCache{}, kPaged}) {
    ProblemBuffers buffers = make(problem_of(cache));
    const AttentionArgs before = buffers.args({});
    const Lengths lengths = *buffers.problem().lengths;
    buffers.set_lengths(dealt_anew(lengths, kSeed));
    const AttentionArgs after = buffers.args({});
    EXPECT_NE(*buffers.problem().lengths, lengths);
    EXPECT_EQ(after.q, before.q);
    EXPECT_EQ(after.k, before.k);
    EXPECT_EQ(after.sequences.cu_seqlens_q, before.sequences.cu_seqlens_q);
    EXPECT_EQ(after.kv.page_table, before.kv.page_table);
    const std::vector<float> out = buffers.reference_out();
    std::vector<float> whole(out.size());
    kernels::reference_attention(after, buffers.problem().dtype, whole.data(), static_cast<float*>(nullptr));
    EXPECT_EQ(out, whole);
  }
}

}  // namespace
}  // namespace flashcore
