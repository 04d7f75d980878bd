// Replaces kernels/ptx/sm90a.cuh: the same functions on the emulated machine. Titles in quotes are
// sections of the PTX ISA manual. Register counts have no effect here.
#pragma once

#include <cstdint>

#include "attention/dtype.hpp"
#include "emulated/machine/wgmma.hpp"
#include "kernels/common/numeric.cuh"

namespace flashcore::kernels::ptx {

// "setmaxnreg"
template <int kRegisters>
void release_registers() {}
template <int kRegisters>
void acquire_registers() {}

// "wgmma.fence", "wgmma.commit_group", "wgmma.wait_group"
inline void wgmma_fence() { emulated::wgmma_fence(); }
inline void wgmma_commit() { emulated::wgmma_commit(); }
template <int kPending>
void wgmma_wait() {
  emulated::wgmma_wait(kPending);
}

template <int kCount>
void pin_registers(float (&)[kCount]) {}

// "wgmma.mma_async"
template <Dtype kDtype, int kAccumulators>
emulated::ProductLane wgmma_lane(float (&d)[kAccumulators], std::uint64_t b) {
  emulated::ProductLane lane{.d = d, .n = 2 * kAccumulators, .b_descriptor = b};
  if constexpr (kDtype == Dtype::e4m3) {
    lane.to_float = emulated::e4m3_to_float;
    lane.element_bytes = 1;
  } else {
    lane.to_float = emulated::element_to_float<Element<kDtype>>;
  }
  return lane;
}

template <Dtype kDtype, int kAccumulators>
void wgmma(float (&d)[kAccumulators], std::uint64_t a, std::uint64_t b, bool accumulate) {
  emulated::ProductLane lane = wgmma_lane<kDtype>(d, b);
  lane.a_descriptor = a;
  lane.accumulate = accumulate;
  emulated::wgmma_issue(lane);
}

template <Dtype kDtype, int kAccumulators>
void wgmma(float (&d)[kAccumulators], const std::uint32_t (&a)[4], std::uint64_t b, bool accumulate = true) {
  emulated::ProductLane lane = wgmma_lane<kDtype>(d, b);
  lane.a = a;
  lane.b_transposed = kDtype != Dtype::e4m3;
  lane.accumulate = accumulate;
  emulated::wgmma_issue(lane);
}

}  // namespace flashcore::kernels::ptx
