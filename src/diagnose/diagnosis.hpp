// A diagnosis: the suspected faults of a variant, and the findings of the probes that show them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "diagnose/probe_runner.hpp"
#include "diagnose/probes.hpp"
#include "diagnose/rules.hpp"
#include "execute/launcher.hpp"

namespace flashcore {

struct Diagnosis {
  std::string variant;
  Tile tile;
  Backend backend = Backend::cpu;
  std::string device;
  Problem problem;  // the requested one
  // What a command line must name: paths of plug-ins, a device other than the backend's first, a seed other than the usual.
  std::vector<std::string> plugins = {};
  std::string device_flag = {};
  std::optional<std::uint64_t> seed = {};
  std::vector<Finding> findings;
  std::vector<SuspectedFault> suspected;  // the first is the verdict; empty: nothing is wrong

  bool healthy() const { return suspected.empty(); }
  // The kernel did not return, or its launch failed.
  bool crashed() const { return !healthy() && suspected.front().fault == Fault::crash; }
  // The finding of the verdict's leading probe. The variant must not be healthy.
  const Finding& lead() const;
  // "Some rows of each query tile are lost: rows 25-31 of every 32 (block_q) are zero."
  std::string sentence() const;
  // The requested problem if it fails, or else the problem of the leading probe. The variant must not be healthy.
  const Problem& failing_problem() const;
  // Command lines for the next steps. Each has the failing problem and can be run as printed.
  std::vector<std::string> next_commands() const;
};

// Asks one probe. A launch that fails is a finding. Throws OutOfMemoryError.
Finding ask_probe(const ProbeEntry& entry, const ProbeRunner& runner, LaunchNotes& notes);

// Throws UsageError if the variant cannot run the runner's problem.
void require_support(const ProbeRunner& runner);

// A diagnosis without findings.
Diagnosis make_diagnosis(const Variant& variant, const Problem& problem, std::string device);

// Runs all probes; Probe::plain runs on `problem`. Stops after a launch that fails, because on CUDA the
// context is then lost. Throws UsageError if the variant cannot run the problem, and OutOfMemoryError.
Diagnosis diagnose(const Launcher& launcher, const Variant& variant, const Problem& problem,
                   std::uint64_t seed, const DiagnosisObserver& observer = {});

}  // namespace flashcore
