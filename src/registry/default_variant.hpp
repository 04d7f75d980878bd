// What runs when nobody has tuned.
#pragma once

#include "variant/variant.hpp"

namespace flashcore {

// Of the last family of the ladder that can run the arguments on the device, the first variant that can; null
// when there is none. Peers (families named peer_*) are never chosen: they are somebody else's kernels, and
// some build plans to find out whether they can run.
const Variant* default_variant(const AttentionArgs& args, Dtype dtype, Backend backend,
                               const DeviceLimits& limits);

}  // namespace flashcore
