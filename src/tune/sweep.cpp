#include "tune/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "measure/measure.hpp"
#include "run/examine.hpp"
#include "run/rates.hpp"
#include "tune/race.hpp"

namespace flashcore {
namespace {

using Indices = std::vector<std::size_t>;

std::vector<Contender> make_contenders(const ProblemSpace& space, std::span<const KnownRecord> known) {
  std::vector<Contender> contenders;
  for (const Variant* variant : space.candidates) {
    Contender contender{.variant = variant,
                        .record = {.problem = space.problem,
                                   .family = std::string(variant->family),
                                   .spec = variant->spec,
                                   .backend = variant->backend,
                                   .status = Status::ok}};
    for (const KnownRecord& before : known) {
      if (before.record.problem != space.problem || before.record.variant_id() != variant->id()) continue;
      contender.record = before.record;
      contender.finalist = before.finalist;
      contender.settled = true;
    }
    contenders.push_back(std::move(contender));
  }
  return contenders;
}

class ProblemSweep {
 public:
  ProblemSweep(const ProblemSpace& space, std::span<const KnownRecord> known, const SweepPolicy& policy,
               Executor& executor, TelemetrySampler* telemetry, const SweepEvents& events)
      : policy_(policy), executor_(executor), telemetry_(telemetry), events_(events), space_(space) {
    swept_.contenders = make_contenders(space, known);
  }

  SweptProblem run(double budget_s) {
    if (!is_decided() && prepare()) {
      examine_all();
      search(budget_s);
      // Should all finalists fail the check after timing, the next best are finalists.
      while (!interrupt_requested() && !has_winner() && !runners_up().empty()) run_final(runners_up());
    }
    swept_.interrupted = interrupt_requested() && !has_winner();
    return std::move(swept_);
  }

 private:
  std::span<Contender> contenders() { return swept_.contenders; }

  // Every record is final, and there is a winner unless nothing is right.
  bool is_decided() {
    const bool all_settled = std::ranges::all_of(contenders(), &Contender::settled);
    return all_settled && (runners_up().empty() || has_winner());
  }

  bool has_winner() { return !winners(contenders(), policy_.run.measure).empty(); }

  bool prepare() {
    tell("inputs and reference");
    try {
      executor_.prepare(space_.problem, policy_.run.seed);
      return true;
    } catch (const EnvironmentError& error) {
      if (error.status == Status::error) throw;  // the device itself has failed
      for (std::size_t i = 0; i < contenders().size(); ++i) {
        if (contenders()[i].settled) continue;
        contenders()[i].record.status = error.status;
        contenders()[i].record.reason = error.what();
        settle({i});
      }
      return false;
    }
  }

  void examine_all() {
    for (std::size_t i = 0; i < contenders().size() && !interrupt_requested(); ++i) {
      Contender& contender = contenders()[i];
      if (contender.settled) continue;
      tell(fmt::format("checking {}", contender.variant->id()));
      examine(contender.record, *contender.variant, policy_.run, executor_);
      if (contender.record.status != Status::ok) settle({i});
    }
  }

  void search(double budget_s) {
    const auto searcher = make_searcher(policy_.search, policy_.run.measure, policy_.run.seed);
    while (!interrupt_requested()) {
      const Proposal proposal = searcher->propose(contenders(), swept_.measuring_s < budget_s);
      settle(proposal.dropped);
      if (proposal.measured.empty()) return;
      if (proposal.final) return finish(proposal);
      measure(proposal, budget_s - swept_.measuring_s);
      Indices failed = proposal.measured;
      std::erase_if(failed, [&](std::size_t i) { return contenders()[i].record.status == Status::ok; });
      settle(failed);
    }
  }

  void measure(const Proposal& proposal, double budget_s) {
    std::vector<Candidate> candidates;
    for (const std::size_t i : proposal.measured) {
      candidates.push_back({contenders()[i].variant, &contenders()[i].record});
    }
    Measurement measurement(candidates, proposal.policy, policy_.run.seed + ++round_, executor_, telemetry_);
    measurement.run(std::max(budget_s, 0.0), [&](TimingMode, int round) {
      tell(fmt::format("{}, round {} of {} candidates{}", proposal.stage, round, candidates.size(), best()));
    });
    swept_.measuring_s += measurement.sampling_s();
  }

  void run_final(const Indices& finalists) {
    finish({.measured = finalists,
            .policy = with_deciding_clock(policy_.run.measure),
            .stage = "finalists",
            .final = true});
  }

  void finish(const Proposal& proposal) {
    measure(proposal, policy_.run.measure.budget_s);
    if (interrupt_requested()) return;
    for (const std::size_t i : proposal.measured) {
      Contender& contender = contenders()[i];
      tell(fmt::format("checking {} again", contender.variant->id()));
      Candidate candidate{contender.variant, &contender.record};
      reexamine(candidate, policy_.run, executor_);
      contender.finalist = true;
    }
    settle(proposal.measured);
  }

  Indices runners_up() const {
    Indices next;
    for (std::size_t i = 0; i < swept_.contenders.size(); ++i) {
      const Contender& contender = swept_.contenders[i];
      const bool may_win = contender.record.status == Status::ok && contender.record.headline() != nullptr;
      if (may_win && !contender.finalist) next.push_back(i);
    }
    std::ranges::stable_sort(next, {},
                             [&](std::size_t i) { return swept_.contenders[i].record.headline()->median; });
    next.resize(std::min(next.size(), kFinalists));
    return next;
  }

  void settle(const Indices& indices) {
    std::vector<const Contender*> settled;
    for (const std::size_t i : indices) {
      contenders()[i].settled = true;
      add_rates(contenders()[i].record, executor_.device());
      settled.push_back(&contenders()[i]);
    }
    if (!settled.empty()) events_.settled(settled);
  }

  // "; best so far 8.06 us, mma/…"
  std::string best() {
    const Contender* fastest = nullptr;
    const auto median = [](const Contender& contender) { return contender.record.headline()->median; };
    for (const Contender& contender : contenders()) {
      if (contender.record.status != Status::ok || contender.record.headline() == nullptr) continue;
      if (fastest == nullptr || median(contender) < median(*fastest)) fastest = &contender;
    }
    if (fastest == nullptr) return "";
    return fmt::format("; best so far {} us, {}", format_significant(median(*fastest), 4),
                       fastest->variant->id());
  }

  void tell(std::string_view doing) { events_.doing(fmt::format("{}: {}", space_.problem.name, doing)); }

  const SweepPolicy& policy_;
  Executor& executor_;
  TelemetrySampler* telemetry_;
  const SweepEvents& events_;
  const ProblemSpace& space_;
  SweptProblem swept_;
  std::uint64_t round_ = 0;
};

}  // namespace

std::vector<std::size_t> winners(std::span<const Contender> contenders, const MeasurePolicy& policy) {
  Indices finalists;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (contenders[i].finalist) finalists.push_back(i);
  }
  return tie_set(contenders, finalists, objective_mode(policy), policy.relative_width);
}

SweptProblem sweep_problem(const ProblemSpace& space, std::span<const KnownRecord> known,
                           const SweepPolicy& policy, double budget_s, Executor& executor,
                           TelemetrySampler* telemetry, const SweepEvents& events) {
  return ProblemSweep(space, known, policy, executor, telemetry, events).run(budget_s);
}

}  // namespace flashcore
