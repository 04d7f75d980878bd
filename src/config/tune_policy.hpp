// What a config says of tuning: its `tune` block.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/words.hpp"

namespace flashcore {

// The strategies; tune/searcher.hpp says what each does.
enum class SearchKind : int { race, exhaustive, random };
inline constexpr std::string_view kSearchKindWords[] = {"race", "exhaustive", "random"};
constexpr Words words(SearchKind) { return kSearchKindWords; }

// The most that a candidate may take; absent: any.
struct ResourceLimits {
  std::optional<std::int64_t> smem_bytes = {};   // a block, static and dynamic
  std::optional<std::int64_t> registers = {};    // a thread
  std::optional<std::int64_t> spill_bytes = {};  // a thread

  bool any() const { return smem_bytes || registers || spill_bytes; }
};

struct TunePolicy {
  SearchKind search = SearchKind::race;
  std::int64_t max_candidates = 0;  // of each problem, drawn by the seed from all that can run; 0: all
  ResourceLimits limits = {};
};

}  // namespace flashcore
