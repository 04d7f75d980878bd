// Stands in for kernels/common/hopper_wgmma.cuh: the same functions, on the emulated machine.
#pragma once

#include <cstdint>

#include "attention/dtype.hpp"
#include "emulated/machine/wgmma.hpp"
#include "kernels/common/numeric.cuh"

namespace flashcore::kernels {

// PTX ISA, "wgmma.fence", "wgmma.commit_group", "wgmma.wait_group".
inline void wgmma_fence() { emulated::wgmma_fence(); }
inline void wgmma_commit() { emulated::wgmma_commit(); }
template <int kPending>
void wgmma_wait() {
  emulated::wgmma_wait(kPending);
}

template <int kCount>
void pin_registers(float (&)[kCount]) {}

// PTX ISA, "wgmma.mma_async".
template <Dtype kDtype, int kN>
struct Wgmma {
  static constexpr emulated::ToFloat kToFloat = emulated::element_to_float<Element<kDtype>>;

  static void product(float (&d)[kN / 2], std::uint64_t a, std::uint64_t b, bool accumulate) {
    emulated::wgmma_issue({.d = d,
                           .n = kN,
                           .a = nullptr,
                           .a_descriptor = a,
                           .b_descriptor = b,
                           .b_transposed = false,
                           .accumulate = accumulate,
                           .to_float = kToFloat});
  }
  static void product_transposed(float (&d)[kN / 2], const std::uint32_t (&a)[4], std::uint64_t b) {
    emulated::wgmma_issue({.d = d,
                           .n = kN,
                           .a = a,
                           .a_descriptor = 0,
                           .b_descriptor = b,
                           .b_transposed = true,
                           .accumulate = true,
                           .to_float = kToFloat});
  }
};

template <int kN>
struct Wgmma<Dtype::e4m3, kN> {
  static void product(float (&d)[kN / 2], std::uint64_t a, std::uint64_t b, bool accumulate) {
    issue(d, nullptr, a, b, accumulate);
  }
  static void product_registers(float (&d)[kN / 2], const std::uint32_t (&a)[4], std::uint64_t b) {
    issue(d, a, 0, b, true);
  }

 private:
  static void issue(float* d, const std::uint32_t* a, std::uint64_t a_descriptor, std::uint64_t b,
                    bool accumulate) {
    emulated::wgmma_issue({.d = d,
                           .n = kN,
                           .a = a,
                           .a_descriptor = a_descriptor,
                           .b_descriptor = b,
                           .b_transposed = false,
                           .accumulate = accumulate,
                           .to_float = emulated::e4m3_to_float,
                           .element_bytes = 1});
  }
};

}  // namespace flashcore::kernels
