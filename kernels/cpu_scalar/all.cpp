// cpu_scalar: the CPU's baseline rung. Plain loops, scalar FP32.
//
// Idea: one query row at a time, with the rows split over all cores. Softmax takes three passes over the
// row's scores: Q·K and the maximum, the exponentials and their sum, P·V. Elements are converted where they
// are used.
//
// Limit: each row reads all of K and V again, one element at a time, and a dot product is one chain of
// dependent additions. Converting an fp16 element takes longer than multiplying it; a bf16 element is
// converted by a shift, so that the bf16 variants are about twice as fast.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/common/cpu_numeric.hpp"
#include "kernels/common/cpu_threads.hpp"
#include "kernels/common/cpu_variant.hpp"

namespace flashcore::kernels {
namespace {

// Buffers of one thread.
struct RowScratch {
  std::vector<float> q;      // [head_dim]
  std::vector<float> out;    // [head_dim_v]
  std::vector<float> score;  // [seq_kv]
};

struct HeadPosition {
  std::int64_t batch, head;
};

template <class Kv>
float score_key(const AttentionArgs& args, const float* q, const Kv* k_row) {
  float dot = 0;
  for (std::int32_t d = 0; d < args.head_dim; ++d) dot += q[d] * to_float(k_row[d]);
  const float score = args.scale * dot;
  return args.softcap > 0 ? args.softcap * std::tanh(score / args.softcap) : score;
}

struct RowResult {
  float lse, sum;
};

// Leaves the row's output, not yet divided by the sum, in scratch.out.
template <class Kv>
RowResult attend_row(const AttentionArgs& args, HeadPosition at, const KeyRange& keys, RowScratch& scratch) {
  const auto k = static_cast<const Kv*>(args.k);
  const auto v = static_cast<const Kv*>(args.v);
  const std::int64_t head_kv = args.kv_head(at.head);
  const float sink = args.sinks == nullptr ? kMinusInfinity : args.sinks[at.head];
  float row_max = sink;
  for (std::int32_t key = keys.begin; key < keys.end; ++key) {
    const Kv* k_row = k + args.key_offset(args.kv.k, at.batch, head_kv, key);
    scratch.score[key] = score_key(args, scratch.q.data(), k_row);
    row_max = std::max(row_max, scratch.score[key]);
  }
  const float subtract = row_max == kMinusInfinity ? 0 : row_max;  // -inf minus -inf would be NaN
  float sum = std::exp(sink - subtract);
  for (std::int32_t key = keys.begin; key < keys.end; ++key) {
    scratch.score[key] = std::exp(scratch.score[key] - subtract);
    sum += scratch.score[key];
  }
  std::fill(scratch.out.begin(), scratch.out.end(), 0.0f);
  for (std::int32_t key = keys.begin; key < keys.end; ++key) {
    const Kv* v_row = v + args.key_offset(args.kv.v, at.batch, head_kv, key);
    const float p = scratch.score[key];
    for (std::int32_t d = 0; d < args.head_dim_v; ++d) scratch.out[d] += p * to_float(v_row[d]);
  }
  return {sum == 0 ? kMinusInfinity : subtract + std::log(sum), sum};
}

template <class T>
void compute_row(const AttentionArgs& args, HeadPosition at, std::int32_t row, RowScratch& scratch) {
  const T* q_row = static_cast<const T*>(args.q) + args.query_offset(args.q_stride, at.batch, at.head, row);
  const std::int64_t head_kv = args.kv_head(at.head);
  const float qk_descale = descale_of(args.q_descale, args, at.batch, head_kv) *
                           descale_of(args.k_descale, args, at.batch, head_kv);
  for (std::int32_t d = 0; d < args.head_dim; ++d) scratch.q[d] = qk_descale * to_float(q_row[d]);
  const KeyRange keys = args.visible_keys(at.batch, row);
  const RowResult result =
      visit_kv_of<T>(args, [&]<class Kv>(Kv) { return attend_row<Kv>(args, at, keys, scratch); });
  const float v_descale = descale_of(args.v_descale, args, at.batch, head_kv);
  const float normalise = result.sum == 0 ? 0.0f : v_descale / result.sum;
  visit_output_of<T>(args, [&]<class Out>(Out) {
    Out* out_row = static_cast<Out*>(args.out) + args.query_offset(args.out_stride, at.batch, at.head, row);
    for (std::int32_t d = 0; d < args.head_dim_v; ++d)
      out_row[d] = from_float<Out>(scratch.out[d] * normalise);
  });
  if (args.lse != nullptr) {
    args.lse[args.lse_index(at.batch, at.head, row)] = args.lse_value(result.lse);
  }
}

template <class T>
int attention(const AttentionArgs& args) try {
  // Allocated here: an exception must not leave a parallel region.
  std::vector<RowScratch> scratch(thread_count());
  for (RowScratch& buffers : scratch) {
    buffers.q.resize(args.head_dim);
    buffers.out.resize(args.head_dim_v);
    buffers.score.resize(args.sequences.max_keys());
  }
  const std::int32_t seq_q = args.sequences.max_queries();
  const std::int64_t rows = std::int64_t{args.sequences.batch} * args.heads_q * seq_q;
#pragma omp parallel for schedule(dynamic, 16)
  for (std::int64_t i = 0; i < rows; ++i) {
    const HeadPosition at{i / seq_q / args.heads_q, i / seq_q % args.heads_q};
    const auto row = static_cast<std::int32_t>(i % seq_q);
    if (row < args.sequences.queries(at.batch)) compute_row<T>(args, at, row, scratch[thread_index()]);
  }
  return 0;
} catch (const std::bad_alloc&) {
  return ENOMEM;
}

struct CpuScalar {
  static constexpr const char* kFamily = "cpu_scalar";
  static constexpr const char* kSummary = "one query row at a time, plain loops";
  static constexpr std::string_view kProblemFields[] = {"lengths", "kv",         "kv_dtype", "head_dim_v",
                                                        "sinks",   "mask=chunk", "chunk",    kLseLayout};

  template <Dtype kDtype>
  static int launch(const AttentionArgs& args, const Tile&) {
    return visit_dtype(kDtype, [&]<class T>(T) { return attention<T>(args); });
  }
};

}  // namespace

std::span<const CompiledKernel> cpu_scalar_all() {
  static constexpr Tile kTiles[] = {{}};
  static constexpr auto kTable = cpu_table<CpuScalar, kTiles>();
  return kTable;
}

}  // namespace flashcore::kernels
