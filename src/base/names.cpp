#include "base/names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace flashcore {

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;  // the last '*' seen
  std::size_t star_text = 0;                  // end of the text that this '*' matches so far
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> two_above;
  std::vector<std::size_t> above(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1, i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({change, above[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
    two_above = std::move(above);
    above = std::move(row);
  }
  return above.back();
}

// Words that are longer are no words.
constexpr std::size_t kMaxPrefixed = 10'000;

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = 0;
  for (std::string_view candidate : candidates) {
    const bool prefix = !word.empty() && (candidate.starts_with(word) || word.starts_with(candidate));
    const auto [shortest, longest] = std::minmax({word.size(), candidate.size()});
    const std::size_t most = std::max<std::size_t>(1, longest / 3);
    // The distance is at least the difference of the lengths, and takes long for long words.
    if (!prefix && longest - shortest > most) continue;
    if (prefix && longest > kMaxPrefixed) continue;
    const std::size_t distance = edit_distance(word, candidate);
    const bool near = distance < longest && distance <= most;
    if ((near || prefix) && (best.empty() || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> candidates) {
  if (candidates.empty()) return {};
  if (const std::string_view nearest = nearest_word(word, candidates); !nearest.empty()) {
    return fmt::format(", did you mean {}?", nearest);
  }
  return fmt::format("; one of: {}", fmt::join(candidates, ", "));
}

}  // namespace flashcore
