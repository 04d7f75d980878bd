// ncu, the kernel profiler of Nsight Compute, run as a program.
#pragma once

#include <string>
#include <vector>

namespace flashcore {

// On PATH, or where the CUDA Toolkit puts it. Throws EnvironmentError when it is not there.
std::string find_ncu();

// Runs `command` under ncu at the clocks that the device has, and returns ncu's CSV of the kernels between
// cudaProfilerStart and cudaProfilerStop. What the command prints is dropped. Throws EnvironmentError when
// ncu cannot be run or wrote nothing.
std::string run_ncu(const std::string& ncu, const std::string& metrics,
                    const std::vector<std::string>& command);

}  // namespace flashcore
