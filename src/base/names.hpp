// Glob patterns, and suggestions for mistyped words.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace flashcore {

// Matches the whole text. '*' matches any run of characters, including '/'; '?' matches one character.
bool glob_match(std::string_view pattern, std::string_view text);

// The number of insertions, deletions, substitutions and swaps of neighbours between two words (optimal
// string alignment distance).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate nearest to `word`; the first one on a tie. A candidate counts if at most a third of the
// longer word (at least one letter) differs, or if one word is a prefix of the other. Empty if no candidate
// counts.
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates);

// ", did you mean seq_q?", or "; one of: a, b, c" if no candidate is near. Empty without candidates.
std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace flashcore
