#include "registry/default_variant.hpp"

#include "registry/registry.hpp"

namespace flashcore {

const Variant* default_variant(const AttentionArgs& args, Dtype dtype, Backend backend,
                               const DeviceLimits& limits) {
  const Variant* chosen = nullptr;
  for (const Variant* variant : all_variants()) {
    const bool meant =
        variant->backend == backend && variant->spec.dtype == dtype && !variant->family.starts_with("peer_");
    if (!meant || (chosen != nullptr && chosen->family == variant->family)) continue;
    if (variant->unsupported == nullptr || variant->unsupported(args, limits) == nullptr) chosen = variant;
  }
  return chosen;
}

}  // namespace flashcore
