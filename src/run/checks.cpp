#include "run/checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "check/verdict.hpp"
#include "measure/sample_block.hpp"
#include "run/deep_check.hpp"

namespace flashcore {
namespace {

// Checks the prepared problem.
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

// Rounds that confirm a suspicion. The next round runs only if the round before it found something.
struct Round {
  int pairs;         // of launches with changed and unchanged inputs, or of a sample and a control
  double sampled_s;  // over which clocks are compared at least
};
constexpr Round kRounds[] = {{1, 0.02}, {7, 0.2}, {15, 1}, {30, 2}};

// Launches on values that the kernel has seen before must take at least this share of the time of launches on
// new values. The fastest launches are compared, because other work of the machine can only slow launches.
constexpr double kUnchangedShare = 0.7;
// On a very busy machine even the fastest launches differ by chance. A launch that skips work is faster in nearly every
// pair; of 30 pairs of equal launches 90 % are so in 4 of a million cases.
constexpr double kFasterShare = 0.9;

// "", or a sentence that states how much faster launches are on inputs that they have seen before.
std::string compare_changed_inputs(const Variant& variant, Executor& executor, const Round& round) {
  const Contrast contrast = executor.contrast(variant, round.pairs);
  if (contrast.unchanged_us >= kUnchangedShare * contrast.changed_us) return "";
  if (contrast.faster_share < kFasterShare) return "";
  return fmt::format(
      "the time is not the work's: a launch takes {:.3g} us on inputs that it has seen before and {:.3g} us "
      "on others",
      contrast.unchanged_us, contrast.changed_us);
}

// The samples must agree with this program's own clock, which runs outside of the process with the kernel. A
// request takes a little longer than its launches.
constexpr double kMinSampledShare = 0.5;
constexpr double kMaxSampledShare = 1.02;

bool is_plausible(double share) { return share >= kMinSampledShare && share <= kMaxSampledShare; }

// A clock that runs slower than this beside a kernel of known length is wrong.
constexpr double kSlowClock = 0.9;

// "", or a sentence that states how far the clock of the samples is off. Requests also take longer on a shared
// device, so each sample is followed by a kernel of this program that is as long. One such request that takes
// too long as well, or one sample that is plausible, ends the suspicion.
std::string compare_clocks(const Variant& variant, TimingMode mode, Executor& executor, const Round& round) {
  double sampled_s = 0;
  double request_s = 0;
  for (int pairs = 0; pairs < round.pairs || request_s < round.sampled_s; ++pairs) {
    const SampleBlock block = sample_block(executor, variant, mode, 1);
    sampled_s += block.sampled_s;
    request_s += block.request_s;
    const double share = block.sampled_s / block.request_s;
    if (is_plausible(share)) return "";
    const std::optional<Control> control = executor.control(1e6 * block.sampled_s);
    if (!control) continue;
    if (control->us < kSlowClock * control->least_us) {
      return fmt::format(
          "the clock is not to be trusted: it shows {:.4g} us for a kernel that takes at least {:.4g} us",
          control->us, control->least_us);
    }
    if (share < kMinSampledShare && control->us < kMinSampledShare * control->request_us) return "";
  }
  return fmt::format("the clock is not to be trusted: launches of {:.3g} ms by the samples took {:.3g} ms",
                     1e3 * sampled_s, 1e3 * request_s);
}

template <class Compare>
std::string confirmed(Compare compare) {
  std::string reason;
  for (const Round& round : kRounds) {
    reason = compare(round);
    if (reason.empty()) break;
  }
  return reason;
}

// The reason why the record's times cannot be trusted; empty if they can.
std::string find_wrong_time(const Record& record, const Variant& variant, Executor& executor) {
  std::string reason =
      confirmed([&](const Round& round) { return compare_changed_inputs(variant, executor, round); });
  if (!reason.empty()) return reason;
  for (const TimingMode mode : kAll<TimingMode>) {
    if (!record.timings[mode] || sampling_of(mode).lone_launch) continue;
    if (is_plausible(record.timings[mode]->request_share)) continue;
    std::string off =
        confirmed([&](const Round& round) { return compare_clocks(variant, mode, executor, round); });
    if (!off.empty()) return off;
  }
  return "";
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

void check_batch_invariance(Record& record, const Variant& variant, const RunPolicy& policy,
                            Executor& executor) {
  const bool required = policy.requires_property(Requirement::batch_invariant);
  if (record.status != Status::ok || !record.check) return;
  if (!required && policy.check_policy.depth != CheckDepth::deep) return;
  try {
    const BatchInvariance found = executor.test_batch_invariance(variant);
    if (found.companies > 0) record.check->batch_invariant = found.broken_in.empty();
    record.check->batch_variance = found.broken_in;
    if (!required || record.check->batch_invariant == true) return;
    record.fail(Status::unsupported,
                found.companies > 0
                    ? fmt::format("is not batch invariant: {} the bits differ", found.broken_in)
                    : "is not known to be batch invariant: it can run no small problem that would show it");
  } catch (const EnvironmentError& error) {
    record.fail(error.status, fmt::format("testing batch invariance: {}", error.what()));
  }
}

void check_after_timing(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor) {
  if (!policy.check || policy.check_policy.depth == CheckDepth::quick) return;
  if (record.status != Status::ok || record.headline() == nullptr) return;
  try {
    if (const Check again = executor.verify(variant, policy.check_policy); !again.passed) {
      return record.fail_check("after it was timed: " + again.reason);
    }
    if (std::string reason = find_wrong_time(record, variant, executor); !reason.empty()) {
      record.fail(Status::suspect, std::move(reason));
    }
  } catch (const EnvironmentError& error) {
    record.fail(error.status, error.what());
  }
}

}  // namespace flashcore
