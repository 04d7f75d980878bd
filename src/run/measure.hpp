// Interleaved measuring: all variants of a problem take turns, so that drift of clocks and temperature falls
// on all.
#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "core/record.hpp"
#include "run/executor.hpp"
#include "run/policy.hpp"

namespace flashcore {

// A variant that passed its check, and where its timings go.
struct Candidate {
  const Variant* variant;
  Record* record;
};

// Takes samples round by round, each round in a new random order drawn from `seed`, for each clock of the
// policy in turn. A candidate leaves the rounds when the 95 % interval of its median is narrow enough or it
// has max_samples. Once budget_s is spent, rounds end as soon as every candidate has kFewestSamples; the
// clocks share the budget. The first sample of each candidate and clock warms up and is not kept. A candidate
// whose launch fails becomes an `error` record without timings. An interrupt ends the rounds; what was
// sampled until then is kept.
inline constexpr int kFewestSamples = 3;

void measure(std::span<Candidate> candidates, const MeasurePolicy& policy, double budget_s,
             std::uint64_t seed, Executor& executor, const std::function<void(Clock, int round)>& on_round);

}  // namespace flashcore
