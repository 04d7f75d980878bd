#include "registry/default_variant.hpp"

#include "registry/registry.hpp"

namespace flashcore {

const Variant* default_variant(const Problem& problem, const AttentionArgs& args, const Target& target) {
  const Variant* chosen = nullptr;
  for (const Variant* variant : all_variants()) {
    if (variant->role == Role::peer || !is_compiled_for(*variant, problem)) continue;
    if (chosen != nullptr && chosen->family == variant->family) continue;
    if (ask_support(*variant, problem, args, target).reason.empty()) chosen = variant;
  }
  return chosen;
}

}  // namespace flashcore
