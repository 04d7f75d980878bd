// Poisoned outputs and sums over the difference of an output and its reference, the same on host and device.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/common/host_device.hpp"

namespace flashcore::kernels {

// Stored into every element of an output before a launch. It is NaN in fp16, bf16 and FP32, so that an
// element that was not written is recognised by its bits and can never pass as a result.
inline constexpr std::uint16_t kPoison16 = 0x7FAB;
inline constexpr std::uint32_t kPoison32 = 0x7FAB7FABu;

// Sums over one comparison, from which ErrorNorms in record/record.hpp are computed. Indices are -1 when
// there is no such element.
struct DifferenceSums {
  double abs_sum = 0;
  double square_sum = 0;
  double reference_square_sum = 0;
  double max_abs = -1;
  std::int64_t worst_index = -1;      // of max_abs
  std::int64_t nonfinite = 0;         // not finite where the reference is, or the other way round
  std::int64_t nonfinite_index = -1;  // one of them
  std::int64_t unwritten = 0;         // still poison
  std::int64_t unwritten_index = -1;  // one of them
};

// Equal infinities agree, and so do two NaN.
FLASHCORE_HOST_DEVICE inline void add_difference(DifferenceSums& sums, float value, float reference,
                                                 bool poisoned, std::int64_t index) {
  if (poisoned) {
    ++sums.unwritten;
    if (sums.unwritten_index < 0) sums.unwritten_index = index;
    return;
  }
  if (value == reference && fabsf(value) == INFINITY) return;
  if (value != value && reference != reference) return;
  const double difference = fabs(static_cast<double>(value) - static_cast<double>(reference));
  if (!(difference < static_cast<double>(INFINITY))) {
    ++sums.nonfinite;
    if (sums.nonfinite_index < 0) sums.nonfinite_index = index;
    return;
  }
  sums.abs_sum += difference;
  sums.square_sum += difference * difference;
  sums.reference_square_sum += static_cast<double>(reference) * static_cast<double>(reference);
  if (difference > sums.max_abs) {
    sums.max_abs = difference;
    sums.worst_index = index;
  }
}

FLASHCORE_HOST_DEVICE inline void merge(DifferenceSums& sums, const DifferenceSums& other) {
  sums.abs_sum += other.abs_sum;
  sums.square_sum += other.square_sum;
  sums.reference_square_sum += other.reference_square_sum;
  sums.nonfinite += other.nonfinite;
  sums.unwritten += other.unwritten;
  if (sums.nonfinite_index < 0) sums.nonfinite_index = other.nonfinite_index;
  if (sums.unwritten_index < 0) sums.unwritten_index = other.unwritten_index;
  if (other.max_abs > sums.max_abs) {
    sums.max_abs = other.max_abs;
    sums.worst_index = other.worst_index;
  }
}

}  // namespace flashcore::kernels
