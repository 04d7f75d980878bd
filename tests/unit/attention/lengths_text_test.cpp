// The texts of lengths and of caches: round trips and errors.
#include <gtest/gtest.h>

#include "attention/kv_cache.hpp"
#include "attention/lengths.hpp"

namespace flashcore {
namespace {

Lengths lengths_of(std::string_view text) {
  std::string error;
  const std::optional<Lengths> lengths = parse_lengths(text, error);
  EXPECT_TRUE(lengths.has_value()) << text << ": " << error;
  return lengths.value_or(Lengths{});
}

TEST(LengthsText, SegmentsAreRead) {
  EXPECT_EQ(lengths_of("q5"), (Lengths{{5}, {5}}));
  EXPECT_EQ(lengths_of("2q2k_q1s1k"), (Lengths{{2048, 2048, 1}, {2048, 2048, 1024}}));
  EXPECT_EQ(lengths_of("q0s3_q3s0"), (Lengths{{0, 3}, {3, 0}}));
  EXPECT_EQ(lengths_of("q2147483647"), (Lengths{{2147483647}, {2147483647}}));
}

TEST(LengthsText, EqualLengthsHaveEqualTexts) {
  EXPECT_EQ(lengths_text(lengths_of("q64s64_q64_1q1s1024")), "2q64_q1s1k");
  for (const char* text : {"2q2k_32q1s1k", "2q64_3q1s100_q1", "q0s3_q3s0", "q1s2_q2_q1s2", "1000q7s1025"}) {
    EXPECT_EQ(lengths_text(lengths_of(text)), text);
    EXPECT_EQ(lengths_of(lengths_text(lengths_of(text))), lengths_of(text));
  }
}

TEST(LengthsText, OtherFormsAreRefused) {
  for (const char* text : {"",
                           "_",
                           "q",
                           "5",
                           "q5_",
                           "_q5",
                           "0q5",
                           "-1q5",
                           "q-5",
                           "q5s",
                           "q5s-1",
                           "q5m",
                           "q5s6k7",
                           "q 5",
                           "q5 ",
                           "xq5",
                           "q2147483648",
                           "q2097152k",
                           "q5s4294967296",
                           "q99999999999999999999",
                           "1048577q1",
                           "2147483648q1",
                           "Q5"}) {
    std::string error;
    EXPECT_FALSE(parse_lengths(text, error).has_value()) << text;
    EXPECT_FALSE(error.empty()) << text;
  }
}

TEST(LengthsText, SequencesAreCountedOverAllSegments) {
  std::string error;
  EXPECT_EQ(lengths_of("1048575q1_q2").q.size(), 1048576u);
  EXPECT_FALSE(parse_lengths("1048575q1_2q2", error).has_value());
  EXPECT_EQ(error, "more than 1048576 sequences");
}

KvCache cache_of(std::string_view text) {
  std::string error;
  const std::optional<KvCache> cache = parse_kv_cache(text, error);
  EXPECT_TRUE(cache.has_value()) << text << ": " << error;
  return cache.value_or(KvCache{});
}

TEST(KvCacheText, PartsAreRead) {
  EXPECT_EQ(cache_of("contiguous"), KvCache{});
  EXPECT_EQ(cache_of("paged:16"), (KvCache{.layout = KvKind::paged, .page_size = 16}));
  EXPECT_EQ(cache_of("paged:1:sequential"),
            (KvCache{.layout = KvKind::paged, .page_size = 1, .order = PageOrder::sequential}));
  EXPECT_EQ(cache_of("paged:16:shuffled:prefix4x1024"),
            (KvCache{.layout = KvKind::paged, .page_size = 16, .prefix_sequences = 4, .prefix_keys = 1024}));
}

TEST(KvCacheText, EqualCachesHaveEqualTexts) {
  EXPECT_EQ(kv_cache_text(cache_of("paged:16:shuffled")), "paged:16");
  for (const char* text : {"contiguous", "paged:16", "paged:7:sequential", "paged:16:shuffled:prefix4x1024",
                           "paged:16:sequential:prefix2x1"}) {
    EXPECT_EQ(kv_cache_text(cache_of(text)), text);
  }
}

TEST(KvCacheText, OtherFormsAreRefused) {
  for (const char* text :
       {"", "paged", "paged:", "paged:0", "paged:-1", "paged:16k", "paged:16:", "paged:16:random",
        "contiguous:16", "paged:16:prefix4x1024", "paged:16:shuffled:prefix4", "paged:16:shuffled:prefix0x5",
        "paged:16:shuffled:prefix4x0", "paged:16:shuffled:prefix4x5x6", "paged:16:shuffled:prefix4x5:more",
        "paged:99999999999999999999", "Paged:16"}) {
    std::string error;
    EXPECT_FALSE(parse_kv_cache(text, error).has_value()) << text;
    EXPECT_FALSE(error.empty()) << text;
  }
}

}  // namespace
}  // namespace flashcore
