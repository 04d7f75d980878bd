// What a sweep searches: for each problem the variants that may run it, and why the others may not.
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
};

// Every problem with the variants of its dtype and head_dim. Limits on registers and spills ask the CUDA
// runtime for what was compiled.
std::vector<ProblemSpace> make_space(std::span<const Problem> problems,
                                     std::span<const Variant* const> variants, const DeviceInfo& device,
                                     const TunePolicy& policy, std::uint64_t seed);

// A part of a sweep: shard `index` of `count`, from 1.
struct Shard {
  std::int64_t index = 1;
  std::int64_t count = 1;
};

// "2/4". Throws UsageError naming `where`.
Shard parse_shard(const std::string& text, const std::string& where);

// The shard's problems: every count-th, from its index on. Sweeps are split by problem and never by variant,
// since times decide only where they were taken on one device and in turns; it also makes each reference
// once.
std::vector<ProblemSpace> take_shard(std::vector<ProblemSpace> space, const Shard& shard);

// The space as a dry run shows it.
std::string space_text(std::span<const ProblemSpace> space);

}  // namespace flashcore
