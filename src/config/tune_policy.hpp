// The `tune` block of a config.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/words.hpp"

namespace flashcore {

// Search strategies; see tune/searcher.hpp.
enum class SearchKind : int { race, exhaustive, random };
inline constexpr std::string_view kSearchKindWords[] = {"race", "exhaustive", "random"};
constexpr Words words(SearchKind) { return kSearchKindWords; }

// What the winner of a problem has least of: time, or joules per call. `both` keeps the fastest and the Pareto set of the two.
enum class Objective : int { latency, energy, both };
inline constexpr std::string_view kObjectiveWords[] = {"latency", "energy", "both"};
constexpr Words words(Objective) { return kObjectiveWords; }

constexpr bool needs_energy(Objective objective) { return objective != Objective::latency; }

// Limits for candidates; absent: no limit.
struct ResourceLimits {
  std::optional<std::int64_t> smem_bytes = {};   // static and dynamic, per block
  std::optional<std::int64_t> registers = {};    // per thread
  std::optional<std::int64_t> spill_bytes = {};  // per thread

  bool any() const { return smem_bytes || registers || spill_bytes; }
};

struct TunePolicy {
  SearchKind search = SearchKind::race;
  Objective objective = Objective::latency;
  std::string objective_place;      // of the objective, for messages: a flag or a JSON pointer
  std::int64_t max_candidates = 0;  // per problem, a random sample of the candidates by the seed; 0: all
  ResourceLimits limits = {};
};

}  // namespace flashcore
