// The counters asked of ncu (Nsight Compute), and its answer read back.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flashcore {

struct Counter {
  const char* metric;  // as `ncu --query-metrics` lists it, with the suffix that chooses sum or share of peak
  const char* name;    // in JSON; its unit is in it
  const char* label;   // in the table
  const char* unit;
  double scale = 1;  // from ncu's base unit
};

// Those that tell what binds an attention kernel.
std::span<const Counter> profile_counters();

// All of them, and the stall reasons that a device of this compute capability has: a value for --metrics.
std::string metric_list(int compute_capability);

// One kernel of a launch.
struct KernelProfile {
  std::string kernel;
  std::vector<std::optional<double>> counters;  // as profile_counters(); what ncu did not give is absent
  // Why warps did not issue: the mean number of warps held by each reason at each issue, the largest first.
  std::vector<std::pair<std::string, double>> stalls;
};

// Reads what `ncu --csv --page raw --print-units base` writes. Throws EnvironmentError with ncu's own words
// when that is an error, and when it holds no kernel.
std::vector<KernelProfile> parse_ncu_csv(std::string_view text);

}  // namespace flashcore
