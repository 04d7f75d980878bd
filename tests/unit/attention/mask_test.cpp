#include "attention/mask.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flashcore {
namespace {

struct Lengths {
  std::int32_t seq_q, seq_kv;
};
constexpr Lengths kLengths[] = {{1, 1}, {1, 9}, {7, 7}, {5, 11}, {11, 5}, {6, 0}};

// The mask's definition, one key at a time.
bool sees(const Mask& mask, std::int32_t query, std::int32_t key, Lengths lengths) {
  const std::int32_t diagonal = query + lengths.seq_kv - lengths.seq_q;
  if (mask.left >= 0 && key < diagonal - mask.left) return false;
  if (mask.right >= 0 && key > diagonal + mask.right) return false;
  if (mask.kind != MaskKind::chunk) return true;
  return diagonal >= 0 && key / mask.chunk == diagonal / mask.chunk;
}

std::vector<Mask> masks() {
  std::vector<Mask> all;
  for (const std::int32_t left : {-1, 0, 3}) {
    for (const std::int32_t right : {-1, 0, 2}) {
      all.push_back({.left = left, .right = right});
      for (const std::int32_t chunk : {1, 3, 4, 20}) {
        all.push_back({.kind = MaskKind::chunk, .left = left, .right = right, .chunk = chunk});
      }
    }
  }
  return all;
}

TEST(Mask, KeysAreThoseOfItsDefinition) {
  for (const Mask& mask : masks()) {
    for (const Lengths lengths : kLengths) {
      for (std::int32_t query = 0; query < lengths.seq_q; ++query) {
        const KeyRange keys = mask.keys(query, lengths.seq_q, lengths.seq_kv);
        EXPECT_TRUE(keys.begin >= 0 && keys.begin <= keys.end && keys.end <= lengths.seq_kv);
        for (std::int32_t key = 0; key < lengths.seq_kv; ++key) {
          EXPECT_EQ(key >= keys.begin && key < keys.end, sees(mask, query, key, lengths))
              << "left " << mask.left << ", right " << mask.right << ", chunk " << mask.chunk << ", query "
              << query << " of " << lengths.seq_q << ", key " << key << " of " << lengths.seq_kv;
        }
      }
    }
  }
}

// Whether some and whether every query of [first, last] sees every key of the tile.
TileCover cover_by_definition(const Mask& mask, std::int32_t first, std::int32_t last, KeyRange tile,
                              Lengths lengths) {
  bool some = false;
  bool all = true;
  for (std::int32_t query = first; query <= last; ++query) {
    for (std::int32_t key = tile.begin; key < tile.end; ++key) {
      const bool seen = key < lengths.seq_kv && sees(mask, query, key, lengths);
      some |= seen;
      all &= seen;
    }
  }
  return all ? TileCover::whole : some ? TileCover::cut : TileCover::empty;
}

// A tile that no query sees may be called cut: ranges of keys bound it, and they may have gaps.
TEST(Mask, CoverSkipsNoTileThatIsSeenAndMasksEveryTileThatIsCut) {
  for (const Mask& mask : masks()) {
    for (const Lengths lengths : kLengths) {
      for (std::int32_t first = 0; first < lengths.seq_q; first += 2) {
        const std::int32_t last = first + 2 < lengths.seq_q ? first + 2 : lengths.seq_q - 1;
        for (std::int32_t begin = 0; begin < lengths.seq_kv; begin += 2) {
          const KeyRange tile{begin, begin + 2};
          const TileCover got = mask.cover(first, last, tile, lengths.seq_q, lengths.seq_kv);
          const TileCover want = cover_by_definition(mask, first, last, tile, lengths);
          EXPECT_TRUE(got == want || (want == TileCover::empty && got == TileCover::cut))
              << static_cast<int>(got) << " instead of " << static_cast<int>(want);
        }
      }
    }
  }
}

}  // namespace
}  // namespace flashcore
