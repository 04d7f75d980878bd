// Names that people type: glob patterns, and the valid word nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace flashcore {

// Whole-text match: '*' stands for any run of characters (also '/'), '?' for one, all else for itself.
bool glob_match(std::string_view pattern, std::string_view text);

// Insertions, deletions, substitutions and swaps of neighbours that turn one word into the other (optimal
// string alignment distance).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, the first of equals; empty when none is near enough to be meant: more than
// a third of the longer word (but at least one letter) would have to change, and neither begins with the
// other.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates);

// ", did you mean seq_q?" or, when nothing is near, "; one of: a, b, c". Empty without candidates.
std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace flashcore
