#include "run/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "conclude/budget.hpp"
#include "device/telemetry_sampler.hpp"
#include "registry/supports.hpp"
#include "run/problem_session.hpp"
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

// A problem from its preparation to its records. Its parts point to each other, so it must not move.
struct Job {
  Job(std::size_t number, const Problem& of, ProblemSession with, std::vector<const Variant*> some,
      double seconds)
      : place(number), problem(of), session(std::move(with)), variants(std::move(some)), budget_s(seconds) {}

  std::span<Record> checked_records() { return std::span(records).first(checked); }

  std::size_t place;
  const Problem& problem;
  ProblemSession session;
  std::vector<const Variant*> variants;
  std::vector<Record> records;
  std::vector<Candidate> candidates;
  std::size_t checked = 0;
  std::optional<Measurement> measurement;
  double budget_s;  // for all visits
  double spent_s = 0;
};

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
    try {
      measure_all(problems);
    } catch (...) {
      close_all();  // what was measured is kept
      throw;
    }
    for (Sink* sink : sinks_) sink->finish();
    summary_.interrupted = interrupt_requested();
    if (!summary_.interrupted && times_.size() == problems.size()) {
      summary_.sufficient_budget_s = sufficient_budget_s(times_);
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

  // Later problems may use the budget that earlier ones leave.
  void measure_all(std::span<const Problem> problems) {
    const int visits = problems.size() > 1 ? kVisits : 1;
    double budget_s = policy_.measure.budget_s;
    for (std::size_t i = 0; i < problems.size() && !interrupt_requested(); ++i) {
      const double share_s = budget_s / static_cast<double>(problems.size() - i);
      progress_.begin_problem(fmt::format("problem {} of {}: {}", i + 1, problems.size(), problems[i].name));
      budget_s -= run_problem(i, problems[i], share_s, visits);
    }
    for (const auto& job : waiting_) {
      job->budget_s += std::max(0.0, budget_s) / static_cast<double>(waiting_.size());
    }
    const auto wants_visit = [](const auto& job) { return job->measurement->wants_visit(); };
    while (std::ranges::any_of(waiting_, wants_visit)) {
      for (const auto& job : waiting_) {
        if (wants_visit(job)) visit_again(*job);
      }
    }
    close_all();
  }

  // Returns the seconds of the budget that are spent, or kept for more visits.
  double run_problem(std::size_t place, const Problem& problem, double budget_s, int visits) {
    const Pick pick = pick_of(place);
    if (telemetry_ && waiting_.empty()) telemetry_->discard_before(TelemetryClock::now());
    auto job = std::make_unique<Job>(place, problem,
                                     ProblemSession(problem, policy_, executor_, telemetry(), events()),
                                     variants_for(problem, pick), budget_s);
    std::vector<Record*> unprepared;
    for (const Variant* variant : job->variants) {
      job->records.push_back(job->session.new_record(*variant));
      if (variant == pick.variant) job->records.back().reason = pick.reason;
    }
    for (Record& record : job->records) unprepared.push_back(&record);
    if (!job->session.prepare(job->variants, unprepared)) {
      times_.push_back({});
      for (Sink* sink : sinks_) sink->end_problem();
      return 0;
    }
    waiting_.push_back(std::move(job));
    measure(*waiting_.back(), visits);
    if (waiting_.back()->measurement->wants_visit()) {
      preview(*waiting_.back());
      return budget_s;
    }
    const std::unique_ptr<Job> done = std::move(waiting_.back());
    waiting_.pop_back();
    close(*done);
    return done->spent_s;
  }

  void measure(Job& job, int visits) {
    check(job);
    job.measurement.emplace(job.session.measurement(job.candidates, policy_.measure, policy_.seed, visits));
    visit(job);
  }

  // After an interrupt, the records that were not checked are left out.
  void check(Job& job) {
    while (job.checked < job.records.size() && !interrupt_requested()) {
      Record& record = job.records[job.checked];
      const Variant* variant = job.variants[job.checked];
      job.session.check(*variant, record);
      if (record.status == Status::ok) job.candidates.push_back({variant, &record});
      ++job.checked;
    }
  }

  void visit(Job& job) {
    if (job.candidates.empty()) return;
    const auto begin = std::chrono::steady_clock::now();
    const auto on_round = [&](TimingMode mode, int round) {
      progress_.update(done_, total_,
                       fmt::format("{}: {} time, round {} of {} variants", job.problem.name, to_string(mode),
                                   round, job.candidates.size()));
    };
    const bool is_first = job.spent_s == 0;
    job.measurement->run(job.budget_s, on_round);
    if (is_first || !job.measurement->wants_visit()) {
      for (const Candidate& candidate : job.candidates)
        job.session.recheck(*candidate.variant, *candidate.record);
    }
    job.spent_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  // A problem that does not fit into memory any more keeps the samples that it has.
  void visit_again(Job& job) {
    if (job.session.prepare_again()) {
      visit(job);
      preview(job);
    } else {
      job.measurement->end_visits();
    }
  }

  // A kill then loses no more than the visits to come.
  void preview(Job& job) {
    std::vector<Record> records;
    for (const Record& record : job.checked_records()) {
      records.push_back(record);
      add_rates(records.back(), executor_.device());
    }
    for (Sink* sink : sinks_) sink->preview(job.place, records);
  }

  void close_all() {
    while (!waiting_.empty()) {
      const std::unique_ptr<Job> job = std::move(waiting_.front());
      waiting_.erase(waiting_.begin());  // first: a sink may throw
      close(*job);
    }
  }

  void close(Job& job) {
    note_time(job);
    for (Sink* sink : sinks_) sink->preview(job.place, {});
    for (Record& record : job.checked_records()) {
      Record* const one = &record;
      job.session.emit({&one, 1});
    }
    for (Sink* sink : sinks_) sink->end_problem();
  }

  // For an estimate of a budget that would do.
  void note_time(const Job& job) {
    if (job.candidates.empty() || !job.measurement) return times_.push_back({});
    std::vector<Record> records;
    for (const Candidate& candidate : job.candidates) records.push_back(*candidate.record);
    const double sampling_s = job.measurement->sampling_s();
    std::optional<ProblemTime> time = needed_time(records, policy_.measure, sampling_s);
    if (!time) return;
    time->spent_s += job.spent_s - sampling_s;
    times_.push_back(*time);
  }

  TelemetrySampler* telemetry() { return telemetry_ ? &*telemetry_ : nullptr; }

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
  std::vector<std::unique_ptr<Job>> waiting_;  // for another visit, or for the end of this one
  std::vector<ProblemTime> times_;             // of problems whose time is known
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
