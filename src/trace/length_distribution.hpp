// Lengths of a ragged batch that are drawn from a distribution.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "attention/lengths.hpp"
#include "base/words.hpp"

namespace flashcore {

//   uniform    every length from min to max is equally likely
//   lognormal  median · e^(sigma · z), z normal, rounded to the nearest whole number and clamped to min and max
//   zipf       a length n from min to max has a probability in proportion to n^-exponent
enum class LengthLaw : int { uniform, lognormal, zipf };
inline constexpr std::string_view kLengthLawWords[] = {"uniform", "lognormal", "zipf"};
constexpr Words words(LengthLaw) { return kLengthLawWords; }

// The parameters of one length. If min and max are equal, the length is that number, and nothing is drawn.
struct LengthRange {
  std::int32_t min = 1;
  std::int32_t max = 1;
  double median = 1;    // lognormal: above 0
  double sigma = 0;     // lognormal: from 0 to kMaxSigma
  double exponent = 1;  // zipf: from 0 to kMaxExponent
};
inline constexpr double kMaxSigma = 16;
inline constexpr double kMaxExponent = 16;
inline constexpr std::int64_t kMaxZipfLengths = std::int64_t{1} << 20;  // max - min + 1

struct LengthDistribution {
  LengthLaw law = LengthLaw::uniform;
  std::int64_t sequences = 1;
  std::uint64_t seed = 0;
  LengthRange kv;  // keys, with those of the queries
  LengthRange q;
};

// Draws the keys and then the queries of one sequence after the other. A sequence with more queries than keys gets as
// many keys as queries. The same on every machine (trace/portable_random.hpp).
Lengths draw_lengths(const LengthDistribution& distribution);

// "lognormal, 64 sequences, seed 1, kv median 1000 sigma 1.1 min 1 max 8192, q 1"
std::string distribution_text(const LengthDistribution& distribution);

}  // namespace flashcore
