// Numbers of the GPUs that kernels are compiled for.
#pragma once

namespace flashcore::kernels {

inline constexpr int kWarpSize = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;  // mask of a whole warp, as shuffles and votes take it
inline constexpr int kMaxSmemBytes = 227 * 1024;    // per block on sm_90, the largest limit of all so far

}  // namespace flashcore::kernels
