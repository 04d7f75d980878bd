#include "run/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.hpp"
#include "measure/sample_block.hpp"
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

// A kernel that looks at its output before it writes is faster when the output is already there. Plain calls and
// calls into poisoned outputs alternate; the fastest of each are compared, since everything else that a machine does
// only ever slows a call down. Poisoned calls must take kPoisonedRatio times as long and a constant more.
constexpr double kPoisonedRatio = 2;
// On the CPU it also covers threads that went to sleep while the output was poisoned.
constexpr double poisoned_slack_us(Backend backend) { return backend == Backend::cpu ? 2000 : 20; }
// Pairs of calls. A round that finds nothing ends the search; the next one is taken only to confirm a suspicion.
constexpr int kPoisonedPairs[] = {7, 15, 30};

// "", or the sentence that tells how much faster calls are when the output is there.
std::string compare_poisoned(const Variant& variant, Executor& executor, int pairs) {
  double plain_us = std::numeric_limits<double>::infinity();
  double poisoned_us = std::numeric_limits<double>::infinity();
  for (int i = 0; i < pairs; ++i) {
    plain_us = std::min(plain_us, sample_block(executor, variant, TimingMode::call, 1).us.front());
    poisoned_us = std::min(poisoned_us, executor.sample_poisoned(variant));
  }
  if (poisoned_us <= kPoisonedRatio * plain_us + poisoned_slack_us(variant.backend)) return "";
  return fmt::format(
      "a call takes {:.1f} us when the output is poisoned first and {:.1f} us when it already holds the "
      "result",
      poisoned_us, plain_us);
}

// Why the output or the speed of a timed variant cannot be trusted, or nothing.
std::string find_distrust(const Variant& variant, const RunPolicy& policy, Executor& executor) {
  if (const Check again = executor.verify(variant, policy.check_policy); !again.passed) {
    return "after it was timed: " + again.reason;
  }
  if (const Check negated = executor.verify_negated(variant, policy.check_policy); !negated.passed) {
    return "the output did not follow when V was negated: " + negated.reason;
  }
  std::string reason;
  for (const int pairs : kPoisonedPairs) {
    reason = compare_poisoned(variant, executor, pairs);
    if (reason.empty()) break;
  }
  return reason;
}

}  // namespace

void check_before_timing(Record& record, const Variant& variant, const RunPolicy& policy,
                         Executor& executor) {
  try {
    if (std::string reason = executor.unsupported(variant); !reason.empty()) {
      return record.fail(Status::unsupported, std::move(reason));
    }
    const bool described_only = variant.kernels == nullptr;
    if (described_only || variant.knows_resources()) record.resources = executor.resources(variant);
    record.code_hash = executor.code_hash(variant);
    record.status = Status::ok;
    if (policy.check) check_own_problem(record, variant, policy.check_policy, executor);
  } catch (const EnvironmentError& error) {
    record.fail(error.status, error.what());
  }
}

void check_after_timing(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor) {
  if (!policy.check || policy.check_policy.depth == CheckDepth::quick) return;
  if (record.status != Status::ok || record.headline() == nullptr) return;
  try {
    if (std::string reason = find_distrust(variant, policy, executor); !reason.empty()) {
      record.fail(Status::incorrect, std::move(reason));
    }
  } catch (const EnvironmentError& error) {
    record.fail(error.status, error.what());
  }
}

}  // namespace flashcore
