// The state of a barrier that counts threads.
#pragma once

namespace flashcore::emulated {

inline constexpr int kNamedBarriers = 16;  // of a block (PTX ISA, "bar, barrier")

struct Barrier {
  int arrived = 0;
  int expected = 0;  // threads that complete it, given by the first to arrive
  unsigned completions = 0;
};

}  // namespace flashcore::emulated
