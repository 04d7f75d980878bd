// The size of host memory, within the limit of this process's control group.
#pragma once

#include <cstdint>

namespace flashcore {

// Memory that can be allocated without swapping.
std::int64_t free_host_memory_bytes();
std::int64_t total_host_memory_bytes();

}  // namespace flashcore
