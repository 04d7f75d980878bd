// Random numbers that a seed makes the same on every machine and with every standard library.
//
// The engine is std::mt19937_64, whose output the C++ standard fixes. Distributions of the standard library differ
// between libraries, and so does the last bit of its functions: this file has its own. They use only operations that
// IEEE 754 rounds in one way (+, -, *, /, sqrt, fma), with every product that is added to written as an fma, so that no
// compiler can contract it.
#pragma once

#include <cstdint>
#include <random>

namespace flashcore {

// The natural logarithm of a positive finite number; the error is a few units in the last place.
double portable_log(double x);

// e^x for |x| of at most 700, to which x is clamped; the error is a few units in the last place.
double portable_exp(double x);

class PortableRandom {
 public:
  explicit PortableRandom(std::uint64_t seed) : engine_(seed) {}

  std::uint32_t bits();                      // 32 random bits
  std::uint32_t below(std::uint64_t count);  // from 0 to count - 1; count is from 1 to 2^32
  double unit();                             // in [0, 1), a multiple of 2^-53
  double normal();                           // of mean 0 and standard deviation 1

 private:
  std::mt19937_64 engine_;
};

}  // namespace flashcore
