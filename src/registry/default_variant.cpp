#include "registry/default_variant.hpp"

#include <vector>

#include "attention/phase.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

// The variants of `family` that can run the problem, or the first of them.
std::vector<const Variant*> able_of(std::string_view family, const Problem& problem,
                                    const AttentionArgs& args, const Target& target, bool first_only) {
  std::vector<const Variant*> able;
  for (const Variant* variant : all_variants()) {
    if (variant->family != family || !is_compiled_for(*variant, problem)) continue;
    if (!ask_support(*variant, problem, args, target).reason.empty()) continue;
    able.push_back(variant);
    if (first_only) break;
  }
  return able;
}

}  // namespace

const Variant* first_for_decoding(std::span<const Variant* const> variants) {
  const Variant* best = nullptr;
  for (const Variant* variant : variants) {
    const Tile& tile = variant->spec.tile;
    if (tile.pack_gqa != 0 && (best == nullptr || tile.block_q < best->spec.tile.block_q)) best = variant;
  }
  return best != nullptr || variants.empty() ? best : variants.front();
}

const Variant* default_variant(const Problem& problem, const AttentionArgs& args, const Target& target) {
  const bool decodes = !is_rectangular(problem) && phase_of(problem) != Phase::prefill;
  std::vector<const Variant*> able;
  std::string_view tried;
  for (const Variant* variant : all_variants()) {
    if (variant->role == Role::peer || variant->family == tried) continue;
    tried = variant->family;
    std::vector<const Variant*> of_family = able_of(tried, problem, args, target, !decodes);
    if (!of_family.empty()) able = std::move(of_family);
  }
  return decodes ? first_for_decoding(able) : able.empty() ? nullptr : able.front();
}

}  // namespace flashcore
