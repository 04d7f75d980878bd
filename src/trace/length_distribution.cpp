#include "trace/length_distribution.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "trace/portable_random.hpp"

namespace flashcore {
namespace {

// Draws one of the two lengths of sequences.
class LengthSampler {
 public:
  LengthSampler(LengthLaw law, const LengthRange& range) : law_(law), range_(range) {
    if (law_ != LengthLaw::zipf || range_.min == range_.max) return;
    double sum = 0;
    for (std::int64_t n = range_.min; n <= range_.max; ++n) {
      sum += portable_exp(-range_.exponent * portable_log(static_cast<double>(n)));
      sums_.push_back(sum);
    }
  }

  std::int32_t draw(PortableRandom& random) const {
    if (range_.min == range_.max) return range_.min;
    switch (law_) {
      case LengthLaw::lognormal:
        return lognormal(random);
      case LengthLaw::zipf:
        return zipf(random);
      case LengthLaw::uniform:
        break;
    }
    const auto count = static_cast<std::uint64_t>(std::int64_t{range_.max} - range_.min + 1);
    return static_cast<std::int32_t>(range_.min + std::int64_t{random.below(count)});
  }

 private:
  std::int32_t lognormal(PortableRandom& random) const {
    const double factor = portable_exp(range_.sigma * random.normal());
    const double length = std::floor(std::fma(range_.median, factor, 0.5));
    return static_cast<std::int32_t>(
        std::clamp(length, static_cast<double>(range_.min), static_cast<double>(range_.max)));
  }

  std::int32_t zipf(PortableRandom& random) const {
    const auto place = std::ranges::upper_bound(sums_, random.unit() * sums_.back());
    const auto index = std::min(place - sums_.begin(), std::ssize(sums_) - 1);
    return static_cast<std::int32_t>(range_.min + index);
  }

  LengthLaw law_;
  LengthRange range_;
  std::vector<double> sums_;  // of the weights up to each length
};

std::string range_text(LengthLaw law, const LengthRange& range) {
  if (range.min == range.max) return fmt::format("{}", range.min);
  const std::string ends = fmt::format("min {} max {}", range.min, range.max);
  if (law == LengthLaw::lognormal)
    return fmt::format("median {} sigma {} {}", range.median, range.sigma, ends);
  return law == LengthLaw::zipf ? fmt::format("exponent {} {}", range.exponent, ends) : ends;
}

}  // namespace

Lengths draw_lengths(const LengthDistribution& distribution) {
  const LengthSampler keys(distribution.law, distribution.kv);
  const LengthSampler queries(distribution.law, distribution.q);
  PortableRandom random(distribution.seed);
  Lengths lengths;
  for (std::int64_t i = 0; i < distribution.sequences; ++i) {
    const std::int32_t kv = keys.draw(random);
    const std::int32_t q = queries.draw(random);
    lengths.q.push_back(q);
    lengths.kv.push_back(std::max(q, kv));
  }
  return lengths;
}

std::string distribution_text(const LengthDistribution& distribution) {
  return fmt::format("{}, {} sequences, seed {}, kv {}, q {}", to_string(distribution.law),
                     distribution.sequences, distribution.seed, range_text(distribution.law, distribution.kv),
                     range_text(distribution.law, distribution.q));
}

}  // namespace flashcore
