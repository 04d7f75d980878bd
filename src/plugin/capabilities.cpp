#include "plugin/capabilities.hpp"

#include <algorithm>

#include "attention/problem_fields.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kCausal[] = {"causal"};
constexpr std::string_view kWindows[] = {"window_left", "window_right"};
constexpr std::string_view kSoftcap[] = {"softcap"};
constexpr std::string_view kLse[] = {"lse"};
constexpr std::string_view kOwnLayout[] = {kLseLayout};
constexpr std::string_view kRagged[] = {"lengths"};
constexpr std::string_view kPaged[] = {"kv"};
constexpr std::string_view kSinks[] = {"sinks"};
constexpr std::string_view kHeadDimV[] = {"head_dim_v"};
constexpr std::string_view kKvDtype[] = {"kv_dtype"};
constexpr std::string_view kChunks[] = {"mask=chunk", "chunk"};
constexpr std::string_view kMaskBits[] = {"mask=bits"};

constexpr Capability kCapabilities[] = {
    {FLASHCORE_CAN_CAUSAL, "causal", kCausal},
    {FLASHCORE_CAN_WINDOWS, "windows", kWindows},
    {FLASHCORE_CAN_SOFTCAP, "softcap", kSoftcap},
    {FLASHCORE_CAN_LSE, "lse", kLse},
    {FLASHCORE_CAN_LSE_LAYOUT, "lse_layout", kOwnLayout},
    {FLASHCORE_CAN_RAGGED, "ragged", kRagged},
    {FLASHCORE_CAN_PAGED, "paged", kPaged},
    {FLASHCORE_CAN_SINKS, "sinks", kSinks},
    {FLASHCORE_CAN_HEAD_DIM_V, "head_dim_v", kHeadDimV},
    {FLASHCORE_CAN_KV_DTYPE, "kv_dtype", kKvDtype},
    {FLASHCORE_CAN_CHUNKS, "chunks", kChunks},
    {FLASHCORE_CAN_MASK_BITS, "mask_bits", kMaskBits},
    {FLASHCORE_CAN_PLAN_ON_DEVICE, "plan_on_device", {}},
};

// Of "mask" and "mask=bits": "mask".
std::string_view field_name(std::string_view field) { return field.substr(0, field.find('=')); }

bool is_opt_in(std::string_view field) {
  const ProblemField* found = find_problem_field(field_name(field));
  return found == nullptr || found->support == Support::opt_in;  // kLseLayout is no field of a problem
}

// The fields of the capabilities that are declared, or of those that are not.
std::vector<std::string_view> select(std::int64_t declared, bool wanted, bool opt_in) {
  std::vector<std::string_view> fields;
  for (const Capability& capability : kCapabilities) {
    if (((declared & capability.bit) != 0) != wanted) continue;
    std::ranges::copy_if(capability.fields, std::back_inserter(fields),
                         [&](std::string_view field) { return is_opt_in(field) == opt_in; });
  }
  return fields;
}

bool lists(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::count(names, name) > 0;
}

bool has_field(const Variant& variant, std::string_view field) {
  if (!is_opt_in(field)) return !lists(variant.missing_fields, field);
  return lists(variant.problem_fields, field) || lists(variant.problem_fields, field_name(field));
}

}  // namespace

std::span<const Capability> capabilities() { return kCapabilities; }

std::int64_t known_bits(std::uint64_t declared) {
  std::int64_t known = 0;
  for (const Capability& capability : kCapabilities) known |= capability.bit;
  return static_cast<std::int64_t>(declared & static_cast<std::uint64_t>(known));
}

std::vector<std::string_view> fields_of(std::int64_t declared) { return select(declared, true, true); }

std::vector<std::string_view> missing_fields_of(std::int64_t declared) {
  return select(declared, false, false);
}

std::int64_t capabilities_of(const Variant& variant) {
  std::int64_t bits = 0;
  for (const Capability& capability : kCapabilities) {
    const bool has_all = std::ranges::all_of(
        capability.fields, [&](std::string_view field) { return has_field(variant, field); });
    const bool is_plan = capability.bit == FLASHCORE_CAN_PLAN_ON_DEVICE;
    if (is_plan ? variant.plans_on_device() : has_all) bits |= capability.bit;
  }
  return bits;
}

}  // namespace flashcore
