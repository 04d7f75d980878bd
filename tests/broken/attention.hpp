// One tiled attention kernel for host and device, right as it stands (Break::none) and wrong in one place for
// every other Break. Written to be read and to be broken, not to be fast.
//
// A team works on a tile of kBlockQ query rows: the threads of a block on a GPU, one thread on a CPU. Team has
//   index, count        which of how many threads this is
//   sync()              the barrier
//   jitter()            lets threads drift apart where a barrier is missing
//   late(tile)          whether a lone thread plays, for this tile, a reader that comes before the writer
// and loops `for (i = index; i < n; i += count)` share out elements.
#pragma once

#include <cmath>
#include <cstdint>

#include "broken/breaks.hpp"
#include "broken/tile.hpp"

#ifdef __CUDACC__
#include "kernels/common/numeric.cuh"
#else
#include "kernels/common/cpu_numeric.hpp"
#endif

namespace flashcore::broken {

using kernels::from_float;
using kernels::to_float;

template <Break kBreak, class Element, class Team>
class TileAttention {
 public:
  FLASHCORE_HOST_DEVICE TileAttention(const AttentionArgs& args, TilePosition at, Workspace& work, Team team)
      : args_(args), at_(at), work_(work), team_(team) {}

  // Tiles past the end of a sequence have no rows.
  FLASHCORE_HOST_DEVICE void run() {
    if (at_.row_begin >= queries()) return;
    if (kBreak == Break::padding_left_out && keys() == 0) return;
    start();
    const int tiles = (keys() + kBlockKv - 1) / kBlockKv;
    for (int tile = 0; tile < kStages - 1; ++tile) load_keys(tile);
    for (int tile = 0; tile < tiles; ++tile) {
      load_keys(tile + kStages - 1);
      team_.sync();
      if (kBreak == Break::tile_skipped && tile == 1) continue;
      score_tile(tile);
      team_.sync();
      weigh_tile(tile);
      team_.sync();
    }
    store();
  }

 private:
  FLASHCORE_HOST_DEVICE int queries() const { return args_.sequences.queries(at_.batch); }
  FLASHCORE_HOST_DEVICE int keys() const { return args_.sequences.keys(at_.batch); }

  // The first element of a row.
  FLASHCORE_HOST_DEVICE const Element* query_row(int row) const {
    return static_cast<const Element*>(args_.q) +
           args_.query_offset(args_.q_stride, at_.batch, at_.head, row);
  }
  FLASHCORE_HOST_DEVICE Element* out_row(int row) const {
    return static_cast<Element*>(args_.out) + args_.query_offset(args_.out_stride, at_.batch, at_.head, row);
  }
  FLASHCORE_HOST_DEVICE const Element* key_row(const void* tensor, const Strides& stride, int key) const {
    return static_cast<const Element*>(tensor) + key_offset(stride, key);
  }

  // The faults of a paged cache are those of its place.
  FLASHCORE_HOST_DEVICE std::int64_t key_offset(const Strides& stride, int key) const {
    if (!args_.kv.is_paged()) return args_.key_offset(stride, at_.batch, kv_head(), key);
    const int page_size = args_.kv.page_size;
    const int last_page = (keys() - 1) / page_size;
    int page = key / page_size;
    int row = key % page_size;
    int sequence = at_.batch;
    if (kBreak == Break::wrong_page && page < last_page) ++page;
    if (kBreak == Break::wrong_page_row && row > 0) --row;
    if (kBreak == Break::neighbours_pages) {
      const int next = (sequence + 1) % args_.sequences.batch;
      if (args_.sequences.keys(next) > key) sequence = next;  // the entry exists
    }
    const std::int64_t entry = args_.kv.page_table[sequence * args_.kv.page_table_stride + page];
    return entry * stride.batch + kv_head() * stride.head + row * stride.row;
  }

