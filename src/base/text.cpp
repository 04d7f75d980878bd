#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace flashcore {
namespace {

struct CodePointRange {
  char32_t first, last;
};

// The blocks of Unicode's EastAsianWidth.txt in which every character is wide, and the common emoji.
constexpr CodePointRange kWide[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},  {0x3041, 0xA4CF},
                                    {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},  {0xFE30, 0xFE6F},
                                    {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                                    {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
constexpr CodePointRange kCombining[] = {
    {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};

// Controls, the marks of direction, and the separators of lines and paragraphs.
constexpr CodePointRange kMovesText[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C},
                                         {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
constexpr CodePointRange kNoCharacter[] = {{0xFFFE, 0xFFFF}};

bool in_ranges(char32_t code_point, const auto& ranges) {
  return std::ranges::any_of(ranges, [&](const CodePointRange& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

int width_of(char32_t code_point) {
  if (in_ranges(code_point, kCombining)) return 0;
  return in_ranges(code_point, kWide) ? 2 : 1;
}

struct Decoded {
  char32_t code_point;
  std::size_t bytes;
};

constexpr char32_t kReplacement = 0xFFFD;
constexpr Decoded kInvalid = {kReplacement, 1};

// The first character of `text`, which must not be empty.
Decoded decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const std::size_t bytes = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 0;
  if (bytes == 0 || bytes > text.size()) return kInvalid;
  char32_t code_point = bytes == 1 ? lead : lead & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0u) != 0x80u) return kInvalid;
    code_point = (code_point << 6) | (byte(i) & 0x3Fu);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};  // of a sequence of so many bytes
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  return code_point < kSmallest[bytes] || code_point > 0x10FFFF || is_surrogate ? kInvalid
                                                                                : Decoded{code_point, bytes};
}

// The longest beginning that takes at most `width` columns.
std::string_view head_of(std::string_view text, int width) {
  std::size_t kept = 0;
  for (int used = 0; kept < text.size();) {
    const Decoded next = decode_utf8(text.substr(kept));
    used += width_of(next.code_point);
    if (used > width) break;
    kept += next.bytes;
  }
  return text.substr(0, kept);
}

std::string spaces(int count) { return std::string(static_cast<std::size_t>(std::max(count, 0)), ' '); }

}  // namespace

int display_width(std::string_view text) {
  int width = 0;
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    width += width_of(next.code_point);
    text.remove_prefix(next.bytes);
  }
  return width;
}

std::string align_left(std::string_view text, int width) {
  return std::string(text) + spaces(width - display_width(text));
}

std::string align_right(std::string_view text, int width) {
  return spaces(width - display_width(text)) + std::string(text);
}

std::string elide(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  return std::string(head_of(text, width - 1)) + "…";
}

std::string elide_middle(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  const std::string_view head = head_of(text, width / 2);
  std::string_view tail = text.substr(head.size());
  while (display_width(tail) > width - 1 - display_width(head)) tail.remove_prefix(decode_utf8(tail).bytes);
  return std::string(head).append("…").append(tail);
}

std::string wrap(std::string_view text, int width, int indent) {
  std::string result;
  int used = 0;
  while (!text.empty()) {
    // Spaces before a word belong to it, so that the first line keeps its own indentation.
    std::size_t end = text.find(' ', std::min(text.find_first_not_of(' '), text.size()));
    end = std::min(end, text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    if (used > 0 && used + display_width(word) > width) {
      word.remove_prefix(std::min(word.find_first_not_of(' '), word.size()));
      result += "\n" + spaces(indent);
      used = indent;
    }
    result += word;
    used += display_width(word);
  }
  return result;
}

std::string printable(std::string_view text) {
  const bool is_plain = std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7F; });
  if (is_plain) return std::string(text);
  constexpr std::string_view kReplacementText = "\uFFFD";
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode_utf8(text);
    const bool is_valid = next.code_point != kReplacement || text.starts_with(kReplacementText);
    if (in_ranges(next.code_point, kMovesText)) {
      result += ' ';
    } else if (!is_valid || in_ranges(next.code_point, kNoCharacter)) {
      result += kReplacementText;
    } else {
      result += text.substr(0, next.bytes);
    }
    text.remove_prefix(next.bytes);
  }
  return result;
}

std::string format_significant(double value, int digits) {
  if (value == 0 || !std::isfinite(value)) return fmt::format("{}", value);
  const int magnitude = static_cast<int>(std::floor(std::log10(std::abs(value))));
  // Rounding may carry into the next power of ten (9.9996 with four digits is 10.00).
  const double unit = std::pow(10.0, magnitude - digits + 1);
  const bool carries = std::round(std::abs(value) / unit) >= std::pow(10.0, digits);
  return fmt::format("{:.{}f}", value, std::max(0, digits - 1 - magnitude - (carries ? 1 : 0)));
}

std::string format_error(double value) {
  if (std::isnan(value)) return std::string(kNothing);
  if (value == 0 || !std::isfinite(value)) return fmt::format("{}", value);
  std::string text = fmt::format("{:.1e}", value);
  // fmt writes at least two exponent digits.
  const std::size_t digit = text.find('e') + 2;
  if (text[digit] == '0') text.erase(digit, 1);
  return text;
}

std::string paint(std::string_view text, const fmt::text_style& style, bool color) {
  return color ? fmt::format(style, "{}", text) : std::string(text);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::string format_bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.4g} {}", bytes, kUnits[unit]);
}

std::string percent(double ratio) {
  const std::string text = fmt::format("{:+.1f} %", 100 * (ratio - 1));
  return text == "-0.0 %" ? "+0.0 %" : text;
}

}  // namespace flashcore
