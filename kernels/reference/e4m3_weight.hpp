// The unfused attention's probabilities in e4m3, the same on the host and on the device.
#pragma once

#include "kernels/common/e4m3.hpp"

namespace flashcore::kernels {

// weight / sum for a row whose largest weight is 1: the weight is stretched to the range of e4m3 before it is
// rounded; the sum is not rounded.
FLASHCORE_HOST_DEVICE constexpr float e4m3_probability(float weight, float sum) {
  constexpr float kStretch = traits(Dtype::e4m3).largest;
  return to_float(e4m3_from_float(kStretch * weight)) / (kStretch * sum);
}

}  // namespace flashcore::kernels
