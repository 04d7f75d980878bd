// The roofline of a problem: the shortest times that arithmetic, exponentials and memory each allow
// (Williams, Waterman, Patterson: "Roofline", 2009; here with the exponential unit as a third roof).
#pragma once

#include <optional>
#include <string_view>

#include "attention/problem.hpp"
#include "base/words.hpp"

namespace flashcore {

// What a device can do at best, measured by a probe or taken from the peak table.
struct Ceilings {
  double tensor_flops_per_s = 0;
  double memory_bytes_per_s = 0;
  std::optional<double> exp2_per_s = std::nullopt;
};

enum class Limit : int { arithmetic, exponential, memory };
inline constexpr std::string_view kLimitWords[] = {"arithmetic", "exponential", "memory"};
constexpr Words words(Limit) { return kLimitWords; }

// Microseconds. The three overlap at best, so that the longest is the floor of the whole. The memory floor is
// that of cold inputs: what stays in L2 between launches can be read faster.
struct Roofline {
  double flops = 0;  // by the convention of attention/problem.hpp
  double bytes = 0;  // compulsory: each tensor once
  double arithmetic_floor_us = 0;
  std::optional<double> exponential_floor_us;  // one exponential for each unmasked pair
  double memory_floor_us = 0;
  Limit limit = Limit::arithmetic;  // the floor that binds

  double floor_us() const;
};

Roofline roofline(const Problem& problem, const Ceilings& ceilings);

// How much of the binding ceiling a time reaches: 100 · floor_us / latency_us.
double percent_of_roofline(const Roofline& roofline, double latency_us);

// How much of a peak in FLOP/s a time reaches.
double percent_of_peak(double flops, double latency_us, double peak_flops_per_s);

}  // namespace flashcore
