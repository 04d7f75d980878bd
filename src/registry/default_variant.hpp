// The variant that runs if no tuned table applies.
#pragma once

#include "registry/supports.hpp"

namespace flashcore {

// Takes the last family of the ladder that can run the problem, and its first variant that can. Null if there
// is none. Peers are never chosen: they belong to other projects, and some must build a plan before they can
// answer.
const Variant* default_variant(const Problem& problem, const AttentionArgs& args, const Target& target);

}  // namespace flashcore
