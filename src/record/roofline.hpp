// The roofline model of a problem: lower bounds of its time from arithmetic, exponentials and memory
// (Williams, Waterman, Patterson: "Roofline", 2009, extended by the exponential unit as a third limit).
#pragma once

#include <optional>
#include <string_view>

#include "attention/problem.hpp"
#include "base/words.hpp"

namespace flashcore {

// The ceilings of a device, measured by a probe or from the peak table.
struct Ceilings {
  double tensor_flops_per_s = 0;
  double memory_bytes_per_s = 0;
  std::optional<double> exp2_per_s = std::nullopt;
};

enum class Limit : int { arithmetic, exponential, memory };
inline constexpr std::string_view kLimitWords[] = {"arithmetic", "exponential", "memory"};
constexpr Words words(Limit) { return kLimitWords; }

// Times are in microseconds. Arithmetic, exponentials and memory traffic can overlap, so the longest of the
// three floors bounds the total time. The memory floor assumes cold inputs; inputs that stay in L2 between
// launches can be read faster.
struct Roofline {
  double flops = 0;  // flops() of attention/problem.hpp
  double bytes = 0;  // compulsory_bytes() of attention/problem.hpp
  double arithmetic_floor_us = 0;
  std::optional<double> exponential_floor_us;  // one exponential per unmasked pair
  double memory_floor_us = 0;
  Limit limit = Limit::arithmetic;  // the resource with the longest floor

  double floor_us() const;
};

Roofline roofline(const Problem& problem, const Ceilings& ceilings);

// 100 · floor_us / latency_us.
double percent_of_roofline(const Roofline& roofline, double latency_us);

// The achieved FLOP/s in percent of a peak.
double percent_of_peak(double flops, double latency_us, double peak_flops_per_s);

}  // namespace flashcore
