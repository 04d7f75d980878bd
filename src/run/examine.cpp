#include "run/examine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "run/deep_check.hpp"

namespace flashcore {
namespace {

// The check of the problem that is prepared.
void check_own_problem(Record& record, const Variant& variant, const CheckPolicy& policy,
                       Executor& executor) {
  Check& check = record.check.emplace(executor.verify(variant, policy));
  check.depth = policy.depth;
  if (check.passed && policy.depth == CheckDepth::deep) {
    check.reason = find_difference(variant, policy, executor);
    check.passed = check.reason.empty();
  }
  if (!check.passed) record.fail(Status::incorrect, check.reason);
}

// A kernel that looks at its output before it writes is faster when the output is already there. Poisoned
// calls that take this much longer than plain ones give it away. The fastest calls are compared, since what
// else a machine does only ever slows a call down; the constant part covers what is left of the noise.
constexpr double kPoisonedRatio = 2;
// On the CPU it also covers that threads went to sleep while the output was poisoned.
constexpr double poisoned_slack_us(Backend backend) { return backend == Backend::cpu ? 2000 : 20; }
constexpr int kPoisonedCalls = 7;

double fastest_of(int count, const std::function<double()>& sample) {
  double fastest = sample();
  for (int i = 1; i < count; ++i) fastest = std::min(fastest, sample());
  return fastest;
}

// Why a timed variant's output or speed cannot be trusted, or nothing.
std::string find_cheat(const Variant& variant, const RunPolicy& policy, Executor& executor) {
  if (const Check again = executor.verify(variant, policy.check_policy); !again.passed) {
    return "after it was timed: " + again.reason;
  }
  if (const Check negated = executor.verify_negated(variant, policy.check_policy); !negated.passed) {
    return "the output did not follow when V was negated: " + negated.reason;
  }
  const double plain_us =
      fastest_of(kPoisonedCalls, [&] { return executor.sample(variant, TimingMode::call); });
  const double poisoned_us = fastest_of(kPoisonedCalls, [&] { return executor.sample_poisoned(variant); });
  if (poisoned_us > kPoisonedRatio * plain_us + poisoned_slack_us(variant.backend)) {
    return fmt::format(
        "a call takes {:.1f} us when the output is poisoned first and {:.1f} us when it already holds "
        "the result",
        poisoned_us, plain_us);
  }
  return "";
}

}  // namespace

void examine(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor) {
  try {
    if (std::string reason = executor.unsupported(variant); !reason.empty()) {
      return record.fail(Status::unsupported, std::move(reason));
    }
    if (variant.knows_resources()) record.resources = executor.resources(variant);
    record.code_hash = executor.code_hash(variant);
    record.status = Status::ok;
    if (!policy.check) return;
    check_own_problem(record, variant, policy.check_policy, executor);
  } catch (const EnvironmentError& error) {
    record.fail(error.status, error.what());
  }
}

void reexamine(Candidate& candidate, const RunPolicy& policy, Executor& executor) {
  Record& record = *candidate.record;
  if (record.status != Status::ok || record.headline() == nullptr) return;
  if (policy.check_policy.depth == CheckDepth::quick) return;
  try {
    if (std::string reason = find_cheat(*candidate.variant, policy, executor); !reason.empty()) {
      record.fail(Status::incorrect, std::move(reason));
    }
  } catch (const EnvironmentError& error) {
    record.fail(error.status, error.what());
  }
}

}  // namespace flashcore