  // A reader of the wrong head stays within the tensor, so that its fault is a wrong answer and not an
  // access.
  FLASHCORE_HOST_DEVICE int kv_head() const {
    if (kBreak == Break::wrong_kv_head) return at_.head < args_.heads_kv ? at_.head : args_.heads_kv - 1;
    return at_.head / (args_.heads_q / args_.heads_kv);
  }

  // Rows past the end are zero, and a ring that nothing was loaded into holds zeros.
  FLASHCORE_HOST_DEVICE void start() {
    for (int i = team_.index; i < kBlockQ * kHeadDim; i += team_.count) {
      const int row = i / kHeadDim;
      const int column = i % kHeadDim;
      const bool exists = at_.row_begin + row < queries();
      const Element* q_row = query_row(exists ? at_.row_begin + row : 0);
      work_.q[row][column] = exists ? to_float(q_row[column]) : 0.0f;
      if (kBreak == Break::scales_q_in_place && exists) {
        const_cast<Element*>(q_row)[column] = from_float<Element>(args_.scale * work_.q[row][column]);
      }
      work_.out[row][column] = 0;
    }
    for (int i = team_.index; i < kStages * kBlockKv * kHeadDim; i += team_.count) {
      work_.k[i / (kBlockKv * kHeadDim)][i % (kBlockKv * kHeadDim)] = 0;
      work_.v[i / (kBlockKv * kHeadDim)][i % (kBlockKv * kHeadDim)] = 0;
    }
    const bool counts_sink = args_.sinks != nullptr && kBreak != Break::sink_left_out;
    float sink = counts_sink ? args_.sinks[at_.head] : -INFINITY;
    if (kBreak == Break::sink_scaled) sink *= args_.scale;
    const bool from_zero = kBreak == Break::maximum_from_zero || kBreak == Break::exp_overflow;
    for (int row = team_.index; row < kBlockQ; row += team_.count) {
      work_.row_max[row] = kBreak == Break::maximum_from_zero ? 0.0f : sink;
      work_.row_sum[row] = sink == -INFINITY ? 0.0f : expf(from_zero ? sink : 0.0f);
      if (kBreak == Break::sink_twice) work_.row_sum[row] *= 2;
    }
    team_.sync();
    const bool weighs_sink = kBreak == Break::sink_in_output && counts_sink;
    for (int i = team_.index; i < kBlockQ * kHeadDim && weighs_sink; i += team_.count) {
      work_.out[i / kHeadDim][i % kHeadDim] = 1;
    }
    team_.sync();
  }

  // Rows after the last key are zero; with Break::stale_rows those of its page are as they are in memory.
  FLASHCORE_HOST_DEVICE bool is_loaded(int key) const {
    const bool stale = kBreak == Break::stale_rows && args_.kv.is_paged() && keys() > 0;
    return key < (stale ? ((keys() - 1) / args_.kv.page_size + 1) * args_.kv.page_size : keys());
  }

  // A tile that does not exist leaves its stage as it is.
  FLASHCORE_HOST_DEVICE void load_keys(int tile) {
    if (tile * kBlockKv >= keys()) return;
    for (int i = team_.index; i < kBlockKv * kHeadDim; i += team_.count) {
      const int key = tile * kBlockKv + i / kHeadDim;
      const bool exists = is_loaded(key);
      const int row = exists ? key : 0;
      const int column = i % kHeadDim;
      const Element k_value = key_row(args_.k, args_.kv.k, row)[column];
      const Element v_value = key_row(args_.v, args_.kv.v, row)[column];
      work_.k[tile % kStages][i] = exists ? to_float(k_value) : 0.0f;
      work_.v[tile % kStages][i] = exists ? to_float(v_value) : 0.0f;
    }
  }

  FLASHCORE_HOST_DEVICE static int stage_of(int tile) {
    return (kBreak == Break::ring_read_early ? tile + 1 : tile) % kStages;
  }

