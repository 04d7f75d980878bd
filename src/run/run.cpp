#include "run/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "conclude/budget.hpp"
#include "device/telemetry_sampler.hpp"
#include "registry/supports.hpp"
#include "run/problem_session.hpp"

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
    case Status::suspect:
      ++summary.suspect;
      break;
    case Status::unsupported:
      ++summary.unsupported;
      break;
    default:
      ++summary.failed;
      break;
  }
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
    if (std::optional<Sensors> sensors = sensors_of(executor.device()))
      telemetry_.emplace(std::move(*sensors));
  }

  RunSummary run(std::span<const Problem> problems) {
    for (std::size_t i = 0; i < problems.size(); ++i) {
      total_ += static_cast<std::int64_t>(variants_for(problems[i], pick_of(i)).size());
    }
    double budget_s = policy_.measure.budget_s;
    std::vector<ProblemTime> times;
    for (std::size_t i = 0; i < problems.size() && !interrupt_requested(); ++i) {
      const double share_s = budget_s / static_cast<double>(problems.size() - i);
      time_ = ProblemTime{};
      budget_s -=
          run_problem(problems[i], pick_of(i), share_s);  // later problems may use the time that is left
      if (time_) times.push_back(*time_);
    }
    for (Sink* sink : sinks_) sink->finish();
    summary_.interrupted = interrupt_requested();
    if (!summary_.interrupted && times.size() == problems.size()) {
      summary_.sufficient_budget_s = sufficient_budget_s(times);
    }
    return summary_;
  }

 private:
  Pick pick_of(std::size_t problem) const { return picks_.empty() ? Pick{} : picks_[problem]; }

  // The pick first, then the variants compiled for the problem. All of them are repeated as the policy says.
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
    ProblemSession session(problem, policy_, executor_, telemetry_ ? &*telemetry_ : nullptr, events());
    std::vector<Record> records;
    for (const Variant* variant : variants) {
      records.push_back(session.new_record(*variant));
      if (variant == pick.variant) records.back().reason = pick.reason;
    }
    std::vector<Record*> waiting;
    for (Record& record : records) waiting.push_back(&record);
    const double spent_s =
        session.prepare(variants, waiting) ? run_prepared(session, problem, variants, records, budget_s) : 0;
    for (Sink* sink : sinks_) sink->end_problem();
    return spent_s;
  }

  double run_prepared(ProblemSession& session, const Problem& problem,
                      std::span<const Variant* const> variants, std::span<Record> records, double budget_s) {
    std::vector<Candidate> candidates;
    std::size_t checked = 0;  // after an interrupt, the other records are left out
    while (checked < records.size() && !interrupt_requested()) {
      session.check(*variants[checked], records[checked]);
      if (records[checked].status == Status::ok) candidates.push_back({variants[checked], &records[checked]});
      ++checked;
    }
    const double spent_s = measure(session, problem, candidates, budget_s);
    for (Record& record : records.first(checked)) {
      Record* const one = &record;
      session.emit({&one, 1});
    }
    return spent_s;
  }

  double measure(ProblemSession& session, const Problem& problem, std::span<Candidate> candidates,
                 double budget_s) {
    if (candidates.empty()) return 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto on_round = [&](TimingMode mode, int round) {
      progress_.update(done_, total_,
                       fmt::format("{}: {} time, round {} of {} variants", problem.name, to_string(mode),
                                   round, candidates.size()));
    };
    const double sampling_s = session.measure(candidates, policy_.measure, policy_.seed, budget_s, on_round);
    for (const Candidate& candidate : candidates) session.recheck(*candidate.variant, *candidate.record);
    const double spent_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    note_time(candidates, sampling_s, spent_s);
    return spent_s;
  }

  // For an estimate of a budget that would do.
  void note_time(std::span<const Candidate> candidates, double sampling_s, double spent_s) {
    std::vector<Record> records;
    for (const Candidate& candidate : candidates) records.push_back(*candidate.record);
    time_ = needed_time(records, policy_.measure, sampling_s);
    if (time_) time_->spent_s += spent_s - sampling_s;
  }

  SessionEvents events() {
    return {.doing = [this](std::string_view doing) { progress_.update(done_, total_, doing); },
            .emitted =
                [this](std::span<Record* const> records) {
                  for (const Record* record : records) take(*record);
                }};
  }

  void take(const Record& record) {
    count_status(summary_, record.status);
    summary_.caveats.add(record, policy_.measure);
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
  std::optional<ProblemTime> time_ = {};  // of the current problem; empty if it is not known
  std::int64_t done_ = 0;
  std::int64_t total_ = 0;
};

}  // namespace

RunSummary run(std::span<const Problem> problems, std::span<const Variant* const> variants,
               const RunPolicy& policy, Executor& executor, std::span<Sink* const> sinks, Progress& progress,
               std::span<const Pick> picks) {
  return Runner(variants, policy, executor, sinks, progress, picks).run(problems);
}

}  // namespace flashcore
