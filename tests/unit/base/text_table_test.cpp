#include "base/text_table.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace flashcore {
namespace {

TextTable sample() {
  TextTable table({{"variant", Align::left, 0, Cut::middle},
                   {"µs", Align::right},
                   {"rank 1", Align::right, 1},
                   {"rank 2", Align::right, 2},
                   {"note", Align::left, 0, Cut::end}});
  table.add({"mma/fp16_d64_q64_kv64_w4_s2", "12.5", "1", "2", "a note that is long enough to be cut"});
  table.add({"scalar/fp16_d64", "1000", "10", "20", ""});
  return table;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

TEST(TextTable, AlignsNumbersToTheRight) {
  EXPECT_EQ(sample().text(),
            "variant                        µs  rank 1  rank 2  note\n"
            "mma/fp16_d64_q64_kv64_w4_s2  12.5       1       2  a note that is long enough to be cut\n"
            "scalar/fp16_d64              1000      10      20\n");
}

TEST(TextTable, FitsEveryWidthDownToItsLeast) {
  for (int width = 52; width < 100; ++width) {
    for (const std::string& line : lines_of(sample().text({.width = width}))) {
      EXPECT_LE(display_width(line), width) << line;
    }
  }
}

TEST(TextTable, CutsProseThenDropsColumnsThenCutsIds) {
  const auto header = [](int width) { return lines_of(sample().text({.width = width})).front(); };
  EXPECT_NE(header(75).find("rank 2"), std::string::npos);
  EXPECT_EQ(header(70).find("rank 2"), std::string::npos);
  EXPECT_NE(header(70).find("rank 1"), std::string::npos);
  EXPECT_EQ(header(60).find("rank 1"), std::string::npos);
  const std::string narrow = sample().text({.width = 52});
  EXPECT_NE(narrow.find("mma/fp16_d6…kv64_w4_s2"), std::string::npos) << narrow;
  EXPECT_NE(narrow.find("a note that is long eno…"), std::string::npos) << narrow;
}

TEST(TextTable, LeavesOutColumnsWithoutAValue) {
  TextTable table({{"id"}, {"waves", Align::right}, {"µs", Align::right}});
  table.add({"a", "", "1"});
  table.add({"b", std::string(kNothing), "2"});
  EXPECT_EQ(table.text(), "id  µs\na    1\nb    2\n");
}

TEST(TextTable, WithoutHeadersHasNoHeaderLine) {
  TextTable table({{}, {}});
  table.add({"cpu", "2 cores"});
  EXPECT_EQ(table.text(), "cpu  2 cores\n");
}

TEST(TextTable, MessagesTakeThePlaceOfCellsAndAreCut) {
  TextTable table({{"id"}, {"µs", Align::right}});
  table.add({"a", "1"});
  table.add_message({"long id"}, "incorrect: too many keys");
  EXPECT_EQ(table.text(), "id       µs\na         1\nlong id  incorrect: too many keys\n");
  EXPECT_EQ(lines_of(table.text({.width = 20})).back(), "long id  incorrect:…");
}

TEST(TextTable, ForeignTextCannotMoveTheCursor) {
  TextTable table({{"id"}});
  table.add({"a\x1b[2K\nb"});
  EXPECT_EQ(table.text(), "id\na [2K b\n");
}

TEST(Text, ElidesTheMiddle) {
  EXPECT_EQ(elide_middle("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(elide_middle("abcdefghij", 9), "abcd…ghij");
  EXPECT_EQ(elide_middle("abcdefghij", 6), "abc…ij");
  EXPECT_EQ(elide_middle("日本語日本語", 8), "日本…語");
}

TEST(Text, WrapsAtSpaces) {
  EXPECT_EQ(wrap("  one two three", 9, 4), "  one two\n    three");
  EXPECT_EQ(wrap("one", 2, 0), "one");
  EXPECT_EQ(wrap("one two", kAnyWidth, 0), "one two");
}

}  // namespace
}  // namespace flashcore
