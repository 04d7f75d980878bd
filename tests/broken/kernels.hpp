// The broken kernels of each backend, in the order of Break, the honest one first.
#pragma once

#include <vector>

#include "variant/variant.hpp"

namespace flashcore::broken {

const std::vector<Variant>& cpu_kernels();
const std::vector<Variant>& cuda_kernels();  // only with CUDA compiled in

// None for CUDA where it is not compiled in.
inline std::vector<Variant> kernels_of(Backend backend) {
  if (backend == Backend::cpu) return cpu_kernels();
#ifdef FLASHCORE_HAVE_CUDA
  return cuda_kernels();
#else
  return {};
#endif
}

}  // namespace flashcore::broken
