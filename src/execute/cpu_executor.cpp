#include "execute/cpu_executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>

#include "base/error.hpp"
#include "check/cpu_problem.hpp"
#include "device/device.hpp"
#include "execute/cpu_launcher.hpp"
#include "registry/supports.hpp"

namespace flashcore {
namespace {

// A sample of hot or cold is as many calls as last about this long, so that the clock's own cost does not
// show.
constexpr double kSampleUs = 2000;
constexpr int kMostCalls = 1000;

class CpuExecutor : public Executor {
 public:
  const DeviceInfo& device() const override { return device_; }

  std::int64_t required_bytes(const Problem& problem) const override {
    return CpuProblem::required_bytes(problem, device_);
  }

  void prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) override;
  std::string unsupported(const Variant& variant) const override;
  Check verify(const Variant& variant, const CheckPolicy& policy) override;
  std::string output_hash() const override { return problem_->output_hash(); }
  Check verify_negated(const Variant& variant, const CheckPolicy& policy) override;
  double sample(const Variant& variant, TimingMode mode) override;
  double sample_poisoned(const Variant& variant) override;
  int launches_per_sample(const Variant& variant, TimingMode mode) override {
    return sampling_of(mode).lone_launch ? 1 : calls_per_sample(variant);
  }
  Resources resources(const Variant&) const override { return {}; }

 private:
  void launch(const Variant& variant, std::int64_t set);
  // Microseconds a launch over `calls` launches that walk through the first `sets` input sets.
  double time_calls(const Variant& variant, int calls, std::int64_t sets);
  int calls_per_sample(const Variant& variant);

  DeviceInfo device_ = cpu_device();
  std::unique_ptr<CpuProblem> problem_;
  CpuLauncher launcher_;
  std::int64_t next_set_ = 0;
  std::map<const Variant*, int> calls_per_sample_;
};

void CpuExecutor::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
  problem_.reset();  // before the next problem takes its memory
  launcher_.free_workspace();
  next_set_ = 0;
  calls_per_sample_.clear();
  const std::int64_t needed = required_bytes(problem);
  const std::int64_t free_bytes = free_host_memory_bytes();
  if (needed > free_bytes) {
    constexpr double kGiB = 1 << 30;
    throw OutOfMemoryError(fmt::format("the problem needs {:.1f} GiB of memory, {:.1f} GiB are free",
                                       static_cast<double>(needed) / kGiB,
                                       static_cast<double>(free_bytes) / kGiB));
  }
  problem_ = std::make_unique<CpuProblem>(problem, seed, inputs);
}

std::string CpuExecutor::unsupported(const Variant& variant) const {
  return unsupported_reason(variant, problem_->problem(), problem_->args(0), place_of(device_));
}

void CpuExecutor::launch(const Variant& variant, std::int64_t set) {
  launcher_.launch(variant, problem_->args(set));
}

Check CpuExecutor::verify(const Variant& variant, const CheckPolicy& policy) {
  problem_->poison_outputs();
  launch(variant, 0);
  return problem_->check_outputs(policy);
}

Check CpuExecutor::verify_negated(const Variant& variant, const CheckPolicy& policy) {
  problem_->negate_values();
  launch(variant, 0);
  Check check = problem_->check_outputs(policy);
  problem_->negate_values();
  return check;
}

double CpuExecutor::sample_poisoned(const Variant& variant) {
  problem_->poison_outputs();
  return time_calls(variant, 1, 1);
}

double CpuExecutor::time_calls(const Variant& variant, int calls, std::int64_t sets) {
  const auto begin = std::chrono::steady_clock::now();
  for (int call = 0; call < calls; ++call) {
    launch(variant, next_set_ % sets);
    ++next_set_;
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - begin;
  return spent.count() / calls;
}

int CpuExecutor::calls_per_sample(const Variant& variant) {
  const auto [entry, is_new] = calls_per_sample_.try_emplace(&variant, 1);
  if (is_new) {
    time_calls(variant, 1, 1);  // warms up
    const double call_us = std::max(time_calls(variant, 1, 1), 1.0);
    entry->second = std::clamp(static_cast<int>(std::ceil(kSampleUs / call_us)), 1, kMostCalls);
  }
  return entry->second;
}

double CpuExecutor::sample(const Variant& variant, TimingMode mode) {
  const bool rotates = sampling_of(mode).rotates_inputs;
  const std::int64_t sets = rotates ? CpuProblem::input_sets(problem_->problem(), device_) : 1;
  problem_->make_input_sets(sets);
  return time_calls(variant, launches_per_sample(variant, mode), sets);
}

}  // namespace

std::unique_ptr<Executor> make_cpu_executor() { return std::make_unique<CpuExecutor>(); }

}  // namespace flashcore
