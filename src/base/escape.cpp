#include "base/escape.hpp"

#include "base/text.hpp"

namespace flashcore {

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

// XML has the same four entities.
std::string escape_xml(std::string_view text) { return escape_html(printable(text)); }

std::string escape_markdown(std::string_view text) {
  constexpr std::string_view kSpecial = "\\`*_{}[]<>()#+-!|~&";
  std::string escaped;
  for (const char c : printable(text)) {
    if (kSpecial.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string escape_csv(std::string_view cell) {
  constexpr std::string_view kNegativeInfinity = "-inf";  // the word of a number
  std::string text = printable(cell);
  const bool is_formula = text.find_first_of("=+-@") == 0 && text != kNegativeInfinity;
  if (is_formula) text.insert(0, "'");
  if (text.find_first_of(",\"") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string quote_for_shell(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

}  // namespace flashcore
