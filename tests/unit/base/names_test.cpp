#include "base/names.hpp"

#include <gtest/gtest.h>

#include <array>

namespace flashcore {
namespace {

TEST(GlobMatch, StarMatchesAnyRunIncludingSlashes) {
  EXPECT_TRUE(glob_match("wmma/*", "wmma/fp16_d64_q32"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("*d64*", "wmma/fp16_d64_q32"));
  EXPECT_TRUE(glob_match("**/fp16*_s1", "wmma/fp16_d64_q32_kv32_w4_s1"));
  EXPECT_FALSE(glob_match("wmma/*", "wmma_async/fp16"));
  EXPECT_FALSE(glob_match("*_s1", "wmma/fp16_s12"));
}

TEST(GlobMatch, MatchesTheWholeText) {
  EXPECT_TRUE(glob_match("scalar", "scalar"));
  EXPECT_FALSE(glob_match("scalar", "scalar/fp16"));
  EXPECT_FALSE(glob_match("calar", "scalar"));
  EXPECT_FALSE(glob_match("", "scalar"));
  EXPECT_TRUE(glob_match("", ""));
}

TEST(GlobMatch, QuestionMarkMatchesOneCharacter) {
  EXPECT_TRUE(glob_match("?p16", "fp16"));
  EXPECT_FALSE(glob_match("?fp16", "fp16"));
}

TEST(GlobMatch, BacktracksToTheLastStar) {
  EXPECT_TRUE(glob_match("*ab*abc", "ababxababc"));
  EXPECT_FALSE(glob_match("*ab*abd", "ababxababc"));
}

TEST(EditDistance, CountsInsertionsDeletionsSubstitutionsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("seq_q", "seq_q"), 0u);
  EXPECT_EQ(edit_distance("seq_q", "sed_q"), 1u);
  EXPECT_EQ(edit_distance("seq_q", "eq_q"), 1u);
  EXPECT_EQ(edit_distance("seq_q", "seeq_q"), 1u);
  EXPECT_EQ(edit_distance("seq_q", "sqe_q"), 1u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

constexpr std::array<std::string_view, 4> kWords = {"batch", "heads_q", "seq_q", "seq_kv"};

TEST(NearestWord, FindsTheNearestOrNothing) {
  EXPECT_EQ(nearest_word("sed_q", kWords), "seq_q");
  EXPECT_EQ(nearest_word("seqkv", kWords), "seq_kv");
  EXPECT_EQ(nearest_word("heads", kWords), "heads_q");
  EXPECT_EQ(nearest_word("entirely_else", kWords), "");
  EXPECT_EQ(nearest_word("", kWords), "");
}

TEST(Suggestion, NamesTheNearestOrAll) {
  EXPECT_EQ(suggestion("bacth", kWords), ", did you mean batch?");
  EXPECT_EQ(suggestion("zzz", kWords), "; one of: batch, heads_q, seq_q, seq_kv");
  EXPECT_EQ(suggestion("zzz", {}), "");
}

}  // namespace
}  // namespace flashcore
