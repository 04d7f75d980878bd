// The probes, in the order in which they are asked. Each is a function of the bench; `plain` is not among
// them: it takes the user's problem (see diagnosis.cpp).
#pragma once

#include <span>

#include "diagnose/bench.hpp"
#include "diagnose/finding.hpp"

namespace flashcore {

struct ProbeEntry {
  Probe probe;
  Finding (*ask)(const Bench&);
};

std::span<const ProbeEntry> output_probes();   // where O is written to, and which V it is made of
std::span<const ProbeEntry> score_probes();    // Q·Kᵀ, the scale and P of one tile
std::span<const ProbeEntry> softmax_probes();  // maximum, sum and rescaling from tile to tile
std::span<const ProbeEntry> mask_probes();     // which keys a query sees

// A random problem with these sizes.
Finding check_random(const Bench& bench, Probe probe, const Problem& problem);

}  // namespace flashcore
