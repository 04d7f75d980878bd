#include "execute/cpu_executor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "device/cpu_memory.hpp"
#include "device/device.hpp"
#include "device/machine_code.hpp"
#include "execute/buffered_executor.hpp"
#include "kernels/probe/cpu_probe.hpp"

namespace flashcore {
namespace {

// A sample of back-to-back launches lasts about this long, so that the time to read the clock is negligible.
constexpr double kSampleUs = 2000;
constexpr int kMaxCalls = 1000;

class CpuExecutor final : public BufferedExecutor {
 public:
  CpuExecutor() : BufferedExecutor(open_cpu_launcher()) {}

  void prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) override;
  Contrast contrast(const Variant& variant, int pairs) override;
  Resources resources(const Variant&) const override { return {}; }
  std::string code_hash(const Variant& variant) const override { return code_hash_of(variant); }
  void measure_ceilings() override;

 protected:
  Sample take_sample(const Variant& variant, TimingMode mode) override;
  void warm(const Variant& variant, TimingMode mode) override;

 private:
  // Microseconds per launch over `calls` launches that read the views in turns.
  double time_calls(const Variant& variant, int calls, std::span<const InputView> views);
  // Microseconds of one launch after a pass over the memory of its inputs.
  double time_after_scramble(const Variant& variant, bool change);
  int calls_per_sample(const Variant& variant);

  std::size_t next_view_ = 0;
  std::map<const Variant*, int> calls_per_sample_;
};

void CpuExecutor::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
  next_view_ = 0;
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

double CpuExecutor::time_calls(const Variant& variant, int calls, std::span<const InputView> views) {
  std::vector<AttentionArgs> of_view;
  for (const InputView& view : views) of_view.push_back(args(variant, view));
  const auto begin = std::chrono::steady_clock::now();
  for (int call = 0; call < calls; ++call) {
    launcher().launch(variant, of_view[next_view_++ % views.size()]);
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - begin;
  launcher().collect(variant, of_view[(next_view_ - 1) % views.size()]);
  set_last_view(views[(next_view_ - 1) % views.size()]);
  return spent.count() / calls;
}

int CpuExecutor::calls_per_sample(const Variant& variant) {
  const auto [entry, is_new] = calls_per_sample_.try_emplace(&variant, 1);
  if (is_new) {
    const std::vector<InputView> views = views_of(TimingMode::hot);
    const auto turn = static_cast<int>(views.size());
    time_calls(variant, turn, views);  // warms up
    const double call_us = std::max(time_calls(variant, turn, views), 1.0);
    entry->second = std::clamp(static_cast<int>(std::ceil(kSampleUs / call_us)), 1, kMaxCalls);
  }
  return entry->second;
}

void CpuExecutor::warm(const Variant& variant, TimingMode mode) {
  views_of(mode);
  calls_per_sample(variant);
}

Sample CpuExecutor::take_sample(const Variant& variant, TimingMode mode) {
  const std::vector<InputView> views = views_of(mode);
  const int calls = sampling_of(mode).lone_launch ? 1 : calls_per_sample(variant);
  return {.us = time_calls(variant, calls, views), .launches = calls};
}

// Kernels may use every core, whatever --threads says.
void CpuExecutor::measure_ceilings() {
  const auto cores = std::max<double>(std::thread::hardware_concurrency(), cpu_threads());
  launcher().info().fma_flops_per_s = cores * kernels::measure_cpu_flops_per_s();
}

double CpuExecutor::time_after_scramble(const Variant& variant, bool change) {
  constexpr InputView kView{};
  buffers().inputs().scramble(1, change);
  return time_calls(variant, 1, {&kView, 1});
}

Contrast CpuExecutor::contrast(const Variant& variant, int pairs) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  Contrast contrast{.unchanged_us = kNever, .changed_us = kNever};
  int faster = 0;
  const auto time = [&](bool change) {
    const double us = time_after_scramble(variant, change);
    double& fastest = change ? contrast.changed_us : contrast.unchanged_us;
    fastest = std::min(fastest, us);
    return us;
  };
  for (int i = 0; i < pairs; ++i) {
    // On a busy machine the second launch of a pair finds its threads awake.
    const bool changed_first = i % 2 == 0;
    const double first_us = time(changed_first);
    const double second_us = time(!changed_first);
    faster += changed_first == (second_us < first_us) ? 1 : 0;
  }
  contrast.faster_share = static_cast<double>(faster) / pairs;
  return contrast;
}

}  // namespace

std::unique_ptr<Executor> make_cpu_executor() { return std::make_unique<CpuExecutor>(); }

}  // namespace flashcore
