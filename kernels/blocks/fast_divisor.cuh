// Division by a number known at launch, as one multiplication and a shift.
#pragma once

#include <cstdint>

namespace flashcore::kernels {

// Exact for dividends in [0, 2^31): with s = 31 + ceil(log2 d) and m = ceil(2^s / d), floor(n · m / 2^s) =
// floor(n / d). (Granlund and Montgomery 1994, theorem 4.2.)
struct FastDivisor {
  int divisor = 1;
  int shift = 31;
  std::uint32_t multiplier = 1u << 31;

  FastDivisor() = default;
  constexpr explicit FastDivisor(int d) : divisor(d) {
    int log2 = 0;
    while ((std::int64_t{1} << log2) < d) ++log2;
    shift = 31 + log2;
    multiplier = static_cast<std::uint32_t>(
        ((std::uint64_t{1} << shift) + static_cast<std::uint64_t>(d) - 1) / static_cast<std::uint64_t>(d));
  }

  constexpr int quotient(int n) const {
    return static_cast<int>((static_cast<std::uint64_t>(static_cast<std::uint32_t>(n)) * multiplier) >>
                            shift);
  }
  constexpr int remainder(int n) const { return n - quotient(n) * divisor; }
};

}  // namespace flashcore::kernels
