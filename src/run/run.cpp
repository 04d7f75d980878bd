#include "run/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "device/telemetry_sampler.hpp"
#include "measure/measure.hpp"
#include "registry/supports.hpp"
#include "run/deep_check.hpp"
#include "run/examine.hpp"
#include "run/rates.hpp"

namespace flashcore {
namespace {

void count_status(RunSummary& summary, Status status) {
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

// Clocks apart by more than this within one record's samples are worth a warning.
constexpr double kWanderingClock = 0.05;

bool clocks_wandered(const Timing& timing) {
  if (timing.sm_clock_mhz.empty()) return false;
  const auto [low, high] = std::ranges::minmax(timing.sm_clock_mhz);
  return high > (1 + kWanderingClock) * low;
}

void count(RunSummary& summary, const Record& record) {
  count_status(summary, record.status);
  const Timing* timing = record.headline();
  if (timing == nullptr) return;
  ++summary.timed;
  summary.clocks_wandered += clocks_wandered(*timing) ? 1 : 0;
  if (timing->throttled_samples == 0) return;
  ++summary.throttled;
  if (record.telemetry) summary.throttle_reasons |= record.telemetry->throttle_reasons & kSlowdownReasons;
}

class Runner {
 public:
  Runner(std::span<const Variant* const> variants, const RunPolicy& policy, Executor& executor,
         std::span<Sink* const> sinks, Progress& progress, std::span<const Pick> picks)
      : variants_(variants),
        policy_(policy),
        executor_(executor),
        sinks_(sinks),
        progress_(progress),
        picks_(picks) {
    if (const std::string& bus_id = executor.device().pci_bus_id; !bus_id.empty()) telemetry_.emplace(bus_id);
  }

  RunSummary run(std::span<const Problem> problems) {
    for (std::size_t i = 0; i < problems.size(); ++i) {
      total_ += static_cast<std::int64_t>(variants_for(problems[i], pick_of(i)).size());
    }
    double budget_s = policy_.measure.budget_s;
    for (std::size_t i = 0; i < problems.size() && !interrupt_requested(); ++i) {
      const double share_s = budget_s / static_cast<double>(problems.size() - i);
      budget_s -=
          run_problem(problems[i], pick_of(i), share_s);  // what one problem leaves, the others may use
    }
    for (Sink* sink : sinks_) sink->finish();
    summary_.interrupted = interrupt_requested();
    return summary_;
  }

 private:
  Pick pick_of(std::size_t problem) const { return picks_.empty() ? Pick{} : picks_[problem]; }

  // The pick first, then the variants compiled for the problem. As often as the policy repeats them.
  std::vector<const Variant*> variants_for(const Problem& problem, const Pick& pick) const {
    std::vector<const Variant*> once = compiled_for(problem, variants_);
    if (pick.variant != nullptr) {
      std::erase_if(once, [&](const Variant* variant) {
        return variant == pick.variant || !is_compiled_for(*variant, problem);
      });
      once.insert(once.begin(), pick.variant);
    }
    std::vector<const Variant*> matching;
    for (int i = 0; i < policy_.measure.repeats; ++i)
      matching.insert(matching.end(), once.begin(), once.end());
    return matching;
  }

  // Returns the seconds spent on measuring.
  double run_problem(const Problem& problem, const Pick& pick, double budget_s) {
    const std::vector<const Variant*> variants = variants_for(problem, pick);
    std::vector<Record> records;
    for (const Variant* variant : variants) {
      records.push_back({.problem = problem,
                         .family = std::string(variant->family),
                         .spec = variant->spec,
                         .backend = variant->backend,
                         .role = variant->role,
                         .reason = variant == pick.variant ? pick.reason : ""});
    }
    const std::vector<CaseOutcome> outcomes = try_cases(problem, variants);
    progress_.update(done_, total_, fmt::format("{}: inputs and reference", problem.name));
    if (!prepare(problem, records)) return 0;
    std::vector<Candidate> candidates;
    examined_ = 0;
    for (std::size_t i = 0; i < records.size() && !interrupt_requested(); ++i) {
      progress_.update(done_, total_, fmt::format("{}: checking {}", problem.name, variants[i]->id()));
      examine(records[i], *variants[i], policy_, executor_);
      if (!outcomes.empty()) apply(outcomes[i % outcomes.size()], records[i]);
      if (records[i].status == Status::ok) candidates.push_back({variants[i], &records[i]});
      examined_ = i + 1;
    }
    const double spent_s = measure_candidates(problem, candidates, budget_s);
    for (std::size_t i = 0; i < examined_; ++i) emit(records[i]);
    for (Sink* sink : sinks_) sink->end_problem();
    return spent_s;
  }

  // Those of a deep check, one outcome a variant, however often it is repeated; else nothing.
  std::vector<CaseOutcome> try_cases(const Problem& problem, std::span<const Variant* const> repeated) {
    if (!policy_.check || policy_.check_policy.depth != CheckDepth::deep) return {};
    const auto variants = repeated.first(repeated.size() / static_cast<std::size_t>(policy_.measure.repeats));
    return run_cases(problem, variants, policy_.check_policy, policy_.seed, executor_,
                     [&](std::string_view name) {
                       progress_.update(done_, total_, fmt::format("{}: case {}", problem.name, name));
                     });
  }

  bool prepare(const Problem& problem, std::vector<Record>& records) {
    try {
      executor_.prepare(problem, policy_.seed);
      return true;
    } catch (const EnvironmentError& error) {
      if (error.status == Status::error) throw;  // the device itself has failed
      for (Record& record : records) {
        record.fail(error.status, error.what());
        emit(record);
      }
      return false;
    }
  }

  double measure_candidates(const Problem& problem, std::span<Candidate> candidates, double budget_s) {
    if (candidates.empty()) return 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto tell = [&](TimingMode mode, int round) {
      progress_.update(done_, total_,
                       fmt::format("{}: {} time, round {} of {} variants", problem.name, to_string(mode),
                                   round, candidates.size()));
    };
    Measurement measurement(candidates, policy_.measure, policy_.seed, executor_,
                            telemetry_ ? &*telemetry_ : nullptr);
    measurement.run(budget_s, tell);
    if (policy_.check) {
      for (Candidate& candidate : candidates) reexamine(candidate, policy_, executor_);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  void emit(Record& record) {
    add_rates(record, executor_.device());
    count(summary_, record);
    for (Sink* sink : sinks_) sink->add(record);
    progress_.update(++done_, total_, record.problem.name);
  }

  std::span<const Variant* const> variants_;
  const RunPolicy& policy_;
  Executor& executor_;
  std::span<Sink* const> sinks_;
  Progress& progress_;
  std::span<const Pick> picks_;
  std::optional<TelemetrySampler> telemetry_;
  RunSummary summary_;
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
  std::size_t examined_ = 0;
};

}  // namespace

RunSummary run(std::span<const Problem> problems, std::span<const Variant* const> variants,
               const RunPolicy& policy, Executor& executor, std::span<Sink* const> sinks, Progress& progress,
               std::span<const Pick> picks) {
  return Runner(variants, policy, executor, sinks, progress, picks).run(problems);
}

}  // namespace flashcore
