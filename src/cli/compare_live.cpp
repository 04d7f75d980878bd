// flashcore-bench compare --live: an older build and this one in turns on one device.
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "base/interrupt.hpp"
#include "base/terminal.hpp"
#include "cli/compare_modes.hpp"
#include "cli/run_plan.hpp"
#include "compare/live.hpp"
#include "compare/outcome.hpp"
#include "config/lookup.hpp"
#include "registry/supports.hpp"
#include "render/progress.hpp"
#include "worker/worker_executor.hpp"

namespace flashcore {
namespace {

WorkerOptions old_build(const std::string& program, const Plan& plan, const Session& session) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(program, error);
  if (error) throw UsageError(fmt::format("--live: {}: {}", program, error.message()));
  return {.program = path.string(),
          .device = to_string(plan.device),
          .plugins = session.plugins,
          .timeout_s = plan.policy.measure.timeout_s,
          .flag = "--live"};
}

}  // namespace

Plan plan_of(const CompareRunOptions& options, Session& session) {
  JsonDocument document = load_config(options.config);
  apply(options.overrides, document);
  session = with_plugins_of(document, session);
  return make_plan(document, config_stem(options.config));
}

Comparison compare_executors(Executor& base, Executor& next, const Plan& plan,
                             std::span<const Variant* const> variants, const ComparePolicy& policy,
                             ProgressLine& progress) {
  LivePolicy live{.compare = policy, .check = plan.policy.check_policy, .seed = plan.policy.seed};
  if (!plan.policy.measure.modes.empty()) live.mode = plan.policy.measure.modes.front();
  if (policy.mode) live.mode = *policy.mode;
  Comparison comparison;
  comparison.noise.source = "in pairs; both builds in turns on " + next.device().name;
  for (std::size_t i = 0; i < plan.problems.size() && !interrupt_requested(); ++i) {
    const Problem& problem = plan.problems[i];
    std::vector<const Variant*> meant;
    for (const Variant* variant : variants) {
      if (is_compiled_for(*variant, problem)) meant.push_back(variant);
    }
    const auto total = static_cast<std::int64_t>(plan.problems.size()) * kLiveBlocks;
    const auto on_block = [&](int block, std::string_view variant) {
      progress.update(static_cast<std::int64_t>(i) * kLiveBlocks + block, total, variant);
    };
    for (RowVerdict& row : compare_live(problem, meant, base, next, live, on_block)) {
      comparison.rows.push_back(std::move(row));
    }
  }
  set_outcome(comparison, policy);
  return comparison;
}

Comparison compare_builds(const std::string& old_program, const Plan& plan, const ComparePolicy& policy,
                          const Session& session) {
  WorkerExecutor base(old_build(old_program, plan, session));
  const std::unique_ptr<Executor> next = open_executor(plan, session.plugins, false);
  const std::vector<const Variant*> variants = runnable_variants(plan, next->device());
  check_memory(plan, *next);
  ProgressLine progress(std::cerr, !session.quiet && is_terminal(STDERR_FILENO));
  install_interrupt_handler();
  return compare_executors(base, *next, plan, variants, policy, progress);
}

}  // namespace flashcore
