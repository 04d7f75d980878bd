// The table of probes: one row per probe, in the order in which they run.
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

std::span<const ProbeEntry> output_probes();  // the requested problem, the place of O, the elements of V in O
std::span<const ProbeEntry> score_probes();   // Q·Kᵀ, the scale and P of one tile
std::span<const ProbeEntry> softmax_probes();   // maximum, sum and rescaling from tile to tile
std::span<const ProbeEntry> mask_probes();      // which keys a query sees
std::span<const ProbeEntry> sequence_probes();  // ragged batches, paged caches, sinks
std::span<const ProbeEntry> launch_probes();    // further errors of all other launches; they run last

// All rows.
std::vector<ProbeEntry> all_probes();
std::string_view question_of(Probe probe);

// Runs `problem` on random inputs. The probe passes if O is right.
Finding check_random(const ProbeRunner& runner, Probe probe, const Problem& problem);

}  // namespace flashcore
