// The values of Q, K and V: seeded normal values, or one of the sets that tend to break kernels. One function
// of kind, tensor and position, the same on the host and on the device.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "attention/dtype.hpp"
#include "base/words.hpp"
#include "kernels/common/host_device.hpp"
#include "kernels/common/random.hpp"

namespace flashcore::kernels {

// The sets below `normal` are made for a softmax scale of kAdversarialScale. Elements that a set does not
// mention have normal values.
enum class InputKind : int {
  normal,
  large_scores,       // multiples of 8 near +1000 and -1000, which fp16 and bf16 both hold exactly
  dominating_key,     // one key, two thirds of the way, scores 64 above all others
  all_equal,          // every score is the same
  subnormal,          // below the dtype's smallest normal value; in bf16 only every other row of V is
  signed_zeros,       // +0 and -0 in all three tensors
  alternating_signs,  // signs of scores and values change from key to key
  low_scores_100,     // all scores far below 0, near -100, -1000 and -10000; the first keys score lowest
  low_scores_1000,
  low_scores_10000,
  minus_infinity,  // a score of -inf for the first kLeadingKeys keys and for every third after them; only
                   // for dtypes that have infinity
  nan_query,       // NaN in the query in the middle
  nan_key,         // NaN in the last key; +inf, or the largest value, in the key before it
  nan_value,       // NaN in one column of V of the key in the middle
};
inline constexpr std::string_view kInputKindWords[] = {
    "normal",         "large_scores",      "dominating_key", "all_equal",       "subnormal",
    "signed_zeros",   "alternating_signs", "low_scores_100", "low_scores_1000", "low_scores_10000",
    "minus_infinity", "nan_query",         "nan_key",        "nan_value"};
constexpr Words words(InputKind) { return kInputKindWords; }

inline constexpr float kAdversarialScale = 0.125f;
inline constexpr std::int64_t kLeadingKeys = 100;  // so that a whole tile of 64 keys has no finite score

// A tensor and how it is filled.
struct InputSource {
  InputKind kind;
  Dtype dtype;
  InputTensor tensor;
  std::uint64_t stream;  // random_stream() of the tensor
  std::int64_t rows;
};

// An element's position within its head, and its index in the whole tensor without gaps.
struct InputPlace {
  std::int64_t row;
  std::int64_t column;
  std::uint64_t index;
};

FLASHCORE_HOST_DEVICE inline float negated_if(bool negate, float magnitude) {
  return negate ? -magnitude : magnitude;
}

// Random bits of one element, independent of its normal value.
FLASHCORE_HOST_DEVICE inline std::uint64_t element_bits(const InputSource& source, std::uint64_t index) {
  return mix_bits(~source.stream ^ mix_bits(index));
}

// Only column 0 contributes to Q·K: 32 · 250 · kAdversarialScale = 1000.
FLASHCORE_HOST_DEVICE inline float large_score_value(const InputSource& source, const InputPlace& at) {
  if (at.column != 0) return 0;
  if (source.tensor == InputTensor::q) return negated_if(at.row % 2 != 0, 32);
  const std::uint64_t bits = element_bits(source, at.index);
  return negated_if((bits & 8) != 0, static_cast<float>(250 - 2 * static_cast<int>(bits & 7)));
}

// A score is -unit times a count below 256, which fp16 and bf16 hold exactly.
struct LowScore {
  float unit;
  int least;  // count of the highest score
};

constexpr bool has_low_scores(InputKind kind) {
  return kind == InputKind::low_scores_100 || kind == InputKind::low_scores_1000 ||
         kind == InputKind::low_scores_10000;
}

FLASHCORE_HOST_DEVICE inline LowScore low_score_of(InputKind kind) {
  if (kind == InputKind::low_scores_100) return {0.5f, 208};
  return kind == InputKind::low_scores_1000 ? LowScore{8, 125} : LowScore{64, 156};
}

// The magnitude of the highest scores of such a kind.
FLASHCORE_HOST_DEVICE inline float highest_low_score(InputKind kind) {
  const LowScore score = low_score_of(kind);
  return score.unit * static_cast<float>(score.least);
}

// Only column 0 contributes to Q·K: 32 · unit / 4 · kAdversarialScale = unit. Every 16 keys the scores grow by
// a unit, so that the running maximum of a row rises from tile to tile.
FLASHCORE_HOST_DEVICE inline float low_score_value(const InputSource& source, const InputPlace& at) {
  constexpr std::int64_t kKeysPerUnit = 16;
  constexpr std::int64_t kMaxGrowth = 31;
  if (at.column != 0) return 0;
  if (source.tensor == InputTensor::q) return 32;
  const std::int64_t growth = (source.rows - 1 - at.row) / kKeysPerUnit;
  const LowScore score = low_score_of(source.kind);
  const auto below = static_cast<int>(growth < kMaxGrowth ? growth : kMaxGrowth);
  const auto random = static_cast<int>(element_bits(source, at.index) & 7);
  return -score.unit / 4 * static_cast<float>(score.least + below + random);
}

FLASHCORE_HOST_DEVICE inline float subnormal_value(const InputSource& source, const InputPlace& at) {
  const std::uint64_t bits = element_bits(source, at.index);
  const DtypeTraits dtype = traits(source.dtype);
  const auto multiple = static_cast<float>(1 + bits % ((1u << dtype.fraction_bits) - 1));
  return negated_if(bits >> 63 != 0, ldexpf(multiple, dtype.lowest_exponent));
}

// Elements of Q and K, and elements of V, that are not normal values; `value` is the normal one.
FLASHCORE_HOST_DEVICE inline float score_input(const InputSource& source, const InputPlace& at, float value) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const bool is_query = source.tensor == InputTensor::q;
  const std::int64_t from_last = source.rows - 1 - at.row;
  if (has_low_scores(source.kind)) return low_score_value(source, at);
  switch (source.kind) {
    case InputKind::large_scores:
      return large_score_value(source, at);
    case InputKind::dominating_key:
      if (at.column != 0) return value;
      return is_query ? 8.0f : at.row == source.rows * 2 / 3 ? 64.0f : 0.0f;
    case InputKind::all_equal:
      return 1;
    case InputKind::subnormal:
      return subnormal_value(source, at);
    case InputKind::alternating_signs:
      return negated_if((is_query ? at.column : at.row + at.column) % 2 != 0, fabsf(value));
    case InputKind::minus_infinity:
      if (at.column != 0) return value;
      if (is_query) return 1 + fabsf(value);
      return at.row < kLeadingKeys || at.row % 3 == 1 ? -kInfinity : value;
    case InputKind::nan_query:
      return is_query && at.column == 0 && at.row == source.rows / 2 ? kNan : value;
    case InputKind::nan_key:
      if (is_query || at.column != 0 || from_last > 1) return value;
      return from_last == 0 ? kNan : kInfinity;
    default:
      return value;
  }
}

