// The SIMD part of cpu_fused: one query tile against all its keys. Compiled once for each instruction set,
// hence no include guard; lanes are query rows throughout.
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "kernels/common/base2.hpp"
#include "kernels/common/cpu_numeric.hpp"
#include "kernels/cpu_fused/load-inl.hpp"
#include "kernels/cpu_fused/tile.hpp"

HWY_BEFORE_NAMESPACE();
namespace flashcore::kernels::cpu_fused::HWY_NAMESPACE {

constexpr std::size_t kVecs = kPanelRows / kLanes;  // vectors that make up a panel's row
// Twelve accumulators hide the latency of two FMAs per cycle and leave room in sixteen registers.
constexpr std::size_t kBlockRows = kVecs >= 12 ? 1 : 12 / kVecs;

// --- Matrix product

// A[row, step] = data[row · row_stride + step · step_stride]
struct Broadcast {
  const float* data;
  std::size_t row_stride, step_stride;
};

// c[kRows, kPanelRows] = (kAccumulate ? c · rescale : 0) + A[kRows, steps] · b[steps, kPanelRows]
template <std::size_t kRows, bool kAccumulate>
HWY_INLINE void multiply_block(const Broadcast& a, std::size_t steps, const float* HWY_RESTRICT b,
                               const float* HWY_RESTRICT rescale, float* HWY_RESTRICT c) {
  FloatVec acc[kRows][kVecs];
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t i = 0; i < kVecs; ++i) {
      acc[r][i] = hn::Zero(kFloat);
      if constexpr (kAccumulate) {
        acc[r][i] = hn::Mul(hn::Load(kFloat, c + r * kPanelRows + i * kLanes),
                            hn::Load(kFloat, rescale + i * kLanes));
      }
    }
  }
  for (std::size_t step = 0; step < steps; ++step) {
    FloatVec b_row[kVecs];
    for (std::size_t i = 0; i < kVecs; ++i) b_row[i] = hn::Load(kFloat, b + step * kPanelRows + i * kLanes);
    for (std::size_t r = 0; r < kRows; ++r) {
      const FloatVec a_element = hn::Set(kFloat, a.data[r * a.row_stride + step * a.step_stride]);
      for (std::size_t i = 0; i < kVecs; ++i) acc[r][i] = hn::MulAdd(a_element, b_row[i], acc[r][i]);
    }
  }
  for (std::size_t r = 0; r < kRows; ++r) {
    for (std::size_t i = 0; i < kVecs; ++i) hn::Store(acc[r][i], kFloat, c + r * kPanelRows + i * kLanes);
  }
}

// The same for any number of rows: full blocks first, the rest in ever smaller ones.
template <std::size_t kRows, bool kAccumulate>
HWY_INLINE void multiply(Broadcast a, std::size_t rows, std::size_t steps, const float* b,
                         const float* rescale, float* c) {
  for (; rows >= kRows; rows -= kRows) {
    multiply_block<kRows, kAccumulate>(a, steps, b, rescale, c);
    a.data += kRows * a.row_stride;
    c += kRows * kPanelRows;
  }
  if constexpr (kRows > 1) {
    if (rows > 0) multiply<kRows / 2, kAccumulate>(a, rows, steps, b, rescale, c);
  }
}

// --- Softmax

