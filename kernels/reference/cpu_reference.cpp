#include "kernels/reference/cpu_reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/common/cpu_numeric.hpp"
#include "kernels/common/cpu_threads.hpp"
#include "kernels/reference/e4m3_weight.hpp"

namespace flashcore::kernels {
namespace {

// The roundings of the unfused attention; the reference has none. A probability is weight / sum, and the largest
// weight of a row is 1.
struct Exact {
  template <class Real>
  static Real score(Real x) {
    return x;
  }
  template <class Real>
  static Real probability(Real weight, Real sum) {
    return weight / sum;
  }
  template <class Real>
  static Real output(Real x) {
    return x;
  }
};

template <class T>
float rounded(float x) {
  return to_float(from_float<T>(x));
}

template <class T>
struct RoundedTo {
  static float score(float x) { return rounded<T>(x); }
  static float probability(float weight, float sum) { return rounded<T>(weight / sum); }
  static float output(float x) { return rounded<T>(x); }
};

template <class Out>
struct RoundedToE4m3 {
  static float score(float x) { return x; }
  static float probability(float weight, float sum) { return e4m3_probability(weight, sum); }
  static float output(float x) { return rounded<Out>(x); }
};

// The rows [keys, columns] of one head of K or V as Real, without gaps.
template <class Kv, class Real>
void load_head(std::vector<Real>& rows, const void* base, const Strides& stride, std::int64_t columns,
               Real factor, std::int64_t batch, std::int64_t head, const AttentionArgs& args) {
  for (std::int64_t row = 0; row < args.sequences.keys(batch); ++row) {
    const Kv* source = static_cast<const Kv*>(base) + args.key_offset(stride, batch, head, row);
    for (std::int64_t d = 0; d < columns; ++d) rows[row * columns + d] = factor * to_float(source[d]);
  }
}

template <class Real>
Real dot(const Real* a, const Real* b, std::int64_t size) {
  Real sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t d = 0; d < size; ++d) sum += a[d] * b[d];
  return sum;
}

// The score that a head counts without a key; -inf when it has none.
template <class Real>
Real sink_of(const AttentionArgs& args, std::int64_t head) {
  return args.sinks == nullptr ? -std::numeric_limits<Real>::infinity() : Real{args.sinks[head]};
}

// Scores of the visible keys into `score`; returns their maximum with the sink, -inf when there is neither.
template <class Real, class Rounding>
Real score_row(const AttentionArgs& args, const KeyRange& keys, Real sink, const Real* q, const Real* k,
               Real* score) {
  Real row_max = sink;
  const Real cap = args.softcap;
  for (std::int32_t key = keys.begin; key < keys.end; ++key) {
    const Real product = dot(q, k + std::int64_t{key} * args.head_dim, args.head_dim);
    Real value = Rounding::score(static_cast<Real>(args.scale) * product);
    if (cap > 0) value = Rounding::score(cap * std::tanh(value / cap));
    score[key] = value;
    row_max = std::max(row_max, value);
  }
  return row_max;
}

// Softmax in place, then P·V into out; returns the log-sum-exp.
template <class Real, class Rounding>
Real weigh_values(const AttentionArgs& args, const KeyRange& keys, Real sink, Real row_max, Real* score,
                  const Real* v, Real* out) {
  std::fill_n(out, args.head_dim_v, Real{0});
  constexpr Real kMinusInfinite = -std::numeric_limits<Real>::infinity();
  const Real subtract = row_max == kMinusInfinite ? 0 : row_max;  // -inf minus -inf would be NaN
  Real sum = std::exp(sink - subtract);
  for (std::int32_t key = keys.begin; key < keys.end; ++key) {
    score[key] = std::exp(score[key] - subtract);
    sum += score[key];
  }
  if (sum == 0) return kMinusInfinite;
  for (std::int32_t key = keys.begin; key < keys.end; ++key) {
    const Real p = Rounding::probability(score[key], sum);
    const Real* v_row = v + std::int64_t{key} * args.head_dim_v;
#pragma omp simd
    for (std::int32_t d = 0; d < args.head_dim_v; ++d) out[d] += p * v_row[d];
  }
  for (std::int32_t d = 0; d < args.head_dim_v; ++d) out[d] = Rounding::output(out[d]);
  return subtract + std::log(sum);
}

template <class T, class Real>
struct HeadBuffers {
  explicit HeadBuffers(const AttentionArgs& args)
      : k(std::int64_t{args.sequences.max_keys()} * args.head_dim),
        v(std::int64_t{args.sequences.max_keys()} * args.head_dim_v) {}

