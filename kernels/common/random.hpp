// Seeded normal values by position, the same on the host and on the device and in any order of generation.
//
// A counter-based generator (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): the counter
// goes through the finaliser of SplitMix64 (Steele et al. 2014), and Box-Muller makes two normal values of
// one 64-bit hash.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/common/host_device.hpp"

namespace flashcore::kernels {

enum class InputTensor : std::uint32_t { q = 1, k = 2, v = 3, sinks = 4 };

FLASHCORE_HOST_DEVICE constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// One stream per tensor and input set (measurements with a cold cache rotate sets).
FLASHCORE_HOST_DEVICE constexpr std::uint64_t random_stream(std::uint64_t seed, InputTensor tensor,
                                                            std::uint32_t set) {
  return mix_bits(mix_bits(seed) ^ (std::uint64_t{set} << 32 | static_cast<std::uint32_t>(tensor)));
}

struct NormalPair {
  float first;
  float second;
};

// Elements 2·pair and 2·pair + 1 of a stream. The uniform under the logarithm lies in (0, 1], so that no
// value is infinite; its 24 bits bound the values by 5.8.
FLASHCORE_HOST_DEVICE inline NormalPair normal_pair(std::uint64_t stream, std::uint64_t pair) {
  constexpr float kTwoToMinus24 = 1.0f / 16777216.0f;
  constexpr float kTwoPi = 6.283185307179586f;
  const std::uint64_t hash = mix_bits(stream ^ mix_bits(pair));
  const float radius = sqrtf(-2.0f * logf((static_cast<float>(hash >> 40) + 1.0f) * kTwoToMinus24));
  const float angle = kTwoPi * (static_cast<float>(hash & 0xffffffu) * kTwoToMinus24);
  return {radius * cosf(angle), radius * sinf(angle)};
}

// Element `index` of a stream. Tensors are indexed as [batch, heads, seq, head_dim] without gaps, whatever
// their layout in memory.
FLASHCORE_HOST_DEVICE inline float normal_value(std::uint64_t stream, std::uint64_t index) {
  const NormalPair pair = normal_pair(stream, index / 2);
  return index % 2 == 0 ? pair.first : pair.second;
}

}  // namespace flashcore::kernels
