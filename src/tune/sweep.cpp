#include "tune/sweep.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/text.hpp"
#include "run/problem_session.hpp"
#include "tune/race.hpp"

namespace flashcore {
namespace {

using Indices = std::vector<std::size_t>;

std::vector<Contender> make_contenders(const ProblemSpace& space, std::span<const KnownRecord> known,
                                       const ProblemSession& session) {
  std::vector<Contender> contenders;
  for (const Variant* variant : space.candidates) {
    Contender contender{.variant = variant,
                        .record = session.new_record(*variant),
                        .is_default = variant == space.by_default};
    for (const KnownRecord& before : known) {
      if (before.record.problem != space.problem || before.record.variant_id() != variant->id()) continue;
      contender.record = before.record;
      contender.finalist = before.finalist;
      contender.dropped_at = before.dropped_at;
      contender.is_final = true;
    }
    contenders.push_back(std::move(contender));
  }
  return contenders;
}

class ProblemSweep {
 public:
  ProblemSweep(const ProblemSpace& space, std::span<const KnownRecord> known, const SweepPolicy& policy,
               Executor& executor, TelemetrySampler* telemetry, const SweepEvents& events)
      : policy_(policy),
        events_(events),
        space_(space),
        session_(space.problem, policy.run, executor, telemetry, {.doing = events.doing}) {
    swept_.contenders = make_contenders(space, known, session_);
  }

  SweptProblem run(double budget_s) {
    if (!is_decided() && prepare()) {
      check_all();
      search(budget_s);
      if (!interrupt_requested()) complete(std::exchange(near_, {}));
      // If all finalists fail the check after timing, the next best contenders become finalists.
      while (!interrupt_requested() && !has_winner() && !runners_up().empty()) run_final(runners_up());
    }
    swept_.interrupted = interrupt_requested() && !has_winner();
    return std::move(swept_);
  }

 private:
  std::span<Contender> contenders() { return swept_.contenders; }

  // True if every record is final and there is a winner, or no contender can win.
  bool is_decided() {
    const bool all_final = std::ranges::all_of(contenders(), &Contender::is_final);
    return all_final && (runners_up().empty() || has_winner());
  }

  bool has_winner() { return !winners(contenders(), policy_.run.measure, policy_.objective).empty(); }

  bool prepare() {
    Indices open;
    std::vector<const Variant*> variants;
    std::vector<Record*> records;
    for (std::size_t i = 0; i < contenders().size(); ++i) {
      if (contenders()[i].is_final) continue;
      open.push_back(i);
      variants.push_back(contenders()[i].variant);
      records.push_back(&contenders()[i].record);
    }
    if (session_.prepare(variants, records)) return true;
    for (const std::size_t i : open) complete({i});
    return false;
  }

  void check_all() {
    for (std::size_t i = 0; i < contenders().size() && !interrupt_requested(); ++i) {
      Contender& contender = contenders()[i];
      if (contender.is_final) continue;
      session_.check(*contender.variant, contender.record);
      if (contender.record.status != Status::ok) complete({i});
    }
  }

  void search(double budget_s) {
    const auto searcher = make_searcher(policy_.search, policy_.run.measure, policy_.run.seed);
    while (!interrupt_requested()) {
      Proposal proposal = searcher->propose(contenders(), swept_.measuring_s < budget_s);
      drop(proposal.dropped);
      if (proposal.measured.empty()) return;
      last_mode_ = proposal.policy.modes.front();
      if (proposal.final) {
        recall_near(proposal.measured);
        return finish(proposal);
      }
      measure(proposal, budget_s - swept_.measuring_s);
      Indices failed = proposal.measured;
      std::erase_if(failed, [&](std::size_t i) { return contenders()[i].record.status == Status::ok; });
      complete(failed);
    }
  }

  // Later rounds run at other clocks, so that times of different rounds cannot be compared.
  void note_dropped(const Indices& dropped) {
    const auto time_us = [&](const Contender& contender) {
      const auto& timing = contender.record.timings[last_mode_];
      return timing && !contender.is_final ? timing->median : std::numeric_limits<double>::infinity();
    };
    double best_us = std::numeric_limits<double>::infinity();
    for (const Contender& contender : contenders()) best_us = std::min(best_us, time_us(contender));
    for (const std::size_t i : dropped) {
      if (const double us = time_us(contenders()[i]); std::isfinite(us))
        contenders()[i].dropped_at = us / best_us;
    }
  }

  // Completes what was dropped. Those that may save energy leave the search only; the final round may need them.
  void drop(const Indices& dropped) {
    note_dropped(dropped);
    Indices far;
    for (const std::size_t i : dropped) {
      const std::optional<double> ratio = contenders()[i].dropped_at;
      const bool is_near = needs_energy(policy_.objective) && ratio && *ratio <= 1 + kEnergyMargin;
      contenders()[i].is_final = true;
      (is_near ? near_ : far).push_back(i);
    }
    complete(far);
  }

