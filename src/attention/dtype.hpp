// Element types of Q, K, V and O.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/words.hpp"

namespace flashcore {

// e4m3 is the 8-bit format of Micikevicius et al. 2022, "FP8 Formats for Deep Learning". It has no infinity
// and one NaN per sign; its largest value is 448.
enum class Dtype : int { fp16, bf16, e4m3 };
inline constexpr std::string_view kDtypeWords[] = {"fp16", "bf16", "e4m3"};
constexpr Words words(Dtype) { return kDtypeWords; }

// The possible dtypes of O.
inline constexpr Dtype kOutputDtypes[] = {Dtype::fp16, Dtype::bf16};
inline constexpr std::string_view kOutputDtypeWords[] = {to_string(kOutputDtypes[0]),
                                                         to_string(kOutputDtypes[1])};

struct DtypeTraits {
  std::size_t size_bytes;
  int fraction_bits;
  int lowest_exponent;  // the smallest subnormal is 2^lowest_exponent
  float largest;
  bool has_infinity;
  Dtype out;  // dtype of O if the problem sets none
  // Q, K and V have descale factors. O has none; the problem chooses fp16 or bf16 for it.
  bool scaled;
};

constexpr DtypeTraits traits(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp16:
      return {.size_bytes = 2,
              .fraction_bits = 10,
              .lowest_exponent = -24,
              .largest = 65504,
              .has_infinity = true,
              .out = Dtype::fp16,
              .scaled = false};
    case Dtype::bf16:
      return {.size_bytes = 2,
              .fraction_bits = 7,
              .lowest_exponent = -133,
              .largest = 0x1.fep127f,
              .has_infinity = true,
              .out = Dtype::bf16,
              .scaled = false};
    case Dtype::e4m3:
      return {.size_bytes = 1,
              .fraction_bits = 3,
              .lowest_exponent = -9,
              .largest = 448,
              .has_infinity = false,
              .out = Dtype::bf16,
              .scaled = true};
  }
  return {};
}

constexpr std::size_t size_bytes(Dtype dtype) { return traits(dtype).size_bytes; }

// The largest relative error of one rounding.
constexpr double unit_roundoff(Dtype dtype) { return 0.5 / (1 << traits(dtype).fraction_bits); }

}  // namespace flashcore
