// By how much one timing is faster than another, and whether the two can be told apart.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/words.hpp"
#include "record/record.hpp"

namespace flashcore {

// True if the 95 % intervals of the medians overlap, or if the medians differ by at most relative_width, the requested
// precision.
bool are_tied(const Timing& a, const Timing& b, double relative_width);

struct Advantage {
  double ratio = 1;  // the other's median over this one's; above 1: this one is faster
  double low = 1;    // 95 % interval of the ratio
  double high = 1;
  bool has_interval = true;  // false where a median of a single sample is part of it
  bool tied = false;

  // The same seen from the other side.
  Advantage inverted() const;
};

// How one timing stands beside another.
enum class Contest : int { won, tied, lost };
inline constexpr std::string_view kContestWords[] = {"won", "tied", "lost"};
constexpr Words words(Contest) { return kContestWords; }
Contest contest(const Advantage& over);

// The interval of the ratio combines the intervals of the two medians as the square root of their squares, on logarithms
// (MOVER: Donner, Zou: "Closed-form confidence intervals for functions of the normal mean and standard deviation",
// 2012).
Advantage advantage(const Timing& own, const Timing& other, double relative_width);

// The geometric mean of ratios over different problems; tied if its interval holds 1. Empty without ratios.
std::optional<Advantage> geometric_mean(std::span<const Advantage> ratios);

}  // namespace flashcore
