// Words of enumerations: one table per enumeration; names, lists and readers are derived from it.
//
// A function next to the enumeration returns its table. The enumerators must count from 0.
//
//   enum class Pacing : int { sustained, burst };
//   inline constexpr std::string_view kPacingWords[] = {"sustained", "burst"};
//   constexpr Words words(Pacing) { return kPacingWords; }
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace flashcore {

// In the order of the enumerators.
using Words = std::span<const std::string_view>;

template <class Enum>
concept Worded = std::is_enum_v<Enum> && requires(Enum value) {
  { words(value) } -> std::convertible_to<Words>;
};

template <Worded Enum>
constexpr std::string_view to_string(Enum value) {
  const auto index = static_cast<std::size_t>(value);
  const Words all = words(value);
  return index < all.size() ? all[index] : std::string_view("?");
}

// A range of all values of an enumeration, in order.
template <Worded Enum>
class AllValues {
 public:
  using value_type = Enum;

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using pointer = const Enum*;
    using reference = Enum;
    using difference_type = std::ptrdiff_t;
    using value_type = Enum;
    constexpr Iterator() = default;
    constexpr explicit Iterator(std::size_t index) : index_(index) {}
    constexpr Enum operator*() const { return static_cast<Enum>(index_); }
    constexpr Iterator& operator++() {
      ++index_;
      return *this;
    }
    constexpr Iterator operator++(int) { return Iterator(index_++); }
    constexpr bool operator==(const Iterator&) const = default;

   private:
    std::size_t index_ = 0;
  };

  using const_iterator = Iterator;

  constexpr std::size_t size() const { return words(Enum{}).size(); }
  constexpr Iterator begin() const { return Iterator(0); }
  constexpr Iterator end() const { return Iterator(size()); }
};

template <Worded Enum>
inline constexpr AllValues<Enum> kAll{};

template <Worded Enum>
constexpr std::optional<Enum> parse_word(std::string_view word) {
  for (const Enum value : kAll<Enum>) {
    if (to_string(value) == word) return value;
  }
  return std::nullopt;
}

}  // namespace flashcore
