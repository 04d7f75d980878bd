// The variant "auto" of the C interface: the choice of a loaded tuned table, or the default variant.
#pragma once

#include <cstdint>
#include <string>

#include "attention/problem.hpp"
#include "tune/dispatch.hpp"

namespace flashcore {

// Replaces the table for "auto". Throws UsageError if the file cannot be read.
void load_tuned_table(const std::string& path);

// The choice for a problem on a device; its variant is null if no variant can run the problem. Throws
// EnvironmentError if the device does not exist.
Choice choose_variant(const Problem& problem, const AttentionArgs& args, std::int32_t device);

}  // namespace flashcore
