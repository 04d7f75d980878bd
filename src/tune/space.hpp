// The search space of a sweep: the candidates of each problem, and the pruned variants with their reasons.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "config/tune_policy.hpp"
#include "execute/executor.hpp"
#include "variant/variant.hpp"

namespace flashcore {

struct PrunedCandidate {
  const Variant* variant;
  std::string reason;
};

struct ProblemSpace {
  Problem problem;
  std::vector<const Variant*> candidates;  // in ladder order
  std::vector<PrunedCandidate> pruned;
  const Variant* by_default = nullptr;  // registry/default_variant.hpp; it need not be a candidate
};

// The space of each problem consists of the variants with its dtype and head_dim. Limits on registers and
// spills need the compiled kernels' resources from the CUDA runtime.
std::vector<ProblemSpace> make_space(std::span<const Problem> problems,
                                     std::span<const Variant* const> variants, const DeviceInfo& device,
                                     const TunePolicy& policy, std::uint64_t seed);

// A part of a sweep. `index` starts at 1.
struct Shard {
  std::int64_t index = 1;
  std::int64_t count = 1;
};

std::string to_string(const Shard& shard);

// Parses "2/4". Throws UsageError that starts with `where`.
Shard parse_shard(const std::string& text, const std::string& where);

// The shard that has the problem with this index in the plan.
std::int64_t shard_of(std::size_t problem, std::int64_t count);

// The problems of a shard: every count-th one, starting with the index-th. Sweeps are split by problem and
// not by variant, because only times from interleaved rounds on one device can be compared. It also computes
// each reference only once.
std::vector<ProblemSpace> take_shard(std::vector<ProblemSpace> space, const Shard& shard);

// The text of a dry run.
std::string space_text(std::span<const ProblemSpace> space);

}  // namespace flashcore
