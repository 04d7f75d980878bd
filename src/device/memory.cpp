#include "device/memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"

namespace flashcore {

Memory allocate_host(std::int64_t bytes) {
  constexpr auto kAlignment = static_cast<std::size_t>(kMemoryAlignment);
  const auto requested = static_cast<std::size_t>(bytes);
  const std::size_t rounded =
      std::max((requested + kAlignment - 1) / kAlignment, std::size_t{1}) * kAlignment;
  void* memory = std::aligned_alloc(kAlignment, rounded);
  if (memory == nullptr)
    throw OutOfMemoryError(fmt::format("cannot allocate {} bytes of host memory", bytes));
  return {memory, bytes, [](void* data) { std::free(data); }};
}

}  // namespace flashcore