  void load(const AttentionArgs& args, std::int64_t batch, std::int64_t head) {
    const Real k_factor = descale_of(args.k_descale, args, batch, head);
    const Real v_factor = descale_of(args.v_descale, args, batch, head);
    visit_kv_of<T>(args, [&]<class Kv>(Kv) {
      load_head<Kv>(k, args.k, args.kv.k, args.head_dim, k_factor, batch, head, args);
      load_head<Kv>(v, args.v, args.kv.v, args.head_dim_v, v_factor, batch, head, args);
    });
  }
  std::vector<Real> k, v;
};

// The first row of a head in outputs without gaps, where the heads of one sequence follow each other.
std::int64_t first_output_row(const AttentionArgs& args, std::int64_t batch, std::int64_t head) {
  if (!args.sequences.is_ragged()) return (batch * args.heads_q + head) * args.sequences.seq_q;
  return args.sequences.first_query(batch) * args.heads_q + head * args.sequences.queries(batch);
}

// All rows of one query head, split over the threads.
template <class T, class Real, class Rounding>
void attend_head(const AttentionArgs& args, std::int64_t batch, std::int64_t head, const Real* k,
                 const Real* v, std::vector<std::vector<Real>>& scratch, Real* out, Real* lse) {
  const std::int64_t first_row = first_output_row(args, batch, head);
  const Real sink = sink_of<Real>(args, head);
  const Real factor = descale_of(args.q_descale, args, batch, args.kv_head(head));
#pragma omp parallel
  {
    std::vector<Real>& row_scratch = scratch[thread_index()];
    Real* score = row_scratch.data();
    Real* q = score + args.sequences.max_keys();
#pragma omp for schedule(dynamic, 8)
    for (std::int32_t row = 0; row < args.sequences.queries(batch); ++row) {
      const T* q_row = static_cast<const T*>(args.q) + args.query_offset(args.q_stride, batch, head, row);
      for (std::int32_t d = 0; d < args.head_dim; ++d) q[d] = factor * to_float(q_row[d]);
      const KeyRange keys = args.visible_keys(batch, row);
      const Real row_max = score_row<Real, Rounding>(args, keys, sink, q, k, score);
      const Real row_lse = weigh_values<Real, Rounding>(args, keys, sink, row_max, score, v,
                                                        out + (first_row + row) * args.head_dim_v);
      if (lse != nullptr) lse[first_row + row] = row_lse;
    }
  }
}

template <class T, class Real, class Rounding>
void attend(const AttentionArgs& args, Real* out, Real* lse) {
  HeadBuffers<T, Real> buffers(args);
  // Allocated here: an exception must not leave a parallel region.
  std::vector<std::vector<Real>> scratch(
      thread_count(), std::vector<Real>(std::int64_t{args.sequences.max_keys()} + args.head_dim));
  const std::int64_t group = args.heads_q / args.heads_kv;
  for (std::int64_t batch = 0; batch < args.sequences.batch; ++batch) {
    for (std::int64_t head_q = 0; head_q < args.heads_q; ++head_q) {
      if (head_q % group == 0) buffers.load(args, batch, head_q / group);
      attend_head<T, Real, Rounding>(args, batch, head_q, buffers.k.data(), buffers.v.data(), scratch, out,
                                     lse);
    }
  }
}

}  // namespace

template <class Real>
void reference_attention(const AttentionArgs& args, Dtype dtype, Real* out, Real* lse) {
  visit_dtype(dtype, [&]<class T>(T) { attend<T, Real, Exact>(args, out, lse); });
}

template void reference_attention<float>(const AttentionArgs&, Dtype, float*, float*);
template void reference_attention<double>(const AttentionArgs&, Dtype, double*, double*);

void unfused_attention(const AttentionArgs& args, Dtype dtype, float* out) {
  visit_dtype(dtype, [&]<class T>(T) {
    visit_output_of<T>(args, [&]<class Out>(Out) {
      using Rounding = std::conditional_t<std::is_same_v<T, E4m3>, RoundedToE4m3<Out>, RoundedTo<T>>;
      attend<T, float, Rounding>(args, out, nullptr);
    });
  });
}

}  // namespace flashcore::kernels
