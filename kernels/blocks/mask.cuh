// The mask for tiles: over ranges of query rows, and element by element without branches.
#pragma once

#include <cstdint>
#include <limits>

#include "kernels/common/kernel_args.hpp"

namespace flashcore::kernels {

// Ranges without common keys give {0, 0}: an empty range in the middle of a step would overlap that step.
constexpr KeyRange intersect(KeyRange a, KeyRange b) {
  const int begin = a.begin > b.begin ? a.begin : b.begin;
  const int end = a.end < b.end ? a.end : b.end;
  return end > begin ? KeyRange{begin, end} : KeyRange{0, 0};
}

constexpr KeyRange keys_of_any(const KernelArgs& args, int first, int last) {
  return flashcore::keys_of_any(first, last, [&](int query) { return visible_keys(args, query); });
}

constexpr KeyRange keys_of_all(const KernelArgs& args, int first, int last) {
  return flashcore::keys_of_all(first, last, [&](int query) { return visible_keys(args, query); });
}

constexpr bool overlaps(KeyRange range, int begin, int count) {
  return begin < range.end && begin + count > range.begin;
}

constexpr bool contains(KeyRange range, int begin, int count) {
  return begin >= range.begin && begin + count <= range.end;
}

// Query i sees key j when  lowest <= j - i <= lowest + span  and  0 <= j < seq_kv: visible_keys() for one
// element, in one comparison each.
struct DiagonalMask {
  int lowest = 0;
  unsigned span = 0;
  int seq_kv = 0;

  DiagonalMask() = default;
  constexpr explicit DiagonalMask(const KernelArgs& args)
      : lowest(args.window.left < 0 ? -kUnlimited : saturated(diagonal(args) - args.window.left)),
        span(static_cast<unsigned>(args.window.right < 0 ? kUnlimited
                                                         : saturated(diagonal(args) + args.window.right)) -
             static_cast<unsigned>(lowest)),
        seq_kv(args.seq_kv) {}

  // above_lowest = j - i - lowest, which may wrap.
  constexpr bool sees(unsigned above_lowest, int key) const { return above_lowest <= span && key < seq_kv; }

 private:
  static constexpr int kUnlimited = std::numeric_limits<int>::max();
  static constexpr std::int64_t diagonal(const KernelArgs& args) {
    return std::int64_t{args.seq_kv} - args.seq_q;
  }
  static constexpr int saturated(std::int64_t x) {
    return static_cast<int>(x > kUnlimited ? kUnlimited : x < -kUnlimited ? -kUnlimited : x);
  }
};

}  // namespace flashcore::kernels
