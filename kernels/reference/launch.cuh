// Launches of kernels that are no attention kernels.
#pragma once

#include <utility>

#include "kernels/common/grid_launch.cuh"

namespace flashcore::kernels {

// Not <<<>>>: the emulated machine of the tests supports only function calls.
template <class... Params, class... Args>
cudaError_t launch(void (*kernel)(Params...), dim3 grid, int threads, cudaStream_t stream, Args&&... args) {
  GridLaunch launch(stream, threads, 0);
  launch.set_grid(grid);
  return cudaLaunchKernelEx(&launch.config(), kernel, std::forward<Args>(args)...);
}

}  // namespace flashcore::kernels
