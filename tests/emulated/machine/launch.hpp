// Runs a grid on the machine.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>

namespace flashcore::emulated {

// Sets the seed for all scheduling choices from the next launch on. It also chooses the poison: NaN with odd
// seeds, large numbers with even ones.
void set_schedule_seed(std::uint64_t seed);

// A device with so many multiprocessors, until the object's end. Else there are 2: persistent blocks then have several
// tiles each.
class Multiprocessors {
 public:
  explicit Multiprocessors(int count);
  ~Multiprocessors();
  Multiprocessors(const Multiprocessors&) = delete;
  Multiprocessors& operator=(const Multiprocessors&) = delete;

 private:
  int before_;
};

// Runs `body` in each thread of the grid; clusters of blocks run one after the other. Throws Failure.
void launch_grid(const cudaLaunchConfig_t& config, const std::function<void()>& body);

}  // namespace flashcore::emulated
