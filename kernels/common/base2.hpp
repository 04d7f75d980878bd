// Softmax in base 2: scores times log2(e) make e^score one exp2.
#pragma once

#include <numbers>

namespace flashcore::kernels {

inline constexpr float kLog2E = std::numbers::log2e_v<float>;
inline constexpr float kLn2 = std::numbers::ln2_v<float>;

}  // namespace flashcore::kernels
