#include "run/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <random>

#include "core/error.hpp"
#include "run/measure.hpp"

namespace flashcore {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the handler may only touch lock-free atomics");

void on_interrupt(int signal) {
  interrupted = true;
  std::signal(signal, SIG_DFL);  // the second one ends the program at once
}

void count(RunSummary& summary, Status status) {
  switch (status) {
    case Status::ok:
      ++summary.ok;
      break;
    case Status::incorrect:
      ++summary.incorrect;
      break;
    case Status::unsupported:
      ++summary.unsupported;
      break;
    default:
      ++summary.failed;
      break;
  }
}

void fail(Record& record, Status status, std::string reason) {
  record.status = status;
  record.reason = std::move(reason);
}

// Fills in everything but the timings: status, check, resources.
void examine(Record& record, const Variant& variant, const RunPolicy& policy, Executor& executor) {
  try {
    if (std::string reason = executor.unsupported(variant); !reason.empty()) {
      return fail(record, Status::unsupported, std::move(reason));
    }
    if (variant.query_resources != nullptr) record.resources = executor.resources(variant);
    record.status = Status::ok;
    if (!policy.check) return;
    record.check = executor.verify(variant, policy.check_policy);
    if (!record.check->passed) fail(record, Status::incorrect, record.check->reason);
  } catch (const OutOfMemoryError& error) {
    fail(record, Status::out_of_memory, error.what());
  } catch (const EnvironmentError& error) {
    fail(record, Status::error, error.what());
  }
}

// What users compare: the rate at the headline timing.
void add_rates(Record& record) {
  if (const Timing* timing = record.headline(); timing != nullptr && timing->median > 0) {
    record.tflops = flops(record.problem) / timing->median * 1e-6;
  }
}

class Runner {
 public:
  Runner(std::span<const Variant* const> variants, const RunPolicy& policy, Executor& executor,
         std::span<Sink* const> sinks, Progress& progress)
      : variants_(variants), policy_(policy), executor_(executor), sinks_(sinks), progress_(progress) {}

  RunSummary run(std::span<const Problem> problems) {
    total_ = static_cast<std::int64_t>(problems.size() * variants_.size());
    double budget_s = policy_.measure.budget_s;
    for (std::size_t i = 0; i < problems.size() && !interrupt_requested(); ++i) {
      const double share_s = budget_s / static_cast<double>(problems.size() - i);
      budget_s -= run_problem(problems[i], share_s);  // what one problem leaves, the others may use
    }
    for (Sink* sink : sinks_) sink->finish();
    summary_.interrupted = interrupt_requested();
    return summary_;
  }

 private:
  // Returns the seconds spent on measuring.
  double run_problem(const Problem& problem, double budget_s) {
    std::vector<Record> records;
    for (const Variant* variant : variants_) {
      records.push_back({.problem = problem,
                         .family = std::string(variant->family),
                         .spec = variant->spec,
                         .backend = variant->backend});
    }
    progress_.update(done_, total_, fmt::format("{}: inputs and reference", problem.name));
    if (!prepare(problem, records)) return 0;
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < records.size() && !interrupt_requested(); ++i) {
      progress_.update(done_ + static_cast<std::int64_t>(i), total_,
                       fmt::format("{}: checking {}", problem.name, variants_[i]->id()));
      examine(records[i], *variants_[i], policy_, executor_);
      if (records[i].status == Status::ok) candidates.push_back({variants_[i], &records[i]});
      examined_ = i + 1;
    }
    const double spent_s = measure_candidates(problem, candidates, budget_s);
    for (std::size_t i = 0; i < examined_; ++i) emit(records[i]);
    return spent_s;
  }

  bool prepare(const Problem& problem, std::vector<Record>& records) {
    try {
      executor_.prepare(problem, policy_.seed);
      return true;
    } catch (const OutOfMemoryError& error) {
      for (Record& record : records) {
        fail(record, Status::out_of_memory, error.what());
        emit(record);
      }
      return false;
    }
  }

  double measure_candidates(const Problem& problem, std::span<Candidate> candidates, double budget_s) {
    if (candidates.empty()) return 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto tell = [&](Clock clock, int round) {
      progress_.update(done_, total_,
                       fmt::format("{}: {} time, round {} of {} variants", problem.name, to_string(clock),
                                   round, candidates.size()));
    };
    measure(candidates, policy_.measure, budget_s, policy_.seed, executor_, tell);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  void emit(Record& record) {
    add_rates(record);
    count(summary_, record.status);
    for (Sink* sink : sinks_) sink->add(record);
    progress_.update(++done_, total_, record.problem.name);
  }

  std::span<const Variant* const> variants_;
  const RunPolicy& policy_;
  Executor& executor_;
  std::span<Sink* const> sinks_;
  Progress& progress_;
  RunSummary summary_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
  std::size_t examined_ = 0;
};

}  // namespace

RunSummary run(std::span<const Problem> problems, std::span<const Variant* const> variants,
               const RunPolicy& policy, Executor& executor, std::span<Sink* const> sinks,
               Progress& progress) {
  return Runner(variants, policy, executor, sinks, progress).run(problems);
}

bool interrupt_requested() { return interrupted; }

void install_interrupt_handler() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

}  // namespace flashcore
