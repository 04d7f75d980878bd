// Runs ncu, the kernel profiler of Nsight Compute.
#pragma once

#include <string>
#include <vector>

namespace flashcore {

// The path of ncu, from PATH or the CUDA Toolkit's folder. Throws EnvironmentError if it is not found.
std::string find_ncu();

// Runs `command` under ncu without its clock control, and returns ncu's CSV of the kernels between
// cudaProfilerStart and cudaProfilerStop. The output of the command is discarded. Throws EnvironmentError if
// ncu cannot be run or writes no output.
std::string run_ncu(const std::string& ncu, const std::string& metrics,
                    const std::vector<std::string>& command);

}  // namespace flashcore
