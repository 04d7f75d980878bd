#include "emulated/machine/element.hpp"

#include "kernels/common/cpu_numeric.hpp"

namespace flashcore::emulated {

float e4m3_to_float(std::uint16_t bits) { return to_float(kernels::E4m3{static_cast<std::uint8_t>(bits)}); }

std::uint8_t e4m3_from_float(float x) { return kernels::from_float<kernels::E4m3>(x).bits; }

}  // namespace flashcore::emulated
