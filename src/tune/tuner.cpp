#include "tune/tuner.hpp"

#include <algorithm>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/interrupt.hpp"

namespace flashcore {
namespace {

// A problem's weight times the bytes that a card could move in its time, from its FLOPs, its traffic and its launch.
// Cards do about 200 FLOPs in the time of a byte.
double expected_cost(const Problem& problem) {
  constexpr double kFlopsPerByte = 200;
  constexpr double kLaunchBytes = 16e6;
  return problem.weight *
         (std::max(flops(problem) / kFlopsPerByte, compulsory_bytes(problem)) + kLaunchBytes);
}

class Tuner {
 public:
  Tuner(std::span<const ProblemSpace> space, std::span<const KnownRecord> known, const SweepPolicy& policy,
        std::size_t num_devices, TuneListener& listener)
      : space_(space),
        known_(known),
        policy_(policy),
        listener_(listener),
        budget_s_(policy.run.measure.budget_s * static_cast<double>(num_devices)) {
    for (const ProblemSpace& part : space) {
      costs_.push_back(expected_cost(part.problem));
      cost_left_ += costs_.back();
    }
  }

  // Sweeps problems on one device until none is left.
  void work(const OpenExecutor& open) {
    try {
      const std::unique_ptr<Executor> executor = open();
      std::optional<TelemetrySampler> telemetry;
      if (std::optional<Sensors> sensors = sensors_of(executor->device()))
        telemetry.emplace(std::move(*sensors));
      while (const auto task = take()) sweep(*task, *executor, telemetry ? &*telemetry : nullptr);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Task {
    std::size_t problem;
    double budget_s;
  };

  std::optional<Task> take() {
    const std::lock_guard lock(mutex_);
    if (next_ == space_.size() || error_ || interrupt_requested()) return std::nullopt;
    const double cost = costs_[next_];
    const double even = 1 / static_cast<double>(space_.size() - next_);
    const double share_s = budget_s_ * (even + cost / cost_left_) / 2;
    budget_s_ -= share_s;
    cost_left_ -= cost;
    return Task{next_++, share_s};
  }

  void sweep(const Task& task, Executor& executor, TelemetrySampler* telemetry) {
    const SweepEvents events{.completed =
                                 [&](std::span<const Contender* const> contenders) {
                                   const std::lock_guard lock(mutex_);
                                   listener_.completed(contenders);
                                 },
                             .doing =
                                 [&](std::string_view what) {
                                   const std::lock_guard lock(mutex_);
                                   listener_.doing(what);
                                 }};
    {
      const std::lock_guard lock(mutex_);
      listener_.began(task.problem);
    }
    SweepPolicy policy = policy_;
    policy.run.measure.budget_s = final_share(policy.objective) * task.budget_s;
    policy.energy.budget_s = task.budget_s;
    const double search_s = search_share(policy.objective) * task.budget_s;
    const SweptProblem swept =
        sweep_problem(space_[task.problem], known_, policy, search_s, executor, telemetry, events);
    const std::lock_guard lock(mutex_);
    budget_s_ += task.budget_s - swept.measuring_s;
    listener_.swept(task.problem, swept);
  }

  std::span<const ProblemSpace> space_;
  std::span<const KnownRecord> known_;
  const SweepPolicy& policy_;
  TuneListener& listener_;
  std::mutex mutex_;           // guards the members below and the calls of listener_
  std::vector<double> costs_;  // per problem
  double cost_left_ = 0;       // of the remaining problems
  double budget_s_;            // seconds of measuring for the remaining problems
  std::size_t next_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void tune(std::span<const ProblemSpace> space, std::span<const KnownRecord> known, const SweepPolicy& policy,
          std::span<const OpenExecutor> devices, TuneListener& listener) {
  Tuner tuner(space, known, policy, devices.size(), listener);
  if (devices.size() == 1) {
    tuner.work(devices.front());
  } else {
    std::vector<std::jthread> threads;
    for (const OpenExecutor& open : devices) threads.emplace_back([&] { tuner.work(open); });
  }
  tuner.rethrow();
}

}  // namespace flashcore
