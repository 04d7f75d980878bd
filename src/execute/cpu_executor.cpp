#include "execute/cpu_executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "base/error.hpp"
#include "device/cpu_memory.hpp"
#include "execute/buffered_executor.hpp"

namespace flashcore {
namespace {

// A sample of launches back to back lasts about this long, so that reading the clock does not show in it.
constexpr double kSampleUs = 2000;
constexpr int kMaxCalls = 1000;

class CpuExecutor final : public BufferedExecutor {
 public:
  CpuExecutor() : BufferedExecutor(open_cpu_launcher()) {}

  void prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) override;
  Sample sample(const Variant& variant, TimingMode mode) override;
  double sample_poisoned(const Variant& variant) override;
  Resources resources(const Variant&) const override { return {}; }

 private:
  // Microseconds per launch over `calls` launches that walk through the first `sets` input sets.
  double time_calls(const Variant& variant, int calls, std::int64_t sets);
  int calls_per_sample(const Variant& variant);

  std::int64_t next_set_ = 0;
  std::map<const Variant*, int> calls_per_sample_;
};

void CpuExecutor::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
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
  BufferedExecutor::prepare(problem, seed, inputs);
}

double CpuExecutor::sample_poisoned(const Variant& variant) {
  buffers().poison_outputs();
  return time_calls(variant, 1, 1);
}

double CpuExecutor::time_calls(const Variant& variant, int calls, std::int64_t sets) {
  std::vector<AttentionArgs> of_set;
  for (std::int64_t set = 0; set < sets; ++set) of_set.push_back(args(variant, set));
  const auto begin = std::chrono::steady_clock::now();
  for (int call = 0; call < calls; ++call) {
    launcher().launch(variant, of_set[static_cast<std::size_t>(next_set_ % sets)]);
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
    entry->second = std::clamp(static_cast<int>(std::ceil(kSampleUs / call_us)), 1, kMaxCalls);
  }
  return entry->second;
}

Sample CpuExecutor::sample(const Variant& variant, TimingMode mode) {
  const Sampling& how = sampling_of(mode);
  const std::int64_t sets =
      how.rotates_inputs ? ProblemBuffers::input_sets(buffers().problem(), device()) : 1;
  buffers().make_input_sets(sets);
  const int calls = how.lone_launch ? 1 : calls_per_sample(variant);
  return {.us = time_calls(variant, calls, sets), .launches = calls};
}

}  // namespace

std::unique_ptr<Executor> make_cpu_executor() { return std::make_unique<CpuExecutor>(); }

}  // namespace flashcore
