#include "diagnose/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "diagnose/probes.hpp"

namespace flashcore {
namespace {

Finding ask_plain(const Bench& bench, const Problem& problem) {
  const Trial trial = bench.run(problem, bench.random_inputs(problem));
  if (trial.check.passed) return {Probe::plain};
  return failure(Probe::plain, trial.finite() ? Sign::failed : Sign::nonfinite, trial, trial.check.reason);
}

template <class Ask>
Finding ask_one(Probe probe, Ask ask) {
  try {
    return ask();
  } catch (const Unsupported& reason) {
    return {.probe = probe, .sign = Sign::skipped, .detail = reason.what()};
  } catch (const OutOfMemoryError&) {
    throw;
  } catch (const EnvironmentError& error) {
    return {.probe = probe, .sign = Sign::crashed, .detail = error.what()};
  }
}

}  // namespace

const Finding& Diagnosis::lead() const {
  return *std::ranges::find(findings, suspicions.front().lead, &Finding::probe);
}

std::string Diagnosis::sentence() const {
  if (healthy()) return "Nothing is wrong: no probe failed.";
  const Finding& finding = lead();
  const std::string pattern = finding.map ? describe_pattern(*finding.map, tile) : "";
  const bool repeats = pattern.find(" of every ") != std::string::npos;
  return fmt::format("{}: {}.", describe(suspicions.front().fault).sentence,
                     repeats ? pattern : finding.detail);
}

std::vector<std::string> Diagnosis::next_commands() const {
  if (healthy()) return {};
  const Fault fault = suspicions.front().fault;
  // The problem that was asked for where it fails, else the one of the probe that tells most.
  const bool asked_fails = findings.front().probe == Probe::plain && findings.front().failed();
  const std::string failing = problem_flag(asked_fails ? problem : lead().problem.value_or(problem));
  const auto command = [&](std::string_view action) {
    std::string line = "flashcore-bench";
    for (const std::string& plugin : plugins) line += fmt::format(" --plugin '{}'", plugin);
    return fmt::format("{} {} --problem {}", line, action, failing);
  };
  std::vector<std::string> commands;
  const auto sanitize = [&](std::string_view tool) {
    commands.push_back(
        fmt::format("compute-sanitizer --tool {} {}", tool, command(fmt::format("diagnose '{}'", variant))));
  };
  const bool cuda = backend == Backend::cuda;
  if (cuda && fault == Fault::race) sanitize("racecheck");
  if (cuda && (fault == Fault::crash || fault == Fault::out_of_bounds)) sanitize("memcheck");
  commands.push_back(command(fmt::format("--check-only --depth deep --variants '{}'", variant)));
  return commands;
}

Diagnosis diagnose(const Launcher& launcher, const Variant& variant, const Problem& problem,
                   std::uint64_t seed, const std::function<void(Probe)>& tell) {
  if (const std::string reason = launcher.unsupported(variant, problem); !reason.empty()) {
    throw UsageError(fmt::format("--problem: {} cannot run it: {}", variant.id(), reason));
  }
  const Bench bench(launcher, variant, problem, seed);
  Diagnosis diagnosis{.variant = variant.id(),
                      .tile = variant.spec.tile,
                      .backend = variant.backend,
                      .device = launcher.info().name,
                      .problem = problem,
                      .findings = {},
                      .suspicions = {}};
  const auto keep = [&](Probe probe, const auto& ask) {
    tell(probe);
    diagnosis.findings.push_back(ask_one(probe, ask));
    return diagnosis.findings.back().sign != Sign::crashed;
  };
  bool goes_on = keep(Probe::plain, [&] { return ask_plain(bench, problem); });
  for (const auto& probes : {output_probes(), score_probes(), softmax_probes(), mask_probes()}) {
    for (const ProbeEntry& entry : probes) {
      goes_on = goes_on && keep(entry.probe, [&] { return entry.ask(bench); });
    }
  }
  diagnosis.suspicions = suspect(diagnosis.findings);
  return diagnosis;
}

}  // namespace flashcore
