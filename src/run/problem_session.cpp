#include "run/problem_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/error.hpp"
#include "run/checks.hpp"
#include "run/rates.hpp"

namespace flashcore {

Record ProblemSession::new_record(const Variant& variant) const {
  return {.problem = problem_,
          .family = std::string(variant.family),
          .spec = variant.spec,
          .backend = variant.backend,
          .role = variant.role,
          .status = Status::ok};
}

bool ProblemSession::prepare(std::span<const Variant* const> variants, std::span<Record* const> waiting) {
  const auto doing = [&](std::string_view what) {
    events_.doing(fmt::format("{}: {}", problem_.name, what));
  };
  if (policy_.check && policy_.check_policy.depth == CheckDepth::deep) {
    std::vector<const Variant*> once;  // a variant that is repeated is tried once
    std::ranges::copy_if(variants, std::back_inserter(once), [&](const Variant* variant) {
      return std::ranges::find(once, variant) == once.end();
    });
    const std::vector<CaseOutcome> outcomes =
        run_cases(problem_, once, policy_.check_policy, policy_.seed, executor_,
                  [&](std::string_view name) { doing(fmt::format("case {}", name)); });
    for (std::size_t i = 0; i < once.size(); ++i) cases_[once[i]] = outcomes[i];
  }
  doing("inputs and reference");
  try {
    executor_.prepare(problem_, policy_.seed);
    return true;
  } catch (const EnvironmentError& error) {
    if (error.status == Status::error) throw;
    for (Record* record : waiting) record->fail(error.status, error.what());
  }
  emit(waiting);
  return false;
}

bool ProblemSession::prepare_again() {
  events_.doing(fmt::format("{}: inputs", problem_.name));
  try {
    executor_.prepare(problem_, policy_.seed);
    return true;
  } catch (const EnvironmentError& error) {
    if (error.status == Status::error) throw;
    return false;
  }
}

void ProblemSession::check(const Variant& variant, Record& record) {
  events_.doing(fmt::format("{}: checking {}", problem_.name, variant.id()));
  check_before_timing(record, variant, policy_, executor_);
  if (record.status != Status::unsupported) take_notes(variant, record);
  if (const auto found = cases_.find(&variant); found != cases_.end()) apply(found->second, record);
  check_batch_invariance(record, variant, policy_, executor_);
}

// A variant whose worker is lost has none.
void ProblemSession::take_notes(const Variant& variant, Record& record) {
  try {
    record.notes = executor_.notes(variant);
    record.direct_calls = executor_.why_direct(variant);
    std::vector<std::string> texts = executor_.left_behind(variant);
    if (variant.reads_unused_rows && !is_rectangular(problem_)) {
      texts.emplace_back(
          "rows that no sequence uses held finite values, because this kernel is known to read them");
    }
    for (std::string& text : texts) {
      if (std::ranges::count(record.warnings, text) == 0) record.warnings.push_back(std::move(text));
    }
  } catch (const EnvironmentError&) {
    record.notes = {};
  }
}

Measurement ProblemSession::measurement(std::span<Candidate> candidates, const MeasurePolicy& policy,
                                        std::uint64_t seed, int visits) {
  const bool verifies = policy_.check && policy_.check_policy.depth != CheckDepth::quick;
  return {candidates, policy, verifies ? &policy_.check_policy : nullptr, seed, executor_,
          telemetry_, visits};
}

double ProblemSession::measure(std::span<Candidate> candidates, const MeasurePolicy& policy,
                               std::uint64_t seed, double budget_s,
                               const std::function<void(TimingMode, int round)>& on_round) {
  if (telemetry_ != nullptr) telemetry_->discard_before(TelemetryClock::now());
  Measurement one = measurement(candidates, policy, seed);
  one.run(budget_s, on_round);
  return one.sampling_s();
}

double ProblemSession::measure_energy(std::span<Candidate> candidates, const EnergyPolicy& policy,
                                      std::uint64_t seed, const std::function<void(int round)>& on_round) {
  if (telemetry_ == nullptr) throw EnvironmentError(executor_.device().name + ": has no energy counter");
  telemetry_->discard_before(TelemetryClock::now());
  return flashcore::measure_energy(candidates, policy, seed, executor_, *telemetry_, on_round);
}

void ProblemSession::recheck(const Variant& variant, Record& record) {
  events_.doing(fmt::format("{}: checking {} again", problem_.name, variant.id()));
  if (record.status == Status::ok) take_notes(variant, record);
  check_after_timing(record, variant, policy_, executor_);
  if (record.status != Status::ok) return;
  if (std::string reason = impossible_time(record, executor_.device()); !reason.empty()) {
    record.fail(Status::suspect, std::move(reason));
  }
}

void ProblemSession::emit(std::span<Record* const> records) {
  for (Record* record : records) add_rates(*record, executor_.device());
  if (!records.empty()) events_.emitted(records);
}

}  // namespace flashcore
