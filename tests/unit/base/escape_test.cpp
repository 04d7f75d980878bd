#include "base/escape.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kHostile = "<a href=\"b\">&amp;\n|`_*";

TEST(Escape, HtmlLeavesNoMarkup) {
  EXPECT_EQ(escape_html(kHostile), "&lt;a href=&quot;b&quot;&gt;&amp;amp;\n|`_*");
}

TEST(Escape, XmlHasNoControlCharacters) {
  EXPECT_EQ(escape_xml(kHostile), "&lt;a href=&quot;b&quot;&gt;&amp;amp; |`_*");
  EXPECT_EQ(escape_xml("\x01\x1b[0m\x7f"), "  [0m ");
}

TEST(Escape, MarkdownStaysWithinItsCell) {
  EXPECT_EQ(escape_markdown(kHostile), "\\<a href=\"b\"\\>\\&amp; \\|\\`\\_\\*");
}

TEST(Escape, CsvQuotesWhatItMust) {
  EXPECT_EQ(escape_csv("mma/fp16_d64"), "mma/fp16_d64");
  EXPECT_EQ(escape_csv("a,b"), "\"a,b\"");
  EXPECT_EQ(escape_csv("say \"no\"\r\n"), "\"say \"\"no\"\"  \"");
}

TEST(Escape, CsvHasNoFormulas) {
  EXPECT_EQ(escape_csv("=1+1"), "'=1+1");
  EXPECT_EQ(escape_csv("@SUM(a,b)"), "\"'@SUM(a,b)\"");
  EXPECT_EQ(escape_csv("+1"), "'+1");
  EXPECT_EQ(escape_csv("-2+3"), "'-2+3");
  EXPECT_EQ(escape_csv("-inf"), "-inf");
  EXPECT_EQ(escape_csv("a=b"), "a=b");
}

TEST(Escape, XmlHasOnlyItsCharacters) {
  EXPECT_EQ(escape_xml("a\uFFFE\uFFFFb\xff\xed\xa0\x80"), "a\uFFFD\uFFFDb\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Printable, NeutralisesWhatMovesTheCursorOrIsNoText) {
  EXPECT_EQ(printable("a\x1b[31m\u009b2J\u0085\u202e\u2066z"), "a [31m 2J   z");
  EXPECT_EQ(printable("\xc0\xaf\xf8\xe2\x28\xa1"), "\uFFFD\uFFFD\uFFFD\uFFFD(\uFFFD");
  EXPECT_EQ(printable("\xed\xa0\x80 \xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD \uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(printable("Größe 测试 µs \uFFFD 🙂"), "Größe 测试 µs \uFFFD 🙂");
}

}  // namespace
}  // namespace flashcore
