#include "tune/space.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <random>

#include "base/error.hpp"
#include "base/text.hpp"
#include "registry/default_variant.hpp"
#include "registry/supports.hpp"

namespace flashcore {
namespace {

bool ask_resources(const Variant& variant, const Problem& problem, Resources& resources) {
  try {
    return variant.knows_resources() && variant.resources(attention_args(problem), resources) == 0;
  } catch (const EnvironmentError&) {  // of a plug-in whose code fails
    return false;
  }
}

Resources compiled_resources(const Variant& variant, const Problem& problem) {
  Resources resources;
  if (ask_resources(variant, problem, resources)) return resources;
  return {.dynamic_smem_bytes = variant.smem_bytes};
}

std::string over_limit(const Variant& variant, const Problem& problem, const ResourceLimits& limits) {
  if (!limits.any()) return "";
  const Resources resources = compiled_resources(variant, problem);
  const auto check = [](std::int64_t value, const std::optional<std::int64_t>& limit, const char* unit) {
    return limit && value > *limit ? fmt::format("{} {}, the limit is {}", value, unit, *limit) : "";
  };
  const std::int64_t smem_bytes = resources.static_smem_bytes + resources.dynamic_smem_bytes;
  for (std::string reason : {check(smem_bytes, limits.smem_bytes, "bytes of shared memory"),
                             check(resources.registers, limits.registers, "registers"),
                             check(resources.spill_bytes, limits.spill_bytes, "bytes of spills")}) {
    if (!reason.empty()) return reason;
  }
  return "";
}

std::string pruning_reason(const Variant& variant, const Problem& problem, const DeviceInfo& device,
                           const ResourceLimits& limits) {
  SupportAnswer answer = ask_support(variant, problem, target_of(device));
  if (answer.failed) return "";  // its record says how it fails
  if (!answer.reason.empty()) return std::move(answer.reason);
  return over_limit(variant, problem, limits);
}

// Keeps a random sample of the candidates; max = 0 keeps all.
void keep_at_most(ProblemSpace& space, std::int64_t max, std::uint64_t seed) {
  const auto count = static_cast<std::int64_t>(space.candidates.size());
  if (max == 0 || count <= max) return;
  std::mt19937_64 random(seed);
  std::vector<const Variant*> kept;
  std::ranges::sample(space.candidates, std::back_inserter(kept), max, random);  // keeps their order
  for (const Variant* variant : space.candidates) {
    if (std::ranges::count(kept, variant) == 0) {
      space.pruned.push_back(
          {variant, fmt::format("not in the random sample of {} of {} candidates", max, count)});
    }
  }
  space.candidates = std::move(kept);
}

}  // namespace

std::vector<ProblemSpace> make_space(std::span<const Problem> problems,
                                     std::span<const Variant* const> variants, const DeviceInfo& device,
                                     const TunePolicy& policy, std::uint64_t seed) {
  std::vector<ProblemSpace> space;
  for (const Problem& problem : problems) {
    ProblemSpace& part = space.emplace_back(ProblemSpace{.problem = problem});
    for (const Variant* variant : variants) {
      if (!is_compiled_for(*variant, problem)) continue;
      if (std::string reason = pruning_reason(*variant, problem, device, policy.limits); reason.empty()) {
        part.candidates.push_back(variant);
      } else {
        part.pruned.push_back({variant, std::move(reason)});
      }
    }
    keep_at_most(part, policy.max_candidates, seed);
    part.by_default = default_variant(problem, attention_args(problem), target_of(device));
  }
  return space;
}

std::string to_string(const Shard& shard) { return fmt::format("{}/{}", shard.index, shard.count); }

Shard parse_shard(const std::string& text, const std::string& where) {
  Shard shard;
  const char* end = text.data() + text.size();
  const auto [slash, first] = std::from_chars(text.data(), end, shard.index);
  bool valid = first == std::errc{} && slash != end && *slash == '/';
  if (valid) {
    const auto [stop, second] = std::from_chars(slash + 1, end, shard.count);
    valid = second == std::errc{} && stop == end && shard.index >= 1 && shard.index <= shard.count;
  }
  if (!valid) {
    throw UsageError(fmt::format(
        "{}: \"{}\" is not a shard; it must be I/N with 1 <= I <= N, for example 2/4", where, text));
  }
  return shard;
}

std::int64_t shard_of(std::size_t problem, std::int64_t count) {
  return static_cast<std::int64_t>(problem) % count + 1;
}

std::vector<ProblemSpace> take_shard(std::vector<ProblemSpace> space, const Shard& shard) {
  std::vector<ProblemSpace> part;
  for (std::size_t i = 0; i < space.size(); ++i) {
    if (shard_of(i, shard.count) == shard.index) part.push_back(std::move(space[i]));
  }
  return part;
}

std::string space_text(std::span<const ProblemSpace> space) {
  std::string text;
  for (const ProblemSpace& part : space) {
    text += fmt::format("{}: {} candidates, {} pruned\n", printable(part.problem.name),
                        part.candidates.size(), part.pruned.size());
    for (const Variant* variant : part.candidates) text += fmt::format("  {}\n", variant->id());
    for (const PrunedCandidate& pruned : part.pruned) {
      text += fmt::format("  {}  pruned: {}\n", pruned.variant->id(), pruned.reason);
    }
  }
  return text;
}

}  // namespace flashcore
