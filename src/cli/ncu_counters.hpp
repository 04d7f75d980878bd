// The counters that profile requests from ncu (Nsight Compute), and the parser of ncu's output.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flashcore {

struct Counter {
  const char* metric;  // name from `ncu --query-metrics` with a suffix for sum or percentage of peak
  const char* name;    // in JSON, with the unit
  const char* label;   // in the table
  const char* unit;
  double scale = 1;  // from ncu's base unit to `unit`
};

// The counters that show what limits an attention kernel.
std::span<const Counter> profile_counters();

// The value of ncu's --metrics: all counters, and the stall reasons of a device with this compute capability.
std::string metric_list(int compute_capability);

// One kernel of a launch.
struct KernelProfile {
  std::string kernel;
  std::vector<std::optional<double>> counters;  // in the order of profile_counters()
  // Stall reasons, and the mean number of warps that each reason stalls per issue; the largest first.
  std::vector<std::pair<std::string, double>> stalls;
};

// Parses the output of `ncu --csv --page raw --print-units base`. Throws EnvironmentError with ncu's error
// message, or if there is no kernel.
std::vector<KernelProfile> parse_ncu_csv(std::string_view text);

}  // namespace flashcore
