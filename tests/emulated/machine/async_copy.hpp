// cp.async: 16 bytes from global to shared memory, which arrive when their group is waited for.
//
// The target is poisoned when the copy is issued, the earliest time at which the hardware may overwrite it,
// and filled by the wait that covers its group, the latest time at which the bytes arrive.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

namespace flashcore::emulated {

class CopyGroups {
 public:
  static constexpr int kBytes = 16;

  // cp.async: zeros instead of the source when source_bytes is 0.
  void issue(std::uint32_t smem, const void* global, int source_bytes);
  // cp.async.commit_group.
  void commit();
  // cp.async.wait_group: completes all but the `pending` youngest groups.
  void wait(int pending);

 private:
  struct Copy {
    unsigned char* target;
    const void* source;  // null: zeros
  };
  std::vector<Copy> issued_;
  std::deque<std::vector<Copy>> groups_;
};

}  // namespace flashcore::emulated
