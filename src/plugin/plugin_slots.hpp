// A Variant holds plain functions without user data, which suits kernels compiled in. A plug-in's functions
// take an index instead; so each of its variants gets a slot, and each slot functions that know its number.
#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "capi/convert.hpp"
#include "plugin/plugin.hpp"

namespace flashcore {

struct PluginSlot {
  const flashcore_plugin* plugin = nullptr;
  std::size_t index = 0;  // into the plug-in's variants

  const flashcore_plugin_variant& variant() const { return plugin->variants[index]; }
  flashcore_attention to_c(const ScaledAttentionArgs& args) const {
    return flashcore::to_c(args, static_cast<Dtype>(variant().dtype));
  }
};

inline std::array<PluginSlot, kMostPluginVariants> plugin_slots;

template <int kSlot>
struct PluginCalls {
  static const PluginSlot& slot() { return plugin_slots[kSlot]; }

  static const char* unsupported(const AttentionArgs& args, const DeviceLimits& limits) {
    if (args.head_dim != slot().variant().head_dim) return "compiled for another head_dim";
    if (slot().plugin->unsupported == nullptr) return nullptr;
    const flashcore_attention c_args = slot().to_c(args);
    const flashcore_device_limits c_limits = to_c(limits);
    return slot().plugin->unsupported(slot().index, &c_args, &c_limits);
  }

  static std::size_t workspace_bytes(const AttentionArgs& args) {
    const flashcore_attention c_args = slot().to_c(args);
    return slot().plugin->workspace_bytes(slot().index, &c_args);
  }

  template <class Args>
  static int launch(const Args& args, void* stream) {
    const flashcore_attention c_args = slot().to_c(args);
    return slot().plugin->launch(slot().index, &c_args, stream);
  }

  static int query_resources(const AttentionArgs& args, Resources& resources) {
    const flashcore_attention c_args = slot().to_c(args);
    flashcore_resources c_resources = {};
    const int code = slot().plugin->resources(slot().index, &c_args, &c_resources);
    resources = from_c(c_resources);
    return code;
  }
};

// The functions of one slot; the optional ones only when the plug-in has them.
template <int kSlot>
void bind_slot(Variant& variant) {
  using Calls = PluginCalls<kSlot>;
  const flashcore_plugin& plugin = *Calls::slot().plugin;
  variant.unsupported = Calls::unsupported;
  if (traits(variant.spec.dtype).scaled) {
    variant.launch_scaled = Calls::template launch<ScaledAttentionArgs>;
  } else {
    variant.launch = Calls::template launch<AttentionArgs>;
  }
  if (plugin.workspace_bytes != nullptr) variant.workspace_bytes = Calls::workspace_bytes;
  if (plugin.resources != nullptr && variant.backend == Backend::cuda) {
    variant.query_resources = Calls::query_resources;
  }
}

// bind_slot<0>, bind_slot<1>, …
template <int... kSlots>
constexpr auto make_slot_binders(std::integer_sequence<int, kSlots...>) {
  return std::array{bind_slot<kSlots>...};
}

}  // namespace flashcore
