// The timing modes: one row per mode; names, defaults and sampling are derived from it.
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
  // Each launch reads another input set. All sets together are at least twice as large as L2.
  bool rotates_inputs = false;
  bool lone_launch = false;  // one launch and a synchronisation; false: back-to-back launches
};

struct TimingModeRow {
  std::string_view name;  // in configs; "<name>_us" in records
  std::string_view meaning;
  bool by_default = true;  // timed if a config lists no modes
  Sampling sampling;
};

// In the order of TimingMode. Tables and speed-ups use the first mode that was timed (Record::headline).
inline constexpr TimingModeRow kTimingModes[] = {
    {.name = "hot",
     .meaning = "back-to-back launches on one input set, which stays in L2 if it fits; K and V change places "
                "from launch to launch"},
    {.name = "cold",
     .meaning = "back-to-back launches on rotated input sets, so that each launch reads from memory",
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
