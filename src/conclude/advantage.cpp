#include "conclude/advantage.hpp"

#include <cmath>

namespace flashcore {
namespace {

// How far the ends of an interval are from its middle, on logarithms.
struct Reach {
  double down;
  double up;
};

Reach reach_of(double middle, double low, double high) {
  return {std::log(middle / low), std::log(high / middle)};
}

Reach reach_of(const Timing& timing) { return reach_of(timing.median, timing.ci95_low, timing.ci95_high); }

}  // namespace

bool are_tied(const Timing& a, const Timing& b, double relative_width) {
  const Timing& fast = a.median <= b.median ? a : b;
  const Timing& slow = a.median <= b.median ? b : a;
  return slow.ci95_low <= fast.ci95_high || slow.median <= (1 + relative_width) * fast.median;
}

Advantage Advantage::inverted() const {
  Advantage other = *this;
  other.ratio = 1 / ratio;
  other.low = 1 / high;
  other.high = 1 / low;
  return other;
}

Contest contest(const Advantage& over) {
  if (over.tied) return Contest::tied;
  return over.ratio > 1 ? Contest::won : Contest::lost;
}

Advantage advantage(const Timing& own, const Timing& other, double relative_width) {
  const Reach mine = reach_of(own);
  const Reach theirs = reach_of(other);
  const double ratio = other.median / own.median;
  return {.ratio = ratio,
          .low = ratio * std::exp(-std::hypot(theirs.down, mine.up)),
          .high = ratio * std::exp(std::hypot(theirs.up, mine.down)),
          .has_interval = own.samples.size() > 1 && other.samples.size() > 1,
          .tied = are_tied(own, other, relative_width)};
}

std::optional<Advantage> geometric_mean(std::span<const Advantage> ratios) {
  if (ratios.empty()) return std::nullopt;
  double log_sum = 0;
  double down = 0;
  double up = 0;
  bool has_interval = true;
  for (const Advantage& one : ratios) {
    const Reach reach = reach_of(one.ratio, one.low, one.high);
    log_sum += std::log(one.ratio);
    down = std::hypot(down, reach.down);
    up = std::hypot(up, reach.up);
    has_interval = has_interval && one.has_interval;
  }
  const auto n = static_cast<double>(ratios.size());
  Advantage mean{.ratio = std::exp(log_sum / n), .has_interval = has_interval};
  mean.low = mean.ratio * std::exp(-down / n);
  mean.high = mean.ratio * std::exp(up / n);
  mean.tied = has_interval && mean.low <= 1 && mean.high >= 1;
  return mean;
}

}  // namespace flashcore
