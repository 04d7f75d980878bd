#include "kernels/blocks/key_bounds.cuh"

#include <gtest/gtest.h>

#include <limits>

namespace flashcore::kernels {
namespace {

constexpr std::int32_t kLargest = std::numeric_limits<std::int32_t>::max();

KernelArgs masked(std::int32_t seq_q, std::int32_t seq_kv, std::int32_t left, std::int32_t right) {
  KernelArgs args;
  args.seq_q = seq_q;
  args.seq_kv = seq_kv;
  args.window.left = left;
  args.window.right = right;
  return args;
}

void expect_same(const KernelArgs& args, std::int32_t query) {
  const KeyRange expected = visible_keys(args, query);
  const KeyRange found = KeyBounds(args).keys(query);
  EXPECT_EQ(found.begin, expected.begin) << "query " << query << " of " << args.seq_q << ", " << args.seq_kv
                                         << " keys, window " << args.window.left << ", " << args.window.right;
  EXPECT_EQ(found.end, expected.end) << "query " << query << " of " << args.seq_q << ", " << args.seq_kv
                                     << " keys, window " << args.window.left << ", " << args.window.right;
}

TEST(KeyBoundsTest, AgreesWithTheMaskInItsOnePlace) {
  for (const std::int32_t seq_q : {1, 5, 64, 197}) {
    for (const std::int32_t seq_kv : {1, 5, 64, 197}) {
      for (const std::int32_t left : {-1, 0, 1, 7, 300, kLargest}) {
        for (const std::int32_t right : {-1, 0, 1, 7, 300, kLargest}) {
          // Tiles have rows behind the last query.
          for (std::int32_t query = 0; query < seq_q + 64; ++query) {
            expect_same(masked(seq_q, seq_kv, left, right), query);
          }
        }
      }
    }
  }
}

TEST(KeyBoundsTest, HoldsForTheLongestSequences) {
  constexpr auto kRows = static_cast<std::int32_t>(KeyBounds::kMaxRows);
  for (const std::int32_t seq_q : {1, 1 << 30, kRows - 1}) {
    const std::int32_t seq_kv = kRows - seq_q;
    for (const std::int32_t left : {-1, 0, kLargest}) {
      for (const std::int32_t right : {-1, 0, kLargest}) {
        for (const std::int32_t query : {0, seq_q / 2, seq_q - 1, seq_q + 500}) {
          expect_same(masked(seq_q, seq_kv, left, right), query);
        }
      }
    }
  }
}

}  // namespace
}  // namespace flashcore::kernels
