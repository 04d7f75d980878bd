// What a problem is to a serving engine. Kernels that are fast for one phase are often slow for another.
#pragma once

#include <cstdint>
#include <string_view>

#include "attention/problem.hpp"
#include "base/words.hpp"

namespace flashcore {

// prefill: every sequence has many queries. decode: every sequence has a new token, or the few of a draft. mixed: a
// ragged batch with sequences of both kinds.
enum class Phase : int { prefill, decode, mixed };
inline constexpr std::string_view kPhaseWords[] = {"prefill", "decode", "mixed"};
constexpr Words words(Phase) { return kPhaseWords; }

// The most queries of a sequence that decodes.
inline constexpr std::int64_t kMaxDecodeQueries = 16;

// Sequences without queries do not count.
Phase phase_of(const Problem& problem);

}  // namespace flashcore
