#include "device/played_card.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "base/error.hpp"
#include "base/text.hpp"

namespace flashcore {
namespace {

constexpr const char* kVariable = "FLASHCORE_PLAYED_CARD";
constexpr double kMaxNumber = 1e5;  // MHz or watts

[[noreturn]] void fail(std::string_view text) {
  throw UsageError(
      fmt::format("{}: \"{}\" is not NAME, NAME@MHZ or NAME@MHZ,WATTS, for example \"Card A@1980\"",
                  kVariable, printable(text)));
}

double read_number(std::string_view digits, std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  if (!whole || !(number > 0 && number <= kMaxNumber)) fail(text);
  return number;
}

}  // namespace

std::optional<PlayedCard> played_card() {
  const char* value = std::getenv(kVariable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value;
  const std::size_t at = text.rfind('@');
  PlayedCard card{.name = std::string(text.substr(0, at)), .sm_clock_mhz = {}, .power_w = {}};
  if (card.name.empty() || printable(card.name) != card.name) fail(text);
  if (at == std::string_view::npos) return card;
  const std::string_view numbers = text.substr(at + 1);
  const std::size_t comma = numbers.find(',');
  card.sm_clock_mhz = read_number(numbers.substr(0, comma), text);
  if (comma != std::string_view::npos) card.power_w = read_number(numbers.substr(comma + 1), text);
  return card;
}

}  // namespace flashcore