// 2^x, relative error 2e-7; 0 below 2^-126, NaN of NaN. x must be below 127.
HWY_INLINE FloatVec exp2(FloatVec x) {
  const FloatVec lowest = hn::Set(kFloat, -126.0f);
  const auto vanishes = hn::Lt(x, lowest);
  // Not Max: its result for a NaN depends on the instruction set.
  const FloatVec clamped = hn::IfThenElse(vanishes, lowest, x);
  const FloatVec whole = hn::Round(clamped);
  const FloatVec f = hn::Sub(clamped, whole);  // in [-1/2, 1/2]
  // Chebyshev interpolation of 2^f with weight 1 / 2^f.
  FloatVec power = hn::MulAdd(f, hn::Set(kFloat, 1.3390863e-3f), hn::Set(kFloat, 9.676032e-3f));
  power = hn::MulAdd(f, power, hn::Set(kFloat, 5.5503571e-2f));
  power = hn::MulAdd(f, power, hn::Set(kFloat, 2.40221075e-1f));
  power = hn::MulAdd(f, power, hn::Set(kFloat, 6.93147188e-1f));
  power = hn::MulAdd(f, power, hn::Set(kFloat, 1.0000000755f));
  // A product, since an addition to the exponent's bits would turn NaN into a number.
  const auto exponent = hn::Add(hn::ConvertTo(kInt, whole), hn::Set(kInt, 127));
  const FloatVec result = hn::Mul(power, hn::BitCast(kFloat, hn::ShiftLeft<23>(exponent)));
  return hn::IfThenZeroElse(vanishes, result);
}

// Scores in base 2 from scores times 2·log2(e)/softcap: softcap · tanh(s / softcap) · log2(e).
HWY_INLINE void cap_scores(float softcap, std::size_t keys, float* score) {
  const FloatVec cap = hn::Set(kFloat, softcap * kLog2E);
  const FloatVec most = hn::Set(kFloat, 64.0f);  // tanh is 1 in float long before
  for (std::size_t i = 0; i < keys * kPanelRows; i += kLanes) {
    const FloatVec x = hn::Load(kFloat, score + i);
    const FloatVec power = exp2(hn::IfThenElse(hn::Gt(x, most), most, x));  // keeps NaN, as Min need not
    const FloatVec one = hn::Set(kFloat, 1.0f);
    const FloatVec tanh = hn::Div(hn::Sub(power, one), hn::Add(power, one));
    hn::Store(hn::Mul(cap, tanh), kFloat, score + i);
  }
}

// Keys that a row does not see get -inf. first_key is the tile's first key.
HWY_INLINE void mask_scores(const AttentionArgs& args, const TilePosition& at, std::int32_t panel_row,
                            std::int32_t first_key, std::size_t keys, float* score) {
  HWY_ALIGN std::int32_t first_seen[kPanelRows];
  HWY_ALIGN std::int32_t last_seen[kPanelRows];
  for (std::int32_t i = 0; i < kPanelRows; ++i) {
    const KeyRange range = args.visible_keys(at.batch, at.row_begin + std::min(panel_row + i, at.rows - 1));
    first_seen[i] = range.begin;
    last_seen[i] = range.end - 1;
  }
  const FloatVec masked = hn::Set(kFloat, kMinusInfinity);
  for (std::size_t key = 0; key < keys; ++key) {
    const auto key_index = hn::Set(kInt, first_key + static_cast<std::int32_t>(key));
    for (std::size_t i = 0; i < kPanelRows; i += kLanes) {
      float* cell = score + key * kPanelRows + i;
      const auto unseen = hn::Or(hn::Lt(key_index, hn::Load(kInt, first_seen + i)),
                                 hn::Gt(key_index, hn::Load(kInt, last_seen + i)));
      hn::Store(hn::IfThenElse(hn::RebindMask(kFloat, unseen), masked, hn::Load(kFloat, cell)), kFloat, cell);
    }
  }
}