FLASHCORE_HOST_DEVICE inline float value_input(const InputSource& source, const InputPlace& at, float value) {
  constexpr int kLowestNormalFp32 = -126;
  switch (source.kind) {
    case InputKind::subnormal:
      return traits(source.dtype).lowest_exponent >= kLowestNormalFp32 || at.row % 2 == 0
                 ? subnormal_value(source, at)
                 : value;
    case InputKind::alternating_signs:
      return negated_if((at.row + at.column) % 2 != 0, fabsf(value));
    case InputKind::nan_value:
      return at.column == 0 && at.row == source.rows / 2 ? std::numeric_limits<float>::quiet_NaN() : value;
    default:
      return value;
  }
}

// The descale factor of a head of a scaled dtype; `largest` is the largest finite magnitude of its values.
// Elements are values divided by it. They fill the dtype's range, or leave up to two bits of it free:
// neighbouring heads then differ so much that a kernel fails if it takes another head's factor. Subnormal
// values stay subnormal.
FLASHCORE_HOST_DEVICE inline float descale_factor(const InputSource& source, std::int64_t head,
                                                  float largest) {
  if (source.kind == InputKind::subnormal || largest == 0) return 1;
  const auto bits_free = static_cast<int>((head + static_cast<std::int64_t>(source.tensor)) % 3);
  return ldexpf(largest / traits(source.dtype).largest, bits_free);
}

// The value of one element, neither scaled nor rounded to the dtype.
FLASHCORE_HOST_DEVICE inline float input_value(const InputSource& source, const InputPlace& at) {
  if (source.kind == InputKind::signed_zeros) return negated_if((at.row + at.column) % 2 != 0, 0.0f);
  const float value = normal_value(source.stream, at.index);
  return source.tensor == InputTensor::v ? value_input(source, at, value) : score_input(source, at, value);
}

}  // namespace flashcore::kernels
