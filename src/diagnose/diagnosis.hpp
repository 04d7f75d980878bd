// What is wrong with a variant, where, and how one knows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "diagnose/probe_runner.hpp"
#include "diagnose/rules.hpp"
#include "execute/launcher.hpp"

namespace flashcore {

struct Diagnosis {
  std::string variant;
  Tile tile;
  Backend backend = Backend::cpu;
  std::string device;
  Problem problem;                        // the one asked for
  std::vector<std::string> plugins = {};  // paths that a command line needs to know the variant
  std::vector<Finding> findings;
  std::vector<SuspectedFault> suspected;  // the first is the verdict; empty: nothing is wrong

  bool healthy() const { return suspected.empty(); }
  // The kernel did not return, or its launch failed.
  bool crashed() const { return !healthy() && suspected.front().fault == Fault::crash; }
  // The finding that tells most: that of the verdict's leading probe. Not for a healthy variant.
  const Finding& lead() const;
  // "Some rows of each query tile are lost: rows 25-31 of every 32 (block_q) are zero."
  std::string sentence() const;
  // Command lines that come next, each with the problem of the failure and all that it takes to run as printed.
  std::vector<std::string> next_commands() const;
};

// One without findings.
Diagnosis make_diagnosis(const Variant& variant, const Problem& problem, std::string device);

// Asks all probes, the plain one on `problem`. Stops at a launch that fails: on CUDA the context is lost with it.
// Throws UsageError when the variant cannot run the problem, OutOfMemoryError.
Diagnosis diagnose(const Launcher& launcher, const Variant& variant, const Problem& problem,
                   std::uint64_t seed, const DiagnosisObserver& observer = {});

}  // namespace flashcore