  FLASHCORE_HOST_DEVICE KeyRange keys_of(int row) const {
    const int query = at_.row_begin + row;
    if (query >= queries()) return {0, 0};
    KeyRange seen = args_.visible_keys(at_.batch, query);
    const int all = keys();
    const bool causal = args_.mask.right == 0;
    if (kBreak == Break::causal_off_by_one && causal && seen.end < all) ++seen.end;
    if (kBreak == Break::causal_top_left && causal) seen.end = query < all ? query + 1 : all;
    if (kBreak == Break::tail_not_masked && seen.end == all) {
      seen.end = (seen.end + kBlockKv - 1) / kBlockKv * kBlockKv;
    }
    const int tail = all % kBlockKv;
    if (kBreak == Break::last_key_dropped && tail == 0 && seen.end == all) --seen.end;
    if (kBreak == Break::tail_dropped && all > kBlockKv && seen.end > all - tail) seen.end = all - tail;
    return seen;
  }

  FLASHCORE_HOST_DEVICE float score_of(float dot) const {
    const float scale =
        kBreak == Break::wrong_scale ? args_.scale / sqrtf(static_cast<float>(args_.head_dim)) : args_.scale;
    const float score = scale * dot;
    return args_.softcap > 0 ? args_.softcap * tanhf(score / args_.softcap) : score;
  }

  // p = the scores of a tile, -inf where the mask hides them.
  FLASHCORE_HOST_DEVICE void score_tile(int tile) {
    const float* k = work_.k[stage_of(tile)];
    for (int i = team_.index; i < kBlockQ * kBlockKv; i += team_.count) {
      const int row = i / kBlockKv;
      const int column = i % kBlockKv;
      float dot = 0;
      for (int d = 0; d < kHeadDim; ++d) {
        const int at = kBreak == Break::k_transposed ? d * kBlockKv + column : column * kHeadDim + d;
        dot += work_.q[row][d] * k[at];
      }
      const KeyRange keys = keys_of(row);
      const int key = tile * kBlockKv + column;
      work_.p[row][column] = key >= keys.begin && key < keys.end ? score_of(dot) : -INFINITY;
    }
  }

  FLASHCORE_HOST_DEVICE void weigh_tile(int tile) {
    if (kBreak != Break::missing_barrier) {
      softmax_tile();
      team_.sync();
      add_values(tile);
    } else if (team_.late(tile)) {
      add_values(tile);
      softmax_tile();
    } else {
      team_.jitter();
      softmax_tile();
      add_values(tile);
    }
  }

  FLASHCORE_HOST_DEVICE static float add_to_sum(float sum, float p) {
    return kBreak == Break::half_sum ? to_float(from_float<Element>(sum + p)) : sum + p;
  }

  // p = exp(p - maximum); what was summed up before is rescaled to the new maximum.
  FLASHCORE_HOST_DEVICE void softmax_tile() {
    for (int row = team_.index; row < kBlockQ; row += team_.count) {
      float tile_max = -INFINITY;
      for (const float score : work_.p[row]) tile_max = fmaxf(tile_max, score);
      const bool carried = kBreak != Break::maximum_not_carried;
      const float old_max = work_.row_max[row];
      const float new_max = carried ? fmaxf(old_max, tile_max) : tile_max;
      const bool keep = kBreak == Break::exp_overflow || new_max == -INFINITY;
      const float subtract = keep ? 0.0f : new_max;
      const float rescale =
          old_max == -INFINITY || kBreak == Break::exp_overflow ? 1.0f : expf(old_max - subtract);
      float sum = work_.row_sum[row];
      if (kBreak != Break::sum_not_rescaled) sum *= rescale;
      for (float& p : work_.p[row]) {
        p = expf(p - subtract);
        sum = add_to_sum(sum, p);
      }
      if (kBreak != Break::output_not_rescaled) {
        for (float& value : work_.out[row]) value *= rescale;
      }
      work_.row_sum[row] = sum;
      work_.row_max[row] = new_max;
    }
  }

