#include "run/deep_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "run/run.hpp"

namespace flashcore {
namespace {

// The cases of one variant, and their outcome so far.
struct Agenda {
  const Variant* variant;
  std::vector<CheckCase> cases;
  CaseOutcome outcome;
  std::string refusal;  // why it cannot run the last case; empty if it can
};

void fail(CaseOutcome& outcome, const CheckCase& now, Status status, std::string_view reason) {
  outcome.status = status;
  outcome.reason = fmt::format("case {} ({}): {}", now.name, problem_id(now.problem), reason);
}

// Tries the prepared case. Sets `refusal` if the variant cannot run it.
void try_case(Agenda& agenda, const CheckCase& now, const CheckPolicy& policy, Executor& executor) {
  CaseOutcome& outcome = agenda.outcome;
  try {
    agenda.refusal = executor.unsupported(*agenda.variant);
    if (!agenda.refusal.empty()) return;
    ++outcome.tried;
    Check check = executor.verify(*agenda.variant, policy);
    if (check.passed && now.replays > 0)
      check = executor.verify_replays(*agenda.variant, policy, now.replays);
    if (!check.passed) fail(outcome, now, Status::incorrect, check.reason);
  } catch (const EnvironmentError& error) {
    fail(outcome, now, error.status, error.what());
  }
}

// Tries a case on the variants that have it. Returns the variants that cannot run it.
std::vector<Agenda*> try_case(const CheckCase& now, std::span<Agenda* const> wanting,
                              const CheckPolicy& policy, Executor& executor) {
  std::vector<Agenda*> refusing;
  try {
    executor.prepare(now.problem, now.seed, now.inputs);
  } catch (const EnvironmentError& error) {
    if (error.status == Status::error) throw;  // the device itself has failed
    if (now.problem.layout == Layout::far_batches && error.status == Status::out_of_memory) {
      for (Agenda* agenda : wanting) agenda->refusal = error.what();
      return {wanting.begin(), wanting.end()};
    }
    for (Agenda* agenda : wanting) fail(agenda->outcome, now, error.status, error.what());
    return refusing;
  }
  for (Agenda* agenda : wanting) {
    try_case(*agenda, now, policy, executor);
    if (!agenda->refusal.empty()) refusing.push_back(agenda);
  }
  return refusing;
}

// A variant skips a case if it can run it neither with nor without the log-sum-exp.
void try_or_skip(CheckCase now, std::span<Agenda* const> wanting, const CheckPolicy& policy,
                 Executor& executor) {
  std::vector<Agenda*> refusing = try_case(now, wanting, policy, executor);
  if (now.problem.lse && !refusing.empty()) {
    now.problem.lse = false;
    refusing = try_case(now, refusing, policy, executor);
  }
  for (Agenda* agenda : refusing) {
    agenda->outcome.skipped.push_back(fmt::format("{}: {}", now.name, agenda->refusal));
  }
}

// All cases of all agendas, each once, in the order of their first occurrence.
std::vector<CheckCase> distinct_cases(const std::vector<Agenda>& agendas) {
  std::vector<CheckCase> all;
  for (const Agenda& agenda : agendas) {
    for (const CheckCase& one : agenda.cases) {
      if (std::ranges::none_of(all, [&](const CheckCase& known) { return known == one; })) {
        all.push_back(one);
      }
    }
  }
  return all;
}

bool wants(const Agenda& agenda, const CheckCase& now) {
  return agenda.outcome.status == Status::ok &&
         std::ranges::any_of(agenda.cases, [&](const CheckCase& one) { return one == now; });
}

}  // namespace

std::vector<CaseOutcome> run_cases(const Problem& problem, std::span<const Variant* const> variants,
                                   const CheckPolicy& policy, std::uint64_t seed, Executor& executor,
                                   const std::function<void(std::string_view)>& tell) {
  std::vector<Agenda> agendas;
  for (const Variant* variant : variants) {
    agendas.push_back({variant, common_cases(problem, seed), {}, {}});
    for (CheckCase& edge : edge_cases(problem, variant->spec.tile, seed)) {
      agendas.back().cases.push_back(std::move(edge));
    }
  }
  for (const CheckCase& now : distinct_cases(agendas)) {
    std::vector<Agenda*> wanting;
    for (Agenda& agenda : agendas) {
      if (wants(agenda, now)) wanting.push_back(&agenda);
    }
    if (wanting.empty()) continue;
    if (interrupt_requested()) break;
    tell(now.name);
    try_or_skip(now, wanting, policy, executor);
  }
  std::vector<CaseOutcome> outcomes;
  for (Agenda& agenda : agendas) outcomes.push_back(std::move(agenda.outcome));
  return outcomes;
}

void apply(const CaseOutcome& outcome, Record& record) {
  if (!record.check) return;
  record.check->cases = outcome.tried;
  record.check->skipped_cases = outcome.skipped;
  if (record.status != Status::ok) return;
  if (outcome.status != Status::ok) return record.fail_check(outcome.reason, outcome.status);
  const auto skipped = static_cast<std::int64_t>(outcome.skipped.size());
  if (outcome.tried >= skipped) return;
  record.fail_check(fmt::format("{} of {} cases could run, too few for a deep check; {}", outcome.tried,
                                outcome.tried + skipped, outcome.skipped.front()),
                    Status::error);
}

std::string find_difference(const Variant& variant, const CheckPolicy& policy, Executor& executor) {
  const std::string first = executor.output_hash();
  for (int repeat = 1; repeat <= kRepeats; ++repeat) {
    if (const Check again = executor.verify(variant, policy); !again.passed) {
      return fmt::format("repeat {}: {}", repeat, again.reason);
    }
    if (executor.output_hash() != first) {
      return fmt::format("repeat {}: the same launch gave other bits than the first time", repeat);
    }
  }
  return "";
}

}  // namespace flashcore
