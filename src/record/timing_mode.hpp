// The ways in which a variant is timed: one row per mode, from which names, defaults and sampling are derived.
#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string_view>

#include "base/words.hpp"

namespace flashcore {

enum class TimingMode : int { hot, cold, call };

// How one sample of a mode is taken.
struct Sampling {
  bool rotates_inputs =
      false;                 // each launch reads another input set; together the sets are at least twice L2
  bool lone_launch = false;  // one launch and a synchronisation; else launches back to back
};

struct TimingModeRow {
  std::string_view name;  // in configs; a record has it as "<name>_us"
  std::string_view meaning;
  bool by_default = true;  // taken when a config names no modes
  Sampling sampling;
};

// In the order of TimingMode; the first that was taken is the one that tables and speed-ups speak of.
inline constexpr TimingModeRow kTimingModes[] = {
    {.name = "hot",
     .meaning = "launches back to back on one input set, which stays in L2 if it fits; K and V change places "
                "from launch to launch"},
    {.name = "cold",
     .meaning = "launches back to back on rotated input sets, so that each reads memory",
     .sampling = {.rotates_inputs = true}},
    {.name = "call",
     .meaning = "one launch and a synchronisation, as a caller sees it",
     .sampling = {.lone_launch = true}},
};

inline constexpr auto kTimingModeWords = [] {
  std::array<std::string_view, std::size(kTimingModes)> names;
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kTimingModes[i].name;
  return names;
}();
constexpr Words words(TimingMode) { return kTimingModeWords; }

constexpr const Sampling& sampling_of(TimingMode mode) {
  return kTimingModes[static_cast<std::size_t>(mode)].sampling;
}

// One value per mode.
template <class T>
class PerMode {
 public:
  constexpr T& operator[](TimingMode mode) { return values_[static_cast<std::size_t>(mode)]; }
  constexpr const T& operator[](TimingMode mode) const { return values_[static_cast<std::size_t>(mode)]; }

 private:
  std::array<T, std::size(kTimingModes)> values_{};
};

}  // namespace flashcore
