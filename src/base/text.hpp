// Text on a terminal: widths, alignment, numbers with as many digits as they carry.
#pragma once

#include <fmt/color.h>

#include <string>
#include <string_view>

namespace flashcore {

// Columns that UTF-8 text takes: 2 for East Asian wide characters and emoji, 0 for combining marks. A byte
// that is no UTF-8 counts as one.
int display_width(std::string_view text);

// Filled with spaces to `width` columns; longer text is left as it is.
std::string align_left(std::string_view text, int width);
std::string align_right(std::string_view text, int width);

// Cut to `width` columns, the last of them an ellipsis, when it is longer.
std::string elide(std::string_view text, int width);

// Control characters as spaces: a name or reason must not move the cursor.
std::string printable(std::string_view text);

// `digits` significant digits without an exponent: 9.312, 93.12, 1398 with four. "nan" and "inf" as they are.
std::string format_significant(double value, int digits);

// Two significant digits with a short exponent: "2.4e-4"; "0" for zero.
std::string format_error(double value);

// The text in this style when `color` is true.
std::string paint(std::string_view text, const fmt::text_style& style, bool color);

// A ratio as a change: 1.031 is "+3.1 %".
std::string percent(double ratio);

}  // namespace flashcore
