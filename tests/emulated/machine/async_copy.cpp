#include "emulated/machine/async_copy.hpp"

#include <cstring>
#include <utility>

#include "emulated/machine/failure.hpp"
#include "emulated/machine/shared_memory.hpp"

namespace flashcore::emulated {

void CopyGroups::issue(std::uint32_t smem, const void* global, int source_bytes) {
  if (source_bytes != 0 && source_bytes != kBytes)
    fail("cp.async: {} bytes of 16 are not emulated", source_bytes);
  if (reinterpret_cast<std::uintptr_t>(global) % kBytes != 0) fail("cp.async: the source is not aligned");
  unsigned char* target = shared_at(smem, kBytes, kBytes, "cp.async");
  poison(target, kBytes);
  issued_.push_back({target, source_bytes == 0 ? nullptr : global});
}

void CopyGroups::commit() { groups_.push_back(std::exchange(issued_, {})); }

void CopyGroups::wait(int pending) {
  for (; groups_.size() > static_cast<std::size_t>(pending); groups_.pop_front()) {
    for (const Copy& copy : groups_.front()) {
      if (copy.source == nullptr) {
        std::memset(copy.target, 0, kBytes);
      } else {
        std::memcpy(copy.target, copy.source, kBytes);
      }
    }
  }
}

}  // namespace flashcore::emulated
