// What variants of plug-ins declare that they can run, and the fields of problems that this stands for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "capi/flashcore.h"
#include "variant/variant.hpp"

namespace flashcore {

struct Capability {
  std::int64_t bit;
  std::string_view name;  // of the constant in flashcore_v2.h, in lower case and without FLASHCORE_CAN_
  // The names of fields (attention/problem_fields.hpp), single values of them, or kLseLayout. Empty: no property of a
  // problem.
  std::span<const std::string_view> fields;
};

// All capabilities, by bit.
std::span<const Capability> capabilities();

// What each plug-in of version 1 can run.
inline constexpr std::int64_t kVersion1Capabilities =
    FLASHCORE_CAN_CAUSAL | FLASHCORE_CAN_WINDOWS | FLASHCORE_CAN_SOFTCAP | FLASHCORE_CAN_LSE;

// What this program knows of a plug-in's bits. A newer plug-in may have others.
std::int64_t known_bits(std::uint64_t declared);

// Variant::problem_fields and Variant::missing_fields of a variant that declares these bits.
std::vector<std::string_view> fields_of(std::int64_t declared);
std::vector<std::string_view> missing_fields_of(std::int64_t declared);

// The bits of any variant of this program.
std::int64_t capabilities_of(const Variant& variant);

}  // namespace flashcore
