// Other input values in the same memory, and fingerprints of memory: the same bits on host and device.
#pragma once

#include <cstdint>

#include "attention/dtype.hpp"
#include "kernels/common/host_device.hpp"
#include "kernels/common/random.hpp"

namespace flashcore::kernels {

// The bits of one element. Scrambling draws the sign and the fraction anew and keeps the exponent, so that the
// distribution of magnitudes stays. Infinities and NaN stay.
struct ScrambleFormat {
  int element_bits;  // 8 or 16
  std::uint32_t sign;
  std::uint32_t exponent;
  std::uint32_t fraction;
  bool top_exponent_is_finite;  // values with all bits of the exponent set are finite, but for one NaN
};

FLASHCORE_HOST_DEVICE constexpr ScrambleFormat scramble_format(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp16:
      return {16, 0x8000u, 0x7C00u, 0x03FFu, false};
    case Dtype::bf16:
      return {16, 0x8000u, 0x7F80u, 0x007Fu, false};
    default:
      return {8, 0x80u, 0x78u, 0x07u, true};  // e4m3
  }
}

FLASHCORE_HOST_DEVICE constexpr std::uint32_t scramble_element(const ScrambleFormat& format,
                                                               std::uint32_t bits, std::uint32_t random) {
  if ((bits & format.exponent) != format.exponent) return bits ^ (random & (format.sign | format.fraction));
  if (!format.top_exponent_is_finite || (bits & format.fraction) == format.fraction) return bits;
  return bits ^ (random & format.sign);  // another fraction could be the NaN
}

// All elements of a 64-bit word, the `index`-th of its tensor. `key` is another one for each scramble.
FLASHCORE_HOST_DEVICE constexpr std::uint64_t scramble_word(const ScrambleFormat& format, std::uint64_t word,
                                                            std::uint64_t key, std::uint64_t index) {
  const std::uint64_t random = mix_bits(key ^ mix_bits(index));
  const std::uint64_t element = (std::uint64_t{1} << format.element_bits) - 1;
  std::uint64_t result = 0;
  for (int shift = 0; shift < 64; shift += format.element_bits) {
    const auto bits = static_cast<std::uint32_t>(word >> shift & element);
    const auto other = static_cast<std::uint32_t>(random >> shift & element);
    result |= std::uint64_t{scramble_element(format, bits, other)} << shift;
  }
  return result;
}

// A fingerprint is the sum of this over all words, the last one filled up with zeros.
FLASHCORE_HOST_DEVICE constexpr std::uint64_t fingerprint_of(std::uint64_t word, std::uint64_t index) {
  return mix_bits(word ^ mix_bits(~index));
}

// The first `bytes` (1 to 8) at `data` as a little-endian word; the rest is zero.
FLASHCORE_HOST_DEVICE inline std::uint64_t partial_word(const std::uint8_t* data, std::int64_t bytes) {
  std::uint64_t word = 0;
  for (std::int64_t i = 0; i < bytes; ++i) word |= std::uint64_t{data[i]} << (8 * i);
  return word;
}

FLASHCORE_HOST_DEVICE inline void store_partial_word(std::uint8_t* data, std::int64_t bytes,
                                                     std::uint64_t word) {
  for (std::int64_t i = 0; i < bytes; ++i) data[i] = static_cast<std::uint8_t>(word >> (8 * i));
}

}  // namespace flashcore::kernels
