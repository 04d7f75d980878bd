// Text as it may stand within other languages.
#pragma once

#include <string>
#include <string_view>

namespace flashcore {

// In HTML, as text or within a quoted attribute.
std::string escape_html(std::string_view text);

// In XML 1.0, likewise; characters that XML refuses are replaced as printable() does.
std::string escape_xml(std::string_view text);

// In Markdown, also within a table: shown as it is.
std::string escape_markdown(std::string_view text);

// A cell of CSV by RFC 4180: printable(), and in quotes where it needs them. A text that a spreadsheet would take for a
// formula, because it begins with = + - or @, gets an apostrophe in front.
std::string escape_csv(std::string_view cell);

// As one word of a POSIX shell: within single quotes.
std::string quote_for_shell(std::string_view text);

}  // namespace flashcore
