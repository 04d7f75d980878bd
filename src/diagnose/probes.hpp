// The probes: one row each, in the order in which they are asked.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "diagnose/finding.hpp"
#include "diagnose/probe_runner.hpp"

namespace flashcore {

struct ProbeEntry {
  Probe probe;
  std::string_view question;
  Finding (*ask)(const ProbeRunner&);
};

std::span<const ProbeEntry>
output_probes();  // the asked problem, where O is written to, which V it is made of
std::span<const ProbeEntry> score_probes();    // Q·Kᵀ, the scale and P of one tile
std::span<const ProbeEntry> softmax_probes();  // maximum, sum and rescaling from tile to tile
std::span<const ProbeEntry> mask_probes();     // which keys a query sees
std::span<const ProbeEntry>
launch_probes();  // what the launches of all other probes did beside the answer; asked last

// All of them.
std::vector<ProbeEntry> all_probes();
std::string_view question_of(Probe probe);

// Checks a random problem of these sizes.
Finding check_random(const ProbeRunner& runner, Probe probe, const Problem& problem);

}  // namespace flashcore
