#include "trace/portable_random.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace flashcore {
namespace {

static_assert(std::numeric_limits<double>::is_iec559);

constexpr double kLn2 = 0x1.62e42fefa39efp-1;
constexpr double kLn2Rest = 0x1.abc9e3b39803fp-56;  // ln 2 - kLn2
constexpr double kInverseLn2 = 0x1.71547652b82fep+0;
constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;

}  // namespace

// The series 2 (z + z^3 / 3 + z^5 / 5 + …) of ln((1 + z) / (1 - z)), for a mantissa from sqrt(1/2) to sqrt(2).
double portable_log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);
  if (mantissa < kSqrtHalf) {
    mantissa *= 2;
    --exponent;
  }
  const double z = (mantissa - 1) / (mantissa + 1);
  const double square = z * z;
  double series = 0;
  for (int odd = 25; odd >= 1; odd -= 2) series = std::fma(series, square, 1.0 / odd);
  return std::fma(exponent, kLn2, 2 * z * series);
}

// 2^n times the Taylor series of the rest, which is at most ln(2) / 2.
double portable_exp(double x) {
  x = std::clamp(x, -700.0, 700.0);
  const double n = std::floor(std::fma(x, kInverseLn2, 0.5));
  const double rest = std::fma(-n, kLn2Rest, std::fma(-n, kLn2, x));
  double series = 1;
  for (int term = 16; term >= 1; --term) series = std::fma(series, rest / term, 1.0);
  return std::ldexp(series, static_cast<int>(n));
}

std::uint32_t PortableRandom::bits() { return static_cast<std::uint32_t>(engine_() >> 32); }

std::uint32_t PortableRandom::below(std::uint64_t count) {
  return static_cast<std::uint32_t>((bits() * count) >> 32);
}

double PortableRandom::unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }

// Marsaglia's polar method: a point of the unit disc, of which one coordinate is used.
double PortableRandom::normal() {
  for (;;) {
    const double u = std::fma(2.0, unit(), -1.0);
    const double v = std::fma(2.0, unit(), -1.0);
    const double square = std::fma(u, u, v * v);
    if (square >= 1 || square == 0) continue;
    return u * std::sqrt(-2 * portable_log(square) / square);
  }
}

}  // namespace flashcore
