// A barrier that threads are counted at.
#pragma once

namespace flashcore::emulated {

inline constexpr int kNamedBarriers = 16;  // of a block (PTX ISA, "bar, barrier")

struct Barrier {
  int arrived = 0;
  int expected = 0;  // threads that complete it, as the first of them says
  unsigned completions = 0;
};

}  // namespace flashcore::emulated
