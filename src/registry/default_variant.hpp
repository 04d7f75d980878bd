// The variant that runs if no tuned table applies.
#pragma once

#include <span>

#include "registry/supports.hpp"

namespace flashcore {

// Takes the last family of the ladder that can run the problem, and its first variant that can. Of a ragged batch or a
// paged cache with sequences that decode, it takes first_for_decoding(). Null if there is none. Peers are never chosen:
// they belong to other projects, and some must build a plan before they can answer.
const Variant* default_variant(const Problem& problem, const AttentionArgs& args, const Target& target);

// Of variants of one family, the first of those that pack the heads of a group and have the fewest rows per tile: a tile
// with one query of each head would be nearly empty. The first of all if none packs heads; null if there is none.
const Variant* first_for_decoding(std::span<const Variant* const> variants);

}  // namespace flashcore
