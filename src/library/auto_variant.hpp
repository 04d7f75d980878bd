// What "auto" means in the C interface: a tuned table, once one was loaded, and else the default.
#pragma once

#include <cstdint>
#include <string>

#include "attention/problem.hpp"
#include "tune/dispatch.hpp"

namespace flashcore {

// From now on "auto" asks this table. Throws UsageError when it cannot be read.
void load_tuned_table(const std::string& path);

// The choice for a problem on a device, its variant null when nothing can run. Entries of the table that do
// not hold for the device are not used. Throws EnvironmentError when the device is not there.
Choice choose_variant(const Problem& problem, const AttentionArgs& args, std::int32_t device);

}  // namespace flashcore