// Turns scores into exp2(score - new maximum), updates maximum and sum, and writes the factor for all earlier
// sums to `rescale`.
HWY_INLINE void softmax_step(std::size_t keys, float* HWY_RESTRICT score, float* HWY_RESTRICT row_max,
                             float* HWY_RESTRICT row_sum, float* HWY_RESTRICT rescale) {
  for (std::size_t i = 0; i < kPanelRows; i += kLanes) {
    const FloatVec old_max = hn::Load(kFloat, row_max + i);
    FloatVec new_max = old_max;
    for (std::size_t key = 0; key < keys; ++key) {
      new_max = hn::Max(new_max, hn::Load(kFloat, score + key * kPanelRows + i));
    }
    // Rows that have seen no key keep -inf as their maximum; -inf minus -inf would be NaN.
    const auto empty = hn::Eq(new_max, hn::Set(kFloat, kMinusInfinity));
    const FloatVec subtract = hn::IfThenZeroElse(empty, new_max);
    FloatVec sum = hn::Zero(kFloat);
    for (std::size_t key = 0; key < keys; ++key) {
      float* cell = score + key * kPanelRows + i;
      const FloatVec p = exp2(hn::Sub(hn::Load(kFloat, cell), subtract));
      hn::Store(p, kFloat, cell);
      sum = hn::Add(sum, p);
    }
    const FloatVec factor = exp2(hn::Sub(old_max, subtract));
    hn::Store(factor, kFloat, rescale + i);
    hn::Store(hn::MulAdd(hn::Load(kFloat, row_sum + i), factor, sum), kFloat, row_sum + i);
    hn::Store(new_max, kFloat, row_max + i);
  }
}

// --- The tile

// Transposes Q panel by panel and scales it; rows past the tile are zero. Begins the running softmax with the sink.
template <class T>
void begin_tile(const AttentionArgs& args, const TilePosition& at, const TileScratch& scratch) {
  const auto [head_dim, head_dim_v] = widths_of(args);
  const float qk_descale = descale_of(args.q_descale, args, at.batch, at.head_kv) *
                           descale_of(args.k_descale, args, at.batch, at.head_kv);
  const float factor =
      qk_descale * (args.softcap > 0 ? 2 * kLog2E * args.scale / args.softcap : kLog2E * args.scale);
  const float sink = args.sinks == nullptr ? kMinusInfinity : args.sinks[at.head] * kLog2E;
  const T* q =
      static_cast<const T*>(args.q) + args.query_offset(args.q_stride, at.batch, at.head, at.row_begin);
  const std::size_t row_floats = head_dim + kRowPadding;
  for (std::int32_t row = 0; row < at.rows; row += kPanelRows) {
    for (std::int32_t i = 0; i < kPanelRows; ++i) {
      if (row + i < at.rows) {
        load_row(q + (row + i) * args.q_stride.row, head_dim, scratch.rows + i * row_floats);
      } else {
        std::fill_n(scratch.rows + i * row_floats, head_dim, 0.0f);
      }
    }
    float* panel = scratch.q + row * head_dim;
    for (std::size_t d = 0; d < head_dim; ++d) {
      for (std::size_t i = 0; i < kPanelRows; ++i) {
        panel[d * kPanelRows + i] = factor * scratch.rows[i * row_floats + d];
      }
    }
    std::fill_n(scratch.out + row * head_dim_v, kPanelRows * head_dim_v, 0.0f);
    std::fill_n(scratch.row_max + row, kPanelRows, sink);
    std::fill_n(scratch.row_sum + row, kPanelRows, sink == kMinusInfinity ? 0.0f : 1.0f);
  }
}

template <class T>
void load_keys(const AttentionArgs& args, const TilePosition& at, std::int32_t first_key, std::size_t keys,
               const TileScratch& scratch) {
  const auto [head_dim, head_dim_v] = widths_of(args);
  const auto* k = static_cast<const T*>(args.k);
  const auto* v = static_cast<const T*>(args.v);
  for (std::size_t i = 0; i < keys; ++i) {
    const std::int64_t key = first_key + static_cast<std::int64_t>(i);
    load_row(k + args.key_offset(args.kv.k, at.batch, at.head_kv, key), head_dim,
             scratch.k + i * (head_dim + kRowPadding));
    load_row(v + args.key_offset(args.kv.v, at.batch, at.head_kv, key), head_dim_v,
             scratch.v + i * (head_dim_v + kRowPadding));
  }
}

