// Runs a grid on the machine.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>

namespace flashcore::emulated {

// Sets the seed for all scheduling choices from the next launch on. It also chooses the poison: NaN with odd
// seeds, large numbers with even ones.
void set_schedule_seed(std::uint64_t seed);

// Runs `body` in each thread of the grid; clusters of blocks run one after the other. Throws Failure.
void launch_grid(const cudaLaunchConfig_t& config, const std::function<void()>& body);

}  // namespace flashcore::emulated
