// Attention of one query row on one thread of host or device, by pieces of keys whose results are merged. Right in every
// form; BatchBreak sets what pieces and order depend on.
#pragma once

#include <cmath>
#include <cstdint>

#include "attention/args.hpp"
#include "broken/batch_breaks.hpp"
#include "broken/tile.hpp"

#ifdef __CUDACC__
#include "kernels/common/numeric.cuh"
#else
#include "kernels/common/cpu_numeric.hpp"
#endif

namespace flashcore::broken {

using kernels::from_float;
using kernels::to_float;

struct BatchRow {
  int sequence, head, row;
};

FLASHCORE_HOST_DEVICE inline std::int64_t batch_row_count(const AttentionArgs& args) {
  return std::int64_t{args.sequences.batch} * args.heads_q * args.sequences.seq_q;
}

FLASHCORE_HOST_DEVICE inline BatchRow batch_row(const AttentionArgs& args, std::int64_t index) {
  const std::int64_t head = index / args.sequences.seq_q;
  return {static_cast<int>(head / args.heads_q), static_cast<int>(head % args.heads_q),
          static_cast<int>(index % args.sequences.seq_q)};
}

template <BatchBreak kBreak, class Element>
class RowAttention {
 public:
  FLASHCORE_HOST_DEVICE RowAttention(const AttentionArgs& args, BatchRow at, unsigned launch)
      : args_(args), at_(at), launch_(launch) {}

  // Rows past the end of a sequence do not exist.
  FLASHCORE_HOST_DEVICE void run() {
    if (at_.row >= args_.sequences.queries(at_.sequence)) return;
    if (args_.sinks != nullptr) {
      max_ = args_.sinks[at_.head];
      sum_ = 1;
    }
    const int keys = args_.sequences.keys(at_.sequence);
    const int first = first_cut();
    const int size = piece_size();
    const int pieces = (keys - first + size - 1) / size + (first > 0 ? 1 : 0);
    for (int i = 0; i < pieces; ++i) {
      const int piece = from_end() ? pieces - 1 - i : i;
      const int end = first > 0 ? first + piece * size : (piece + 1) * size;
      add_piece(end - size > 0 ? end - size : 0, end < keys ? end : keys);
    }
    store();
  }

 private:
  static constexpr int kPiece = 64;

  FLASHCORE_HOST_DEVICE std::int64_t keys_before(int sequence) const {
    std::int64_t keys = 0;
    for (int i = 0; i < sequence; ++i) keys += args_.sequences.keys(i);
    return keys;
  }
  FLASHCORE_HOST_DEVICE int share_of_all() const {
    const std::int64_t share = (keys_before(args_.sequences.batch) + 7) / 8;
    return share > 1 ? static_cast<int>(share) : 1;
  }

  FLASHCORE_HOST_DEVICE int piece_size() const {
    const int keys = args_.sequences.keys(at_.sequence);
    if (kBreak == BatchBreak::splits_by_batch && args_.sequences.batch < 4) return (keys + 3) / 4 + 1;
    if (kBreak == BatchBreak::tile_by_longest && args_.sequences.max_keys() > 8 * kPiece) return 2 * kPiece;
    if (kBreak == BatchBreak::plan_of_all) return share_of_all();
    return kPiece;
  }
  // The first key of a piece after the one with key 0; 0: pieces begin with key 0.
  FLASHCORE_HOST_DEVICE int first_cut() const {
    const int keys = args_.sequences.keys(at_.sequence);
    if (kBreak == BatchBreak::pieces_from_end) return keys % kPiece;
    if (kBreak != BatchBreak::plan_of_all) return 0;
    const int share = share_of_all();
    const int cut = static_cast<int>(share - keys_before(at_.sequence) % share) % share;
    return cut < keys ? cut : 0;
  }
  FLASHCORE_HOST_DEVICE bool from_end() const {
    return (kBreak == BatchBreak::order_by_place && at_.sequence % 2 == 1) ||
           (kBreak == BatchBreak::order_by_launch && launch_ % 2 == 1);
  }

  FLASHCORE_HOST_DEVICE float score(int key) const {
    const Element* q = static_cast<const Element*>(args_.q) +
                       args_.query_offset(args_.q_stride, at_.sequence, at_.head, at_.row);
    const Element* k = static_cast<const Element*>(args_.k) +
                       args_.key_offset(args_.kv.k, at_.sequence, args_.kv_head(at_.head), key);
    float dot = 0;
    for (int d = 0; d < kHeadDim; ++d) dot += to_float(q[d]) * to_float(k[d]);
    const float scaled = args_.scale * dot;
    return args_.softcap > 0 ? args_.softcap * tanhf(scaled / args_.softcap) : scaled;
  }

  FLASHCORE_HOST_DEVICE void add_piece(int begin, int end) {
    const KeyRange seen = args_.visible_keys(at_.sequence, at_.row);
    begin = begin > seen.begin ? begin : seen.begin;
    end = end < seen.end ? end : seen.end;
    if (begin >= end) return;
    float piece_max = -INFINITY;
    for (int key = begin; key < end; ++key) piece_max = fmaxf(piece_max, score(key));
    const float new_max = fmaxf(max_, piece_max);
    if (new_max == -INFINITY) return;
    const float keep = expf(max_ - new_max);
    const float weight = expf(piece_max - new_max);
    float piece[kHeadDim] = {};
    float sum = 0;
    for (int key = begin; key < end; ++key) {
      const float p = expf(score(key) - piece_max);
      const Element* v = static_cast<const Element*>(args_.v) +
                         args_.key_offset(args_.kv.v, at_.sequence, args_.kv_head(at_.head), key);
      sum += p;
      const float rounded = to_float(from_float<Element>(p));
      for (int d = 0; d < kHeadDim; ++d) piece[d] += rounded * to_float(v[d]);
    }
    for (int d = 0; d < kHeadDim; ++d) out_[d] = out_[d] * keep + piece[d] * weight;
    sum_ = sum_ * keep + sum * weight;
    max_ = new_max;
  }

  FLASHCORE_HOST_DEVICE void store() const {
    Element* out = static_cast<Element*>(args_.out) +
                   args_.query_offset(args_.out_stride, at_.sequence, at_.head, at_.row);
    for (int d = 0; d < kHeadDim; ++d) out[d] = from_float<Element>(sum_ > 0 ? out_[d] / sum_ : 0.0f);
    if (args_.lse == nullptr) return;
    args_.lse[args_.lse_index(at_.sequence, at_.head, at_.row)] = sum_ > 0 ? max_ + logf(sum_) : -INFINITY;
  }

  const AttentionArgs& args_;
  BatchRow at_;
  unsigned launch_;
  float out_[kHeadDim] = {};
  float max_ = -INFINITY;
  float sum_ = 0;
};

}  // namespace flashcore::broken
