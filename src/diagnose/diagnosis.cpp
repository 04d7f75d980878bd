#include "diagnose/diagnosis.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/escape.hpp"

namespace flashcore {
namespace {

// A wrong log-sum-exp with a right O is noted only if the probe finds no other failure, because a fault of O
// may show in the log-sum-exp first.
Finding ask_and_note(const ProbeEntry& entry, const ProbeRunner& runner, LaunchNotes& notes) {
  const bool noted_before = notes.lse_wrong.has_value();
  Finding finding = entry.ask(runner);
  if (noted_before || !notes.lse_wrong) return finding;
  if (finding.failed() && finding.symptom != Symptom::lse_alone) {
    notes.lse_wrong.reset();
  } else {
    notes.lse_wrong->detail = fmt::format("{}: {}", to_string(entry.probe), notes.lse_wrong->detail);
  }
  return finding;
}

}  // namespace

Finding ask_probe(const ProbeEntry& entry, const ProbeRunner& runner, LaunchNotes& notes) {
  try {
    return ask_and_note(entry, runner, notes);
  } catch (const Unsupported& reason) {
    return {.probe = entry.probe, .symptom = Symptom::skipped, .detail = reason.what()};
  } catch (const OutOfMemoryError&) {
    throw;
  } catch (const EnvironmentError& error) {
    return {.probe = entry.probe, .symptom = Symptom::crashed, .detail = error.what()};
  }
}

void require_support(const ProbeRunner& runner) {
  if (const std::string reason = runner.unsupported(runner.asked()); !reason.empty()) {
    throw UsageError(fmt::format("--problem: {} cannot run it: {}", runner.variant().id(), reason));
  }
}

const Finding& Diagnosis::lead() const {
  return *std::ranges::find(findings, suspected.front().lead, &Finding::probe);
}

std::string Diagnosis::sentence() const {
  if (healthy()) return "Nothing is wrong: no probe failed.";
  const Finding& finding = lead();
  const std::string pattern = finding.map ? describe_pattern(*finding.map, tile) : "";
  const bool repeats = pattern.find(" of every ") != std::string::npos;
  return fmt::format("{}: {}.", text_of(suspected.front().fault).sentence,
                     repeats ? pattern : finding.detail);
}

const Problem& Diagnosis::failing_problem() const {
  const bool asked_fails = findings.front().probe == Probe::plain && findings.front().failed();
  const std::optional<Problem>& shown = lead().problem;
  return asked_fails || !shown ? problem : *shown;
}

std::vector<std::string> Diagnosis::next_commands() const {
  if (healthy()) return {};
  const Fault fault = suspected.front().fault;
  std::string program = "flashcore-bench";
  for (const std::string& plugin : plugins) program += " --plugin " + quote_for_shell(plugin);
  const auto command = [&](std::string_view action, std::string_view more = "") {
    return fmt::format("{} {} {}{} --device {}{} --problem {}", program, action, quote_for_shell(variant),
                       more, device_flag.empty() ? to_string(backend) : device_flag,
                       seed ? fmt::format(" --seed {}", *seed) : "", problem_flag(failing_problem()));
  };
  std::vector<std::string> commands;
  const bool crashes = fault == Fault::crash;
  if (backend == Backend::cuda) {
    const bool corrupts = crashes || fault == Fault::out_of_bounds || fault == Fault::workspace;
    const char* tool = fault == Fault::race ? "racecheck" : corrupts ? "memcheck" : nullptr;
    if (tool != nullptr) {
      commands.push_back(
          fmt::format("compute-sanitizer --tool {} {}", tool, command("diagnose", " --in-process")));
    }
  } else if (crashes) {
    commands.push_back(command("diagnose", " --in-process"));  // for a debugger
  }
  if (failing_problem() != problem && !crashes) commands.push_back(command("diagnose"));
  commands.push_back(command("--check-only --depth deep --variants"));
  return commands;
}

Diagnosis make_diagnosis(const Variant& variant, const Problem& problem, std::string device) {
  return {.variant = variant.id(),
          .tile = variant.spec.tile,
          .backend = variant.backend,
          .device = std::move(device),
          .problem = problem,
          .findings = {},
          .suspected = {}};
}

Diagnosis diagnose(const Launcher& launcher, const Variant& variant, const Problem& problem,
                   std::uint64_t seed, const DiagnosisObserver& observer) {
  LaunchNotes notes;
  const ProbeRunner runner(launcher, variant, problem, seed, notes, observer);
  require_support(runner);
  Diagnosis diagnosis = make_diagnosis(variant, problem, launcher.info().name);
  for (const ProbeEntry& entry : all_probes()) {
    observer.on_probe(entry.probe);
    diagnosis.findings.push_back(ask_probe(entry, runner, notes));
    if (diagnosis.findings.back().symptom == Symptom::crashed) break;
  }
  diagnosis.suspected = suspected_faults(diagnosis.findings);
  return diagnosis;
}

}  // namespace flashcore
