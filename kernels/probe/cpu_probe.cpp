// As in kernels/cpu_fused/all.cpp, targets that would only add compile time are disabled.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/probe/fma-inl.hpp"
// clang-format off: foreach_target.h must come first, it compiles the file above once per target.
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/probe/fma-inl.hpp"
// clang-format on

#include <algorithm>
#include <chrono>

#include "kernels/probe/cpu_probe.hpp"

namespace flashcore::kernels {
namespace probe {

HWY_EXPORT(multiply_add);

}  // namespace probe

double measure_cpu_flops_per_s() {
  constexpr int kBursts = 50;
  constexpr std::size_t kSteps = 20'000;  // about 100 us, far less than a scheduler's turn
  double best = 0;
  for (int burst = 0; burst < kBursts; ++burst) {
    double operations = 0;
    const auto begin = std::chrono::steady_clock::now();
    volatile float sink = HWY_DYNAMIC_DISPATCH(probe::multiply_add)(kSteps, operations);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    static_cast<void>(sink);
    best = std::max(best, operations / spent.count());
  }
  return best;
}

}  // namespace flashcore::kernels
