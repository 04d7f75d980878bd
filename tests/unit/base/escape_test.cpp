#include "base/escape.hpp"

#include <gtest/gtest.h>

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
  EXPECT_EQ(escape_csv("say \"no\"\r\n"), "\"say \"\"no\"\"\r\n\"");
}

}  // namespace
}  // namespace flashcore
