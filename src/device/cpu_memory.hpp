// How much host memory there is.
#pragma once

#include <cstdint>

namespace flashcore {

// Bytes of memory that can be taken without swapping, within the limit of this process's control group.
std::int64_t free_host_memory_bytes();
std::int64_t total_host_memory_bytes();

}  // namespace flashcore
