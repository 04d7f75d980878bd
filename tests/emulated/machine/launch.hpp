// Runs a grid on the machine.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>

namespace flashcore::emulated {

// Drawn from for every choice of what runs next, from the next launch on. It also chooses the poison: NaN
// with odd seeds, large numbers with even ones.
void set_schedule_seed(std::uint64_t seed);

// Each thread of the grid runs `body`; clusters of blocks run one after the other. Throws Failure.
void launch_grid(const cudaLaunchConfig_t& config, const std::function<void()>& body);

}  // namespace flashcore::emulated
