#include "run/deep_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "run/run.hpp"

namespace flashcore {
namespace {

using kernels::InputKind;

// No multiple of any tile, and more keys than two of the largest hold.
constexpr std::int64_t kQueries = 149;
constexpr std::int64_t kKeys = 331;
constexpr std::int64_t kMostHeadsKv = 2;
constexpr int kFurtherSeeds = 2;
// Edges for families that have no tile of their own, or do not tell it.
constexpr int kUsualBlock = 64;

Problem small_problem(const Problem& problem, std::int64_t seq_q, std::int64_t seq_kv) {
  Problem small = problem;
  small.batch = std::min<std::int64_t>(problem.batch, 2);
  small.heads_kv = std::min(problem.heads_kv, kMostHeadsKv);
  small.heads_q = small.heads_kv * (problem.heads_q / problem.heads_kv);
  small.seq_q = seq_q;
  small.seq_kv = seq_kv;
  return small;
}

Problem without_mask(Problem problem) {
  problem.causal = false;
  problem.window_left = problem.window_right = -1;
  return problem;
}

Problem with_causal(Problem problem) {
  problem = without_mask(problem);
  problem.causal = true;
  return problem;
}

CheckCase input_case(const Problem& problem, InputKind kind, std::uint64_t seed) {
  CheckCase made{std::string(to_string(kind)), small_problem(problem, kQueries, kKeys), kind, seed};
  made.problem.scale = kernels::kAdversarialScale;
  if (kind == InputKind::nan_key) made.problem = with_causal(made.problem);  // all but the last rows see none
  if (kind == InputKind::nan_value) made.problem = without_mask(made.problem);
  return made;
}

std::vector<CheckCase> mask_cases(const Problem& problem, std::uint64_t seed) {
  const Problem more_queries = small_problem(problem, kKeys, kQueries);
  Problem window = without_mask(more_queries);
  window.window_left = 37;
  window.window_right = 5;
  Problem with_lse = with_causal(more_queries);
  with_lse.lse = true;
  return {{.name = "masked_rows", .problem = with_causal(more_queries), .seed = seed},
          {.name = "masked_rows_window", .problem = window, .seed = seed},
          {.name = "masked_rows_lse", .problem = with_lse, .seed = seed}};
}

CheckCase gap_case(std::string name, Problem problem, std::uint64_t seed) {
  problem.layout = Layout::padded;
  return {.name = std::move(name), .problem = std::move(problem), .seed = seed};
}

bool is_same(const CheckCase& a, const CheckCase& b) {
  return a.name == b.name && a.problem == b.problem && a.inputs == b.inputs && a.seed == b.seed;
}

// What one variant is to be tried on.
struct Agenda {
  const Variant* variant;
  std::vector<CheckCase> cases;
  CaseOutcome outcome;
};

void fail(CaseOutcome& outcome, const CheckCase& now, Status status, std::string_view reason) {
  outcome.status = status;
  outcome.reason = fmt::format("case {} ({}): {}", now.name, problem_id(now.problem), reason);
}

void try_case(const Variant& variant, CaseOutcome& outcome, const CheckCase& now, const CheckPolicy& policy,
              Executor& executor) {
  try {
    if (!executor.unsupported(variant).empty()) return;
    ++outcome.tried;
    const Check check = executor.verify(variant, policy);
    if (!check.passed) fail(outcome, now, Status::incorrect, check.reason);
  } catch (const EnvironmentError& error) {
    fail(outcome, now, error.status, error.what());
  }
}

// All cases of all agendas, each once, in the order in which they are first named.
std::vector<CheckCase> distinct_cases(const std::vector<Agenda>& agendas) {
  std::vector<CheckCase> all;
  for (const Agenda& agenda : agendas) {
    for (const CheckCase& one : agenda.cases) {
      if (std::ranges::none_of(all, [&](const CheckCase& known) { return is_same(known, one); })) {
        all.push_back(one);
      }
    }
  }
  return all;
}

bool wants(const Agenda& agenda, const CheckCase& now) {
  return agenda.outcome.status == Status::ok &&
         std::ranges::any_of(agenda.cases, [&](const CheckCase& one) { return is_same(one, now); });
}

}  // namespace

std::vector<CheckCase> common_cases(const Problem& problem, std::uint64_t seed) {
  std::vector<CheckCase> cases;
  for (const InputKind kind : kAll<kernels::InputKind>) {
    if (kind == InputKind::normal) continue;
    if (kind == InputKind::minus_infinity && !traits(problem.dtype).has_infinity) continue;
    cases.push_back(input_case(problem, kind, seed));
  }
  for (CheckCase& masked : mask_cases(problem, seed)) cases.push_back(std::move(masked));
  const Problem small = small_problem(problem, kQueries, kKeys);
  for (int i = 1; i <= kFurtherSeeds; ++i) {
    cases.push_back({.name = fmt::format("seed_{}", i), .problem = small, .seed = seed + i});
  }
  cases.push_back(gap_case("gaps", small, seed));
  return cases;
}

std::vector<CheckCase> edge_cases(const Problem& problem, const Tile& tile, std::uint64_t seed) {
  const int block_q = tile.block_q > 0 ? tile.block_q : kUsualBlock;
  const int block_kv = tile.block_kv > 0 ? tile.block_kv : kUsualBlock;
  std::vector<CheckCase> cases;
  for (const int seq_q : {1, block_q - 1, block_q + 1}) {
    for (const int seq_kv : {1, block_kv - 1, block_kv + 1}) {
      if (seq_q < 1 || seq_kv < 1) continue;
      cases.push_back({.name = fmt::format("edge_q{}_kv{}", seq_q, seq_kv),
                       .problem = small_problem(problem, seq_q, seq_kv),
                       .seed = seed});
    }
  }
  const Problem past_one_tile = small_problem(problem, block_q + 1, block_kv + 1);
  cases.push_back(gap_case(fmt::format("gaps_q{}_kv{}", block_q + 1, block_kv + 1), past_one_tile, seed));
  return cases;
}

std::vector<CaseOutcome> run_cases(const Problem& problem, std::span<const Variant* const> variants,
                                   const CheckPolicy& policy, std::uint64_t seed, Executor& executor,
                                   const std::function<void(std::string_view)>& tell) {
  std::vector<Agenda> agendas;
  for (const Variant* variant : variants) {
    agendas.push_back({variant, common_cases(problem, seed), {}});
    for (CheckCase& edge : edge_cases(problem, variant->spec.tile, seed)) {
      agendas.back().cases.push_back(std::move(edge));
    }
  }
  for (const CheckCase& now : distinct_cases(agendas)) {
    std::vector<Agenda*> wanting;
    for (Agenda& agenda : agendas) {
      if (wants(agenda, now)) wanting.push_back(&agenda);
    }
    if (wanting.empty()) continue;
    if (interrupt_requested()) break;
    tell(now.name);
    try {
      executor.prepare(now.problem, now.seed, now.inputs);
    } catch (const EnvironmentError& error) {
      if (error.status == Status::error) throw;  // the device itself has failed
      for (Agenda* agenda : wanting) fail(agenda->outcome, now, error.status, error.what());
      continue;
    }
    for (Agenda* agenda : wanting) try_case(*agenda->variant, agenda->outcome, now, policy, executor);
  }
  std::vector<CaseOutcome> outcomes;
  for (Agenda& agenda : agendas) outcomes.push_back(std::move(agenda.outcome));
  return outcomes;
}

void apply(const CaseOutcome& outcome, Record& record) {
  if (!record.check) return;
  record.check->cases = outcome.tried;
  if (record.status != Status::ok || outcome.status == Status::ok) return;
  record.status = outcome.status;
  record.reason = outcome.reason;
  record.check->passed = false;
  record.check->reason = outcome.reason;
}

std::string find_difference(const Variant& variant, const CheckPolicy& policy, Executor& executor) {
  const std::string first = executor.output_hash();
  for (int repeat = 1; repeat <= kRepeats; ++repeat) {
    if (const Check again = executor.verify(variant, policy); !again.passed) {
      return fmt::format("repeat {}: {}", repeat, again.reason);
    }
    if (executor.output_hash() != first) {
      return fmt::format("repeat {}: the same launch gave other bits than the first time", repeat);
    }
  }
  return "";
}

}  // namespace flashcore