  // Adds the nearest of them to the finalists.
  void recall_near(Indices& finalists) {
    std::ranges::stable_sort(near_, {}, [&](std::size_t i) { return *contenders()[i].dropped_at; });
    const std::size_t free = kEnergyFinalists - std::min(kEnergyFinalists, finalists.size());
    const auto end = near_.begin() + static_cast<std::ptrdiff_t>(std::min(free, near_.size()));
    for (auto i = near_.begin(); i != end; ++i) {
      contenders()[*i].is_final = false;
      contenders()[*i].dropped_at.reset();
      finalists.push_back(*i);
    }
    near_.erase(near_.begin(), end);
  }

  void measure(const Proposal& proposal, double budget_s) {
    std::vector<Candidate> candidates;
    for (const std::size_t i : proposal.measured) {
      candidates.push_back({contenders()[i].variant, &contenders()[i].record});
    }
    swept_.measuring_s += session_.measure(
        candidates, proposal.policy, policy_.run.seed + ++round_, std::max(budget_s, 0.0),
        [&](TimingMode, int round) {
          events_.doing(fmt::format("{}: {}, round {} of {} candidates{}", space_.problem.name,
                                    proposal.stage, round, candidates.size(), best()));
        });
  }

  void run_final(const Indices& finalists) {
    finish({.measured = finalists,
            .policy = with_objective_mode(policy_.run.measure),
            .stage = "finalists",
            .final = true});
  }

  void finish(const Proposal& proposal) {
    const double before_s = swept_.measuring_s;
    measure(proposal, policy_.run.measure.budget_s);
    swept_.final_s += swept_.measuring_s - before_s;
    if (needs_energy(policy_.objective)) measure_energy(proposal.measured);
    if (interrupt_requested()) return;
    for (const std::size_t i : proposal.measured) {
      Contender& contender = contenders()[i];
      session_.recheck(*contender.variant, contender.record);
      contender.finalist = true;
    }
    complete(proposal.measured);
  }

  // Of the fastest finalists.
  void measure_energy(Indices finalists) {
    EnergyPolicy energy = policy_.energy;
    energy.budget_s = std::max(energy.budget_s - swept_.measuring_s, 0.0);
    std::erase_if(finalists, [&](std::size_t i) { return contenders()[i].record.headline() == nullptr; });
    std::ranges::stable_sort(finalists, {},
                             [&](std::size_t i) { return contenders()[i].record.headline()->median; });
    finalists.resize(std::min({finalists.size(), kEnergyFinalists, energy.affordable()}));
    std::vector<Candidate> candidates;
    for (const std::size_t i : finalists)
      candidates.push_back({contenders()[i].variant, &contenders()[i].record});
    swept_.measuring_s +=
        session_.measure_energy(candidates, energy, policy_.run.seed + ++round_, [&](int round) {
          events_.doing(fmt::format("{}: energy, round {} of {} candidates", space_.problem.name, round,
                                    candidates.size()));
        });
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

  void complete(const Indices& indices) {
    std::vector<const Contender*> completed;
    std::vector<Record*> records;
    for (const std::size_t i : indices) {
      contenders()[i].is_final = true;
      completed.push_back(&contenders()[i]);
      records.push_back(&contenders()[i].record);
    }
    session_.emit(records);
    if (!completed.empty()) events_.completed(completed);
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
    return fmt::format("; best so far {} µs, {}", format_significant(median(*fastest), 4),
                       fastest->variant->id());
  }

  const SweepPolicy& policy_;
  const SweepEvents& events_;
  const ProblemSpace& space_;
  ProblemSession session_;
  SweptProblem swept_;
  std::uint64_t round_ = 0;
  Indices near_;               // dropped candidates that may save energy
  TimingMode last_mode_ = {};  // the first mode of the latest round
};

}  // namespace

SweepPolicy make_sweep_policy(const RunPolicy& run, const TunePolicy& tune) {
  SweepPolicy policy{.run = run, .search = tune.search, .objective = tune.objective};
  if (!needs_energy(tune.objective)) return policy;
  if (run.measure.energy_s > 0) policy.energy.window_s = run.measure.energy_s;
  policy.run.measure.energy_s = 0;  // the windows of finalists take its place
  return policy;
}

SweptProblem sweep_problem(const ProblemSpace& space, std::span<const KnownRecord> known,
                           const SweepPolicy& policy, double budget_s, Executor& executor,
                           TelemetrySampler* telemetry, const SweepEvents& events) {
  return ProblemSweep(space, known, policy, executor, telemetry, events).run(budget_s);
}

}  // namespace flashcore