  // P as P·V sees it: rounded, as tensor cores take it. With Break::swapped_quadrants the lower left and the
  // upper right quadrant of each 16 x 16 fragment have changed places.
  FLASHCORE_HOST_DEVICE float probability(int row, int column) const {
    const int moved = kBreak != Break::swapped_quadrants || (row & 8) == (column & 8) ? 0 : 8;
    return to_float(from_float<Element>(work_.p[row ^ moved][column ^ moved]));
  }

  FLASHCORE_HOST_DEVICE void add_values(int tile) {
    const float* v = work_.v[stage_of(tile)];
    for (int i = team_.index; i < kBlockQ * kHeadDim; i += team_.count) {
      const int row = i / kHeadDim;
      const int column = i % kHeadDim;
      const int from = kBreak == Break::swapped_columns ? column ^ 8 : column;
      float sum = 0;
      for (int key = 0; key < kBlockKv; ++key) sum += probability(row, key) * v[key * kHeadDim + from];
      const float total = work_.out[row][column] + sum;
      work_.out[row][column] = kBreak == Break::half_output ? to_float(from_float<Element>(total)) : total;
    }
  }

  FLASHCORE_HOST_DEVICE void store() {
    constexpr int kFirstLostRow = 25;
    for (int i = team_.index; i < kBlockQ * kHeadDim; i += team_.count) {
      const int row = i / kHeadDim;
      const int query = at_.row_begin + row;
      if (query >= queries()) continue;
      Element* out = out_row(query);
      if (kBreak == Break::output_stride) out = out_row(0) + std::int64_t{query} * kHeadDim;
      const float sum = kBreak == Break::nan_output ? NAN : work_.row_sum[row];
      const bool lost = kBreak == Break::lost_rows && row >= kFirstLostRow;
      const bool divides = kBreak == Break::keyless_rows || kBreak == Break::nan_output || sum > 0;
      out[i % kHeadDim] = from_float<Element>(divides && !lost ? work_.out[row][i % kHeadDim] / sum : 0.0f);
    }
    if (args_.lse != nullptr) store_lse();
    store_elsewhere();
  }

  FLASHCORE_HOST_DEVICE void store_elsewhere() {
    if (kBreak == Break::overruns_workspace && team_.index == 0) {
      for (int i = 0; i < 16; ++i) static_cast<char*>(args_.workspace)[kWorkspaceBytes + i] = 1;
    }
    if (kBreak == Break::spoils_v && keys() > 0) {
      team_.sync();
      const Element* first_row = key_row(args_.v, args_.kv.v, 0);
      for (int i = team_.index; i < kHeadDim; i += team_.count) {
        const_cast<Element*>(first_row)[i] = from_float<Element>(0.0f);
      }
    }
  }

  // The log-sum-exp of a row, as the maximum of its scores and the sum of their exponentials give it.
  FLASHCORE_HOST_DEVICE float lse_of(float row_max, float sum) const {
    constexpr float kLog2E = 1.44269504f;
    if (kBreak == Break::lse_base_2) return kLog2E * (row_max + logf(sum));
    if (kBreak == Break::lse_offset) return row_max + logf(sum / 2);
    if (kBreak == Break::lse_unscaled) return row_max / args_.scale + logf(sum);
    return row_max + logf(sum);
  }

  FLASHCORE_HOST_DEVICE void store_lse() {
    if (kBreak == Break::lse_skips_decode && queries() == 1) return;
    for (int row = team_.index; row < kBlockQ; row += team_.count) {
      const int query = at_.row_begin + row;
      if (query >= queries()) continue;
      const float sum = work_.row_sum[row];
      const float row_max = kBreak == Break::exp_overflow ? 0.0f : work_.row_max[row];
      args_.lse[args_.lse_index(at_.batch, at_.head, query)] = sum > 0 ? lse_of(row_max, sum) : -INFINITY;
    }
  }

  const AttentionArgs& args_;
  TilePosition at_;
  Workspace& work_;
  Team team_;
};

}  // namespace flashcore::broken
