// Text for terminals: display widths, alignment, number formats.
#pragma once

#include <fmt/color.h>

#include <string>
#include <string_view>
#include <vector>

namespace flashcore {

// In the place of a value that there is not.
inline constexpr std::string_view kNothing = "–";

// The columns of UTF-8 text: 2 per East Asian wide character or emoji, 0 per combining mark, 1 per invalid
// byte.
int display_width(std::string_view text);

// Pads with spaces to `width` columns; longer text is unchanged.
std::string align_left(std::string_view text, int width);
std::string align_right(std::string_view text, int width);

// Cuts longer text to `width` columns, of which the last is an ellipsis.
std::string elide(std::string_view text, int width);
// Cuts longer text to `width` columns: an ellipsis replaces its middle.
std::string elide_middle(std::string_view text, int width);

// Breaks text at spaces into lines of at most `width` columns; later lines begin with `indent` spaces. A longer word has a
// line of its own.
std::string wrap(std::string_view text, int width, int indent);

// Foreign text that cannot move the cursor, change colours or the direction of writing: control characters (C0, DEL, C1)
// and marks of direction become spaces, invalid UTF-8 and characters that XML does not have become U+FFFD.
std::string printable(std::string_view text);

// `digits` significant digits without an exponent: 9.312, 93.12, 1398 with four. Also "nan" and "inf".
std::string format_significant(double value, int digits);

// Two significant digits with a short exponent: "2.4e-4"; "0" for zero, a dash for NaN.
std::string format_error(double value);

// Applies the style if `color` is true.
std::string paint(std::string_view text, const fmt::text_style& style, bool color);

// The parts between separators; an empty text is one empty part.
std::vector<std::string_view> split(std::string_view text, char separator);

// "1.5 KiB" for 1536: binary units, four significant digits.
std::string format_bytes(double bytes);

// A ratio as a change: "+3.1 %" for 1.031.
std::string percent(double ratio);

}  // namespace flashcore