// One panel of query rows against the keys in scratch.k and scratch.v.
void attend_panel(const AttentionArgs& args, const TilePosition& at, std::int32_t panel_row,
                  std::int32_t first_key, std::size_t keys, bool masked, const TileScratch& scratch) {
  const auto [head_dim, head_dim_v] = widths_of(args);
  HWY_ALIGN float rescale[kPanelRows];
  const Broadcast k{scratch.k, head_dim + kRowPadding, 1};
  multiply<kBlockRows, false>(k, keys, head_dim, scratch.q + panel_row * head_dim, nullptr, scratch.score);
  if (args.softcap > 0) cap_scores(args.softcap, keys, scratch.score);
  if (masked) mask_scores(args, at, panel_row, first_key, keys, scratch.score);
  softmax_step(keys, scratch.score, scratch.row_max + panel_row, scratch.row_sum + panel_row, rescale);
  const Broadcast v{scratch.v, 1, head_dim_v + kRowPadding};
  multiply<kBlockRows, true>(v, head_dim_v, keys, scratch.score, rescale,
                             scratch.out + panel_row * head_dim_v);
}

template <class Out>
void finish_tile(const AttentionArgs& args, const TilePosition& at, const TileScratch& scratch) {
  const auto head_dim_v = static_cast<std::int64_t>(args.head_dim_v);
  const float v_descale = descale_of(args.v_descale, args, at.batch, at.head_kv);
  Out* out =
      static_cast<Out*>(args.out) + args.query_offset(args.out_stride, at.batch, at.head, at.row_begin);
  for (std::int32_t row = 0; row < at.rows; ++row) {
    const float sum = scratch.row_sum[row];
    const float normalise = sum > 0 ? v_descale / sum : 0.0f;
    const float* column = scratch.out + row / kPanelRows * kPanelRows * head_dim_v + row % kPanelRows;
    Out* out_row = out + row * args.out_stride.row;
    for (std::int64_t d = 0; d < head_dim_v; ++d) {
      out_row[d] = from_float<Out>(column[d * kPanelRows] * normalise);
    }
    if (args.lse != nullptr) {
      args.lse[args.lse_index(at.batch, at.head, at.row_begin + row)] =
          args.lse_value(sum == 0 ? kMinusInfinity : scratch.row_max[row] * kLn2 + std::log(sum));
    }
  }
}

template <class T>
void attend_tile(const AttentionArgs& args, const Tile& tile, const TilePosition& at,
                 const TileScratch& scratch) {
  begin_tile<T>(args, at, scratch);
  // Both ends of the visible range grow with the row: the first and the last row bound all of them.
  const KeyRange first_row = args.visible_keys(at.batch, at.row_begin);
  const KeyRange last_row = args.visible_keys(at.batch, at.row_begin + at.rows - 1);
  for (std::int32_t key = first_row.begin; key < last_row.end; key += tile.block_kv) {
    const std::int32_t keys = std::min(tile.block_kv, last_row.end - key);
    const bool masked = key < last_row.begin || key + keys > first_row.end;
    visit_kv_of<T>(
        args, [&]<class Kv>(Kv) { load_keys<Kv>(args, at, key, static_cast<std::size_t>(keys), scratch); });
    for (std::int32_t row = 0; row < at.rows; row += kPanelRows) {
      attend_panel(args, at, row, key, static_cast<std::size_t>(keys), masked, scratch);
    }
  }
  visit_output_of<T>(args, [&]<class Out>(Out) { finish_tile<Out>(args, at, scratch); });
}

void attend_tile_fp16(const AttentionArgs& args, const Tile& tile, const TilePosition& at,
                      const TileScratch& scratch) {
  attend_tile<Fp16>(args, tile, at, scratch);
}

void attend_tile_bf16(const AttentionArgs& args, const Tile& tile, const TilePosition& at,
                      const TileScratch& scratch) {
  attend_tile<Bf16>(args, tile, at, scratch);
}

void attend_tile_e4m3(const AttentionArgs& args, const Tile& tile, const TilePosition& at,
                      const TileScratch& scratch) {
  attend_tile<E4m3>(args, tile, at, scratch);
}

}  // namespace flashcore::kernels::cpu_fused::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
