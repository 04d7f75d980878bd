// The variant that runs when nobody has tuned.
#pragma once

#include "registry/supports.hpp"

namespace flashcore {

// Of the last family that can run the problem, the first variant that can; null when there is none. Peers are never
// chosen: they are somebody else's kernels, and some build plans to find out whether they can run.
const Variant* default_variant(const Problem& problem, const AttentionArgs& args, const Target& place);

}  // namespace flashcore
