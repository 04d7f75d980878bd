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
constexpr double kMaxClockMhz = 1e5;

[[noreturn]] void fail(std::string_view text) {
  throw UsageError(fmt::format("{}: \"{}\" is not NAME or NAME@MHZ, for example \"Card A@1980\"", kVariable,
                               printable(text)));
}

double read_clock(std::string_view digits, std::string_view text) {
  double mhz = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), mhz);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  if (!whole || !(mhz > 0 && mhz <= kMaxClockMhz)) fail(text);
  return mhz;
}

}  // namespace

std::optional<PlayedCard> played_card() {
  const char* value = std::getenv(kVariable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value;
  const std::size_t at = text.rfind('@');
  PlayedCard card{.name = std::string(text.substr(0, at)), .sm_clock_mhz = {}};
  if (card.name.empty() || printable(card.name) != card.name) fail(text);
  if (at != std::string_view::npos) card.sm_clock_mhz = read_clock(text.substr(at + 1), text);
  return card;
}

}  // namespace flashcore
