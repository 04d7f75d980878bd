// flashcore-bench compare --bisect: the first commit that makes a row slower.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "base/interrupt.hpp"
#include "base/json_text.hpp"
#include "base/terminal.hpp"
#include "cli/bisect_answer.hpp"
#include "cli/commit_builds.hpp"
#include "cli/compare_modes.hpp"
#include "cli/run_plan.hpp"
#include "compare/bisection.hpp"
#include "registry/registry.hpp"
#include "render/comparison_output.hpp"
#include "worker/described_plugin.hpp"
#include "worker/worker_executor.hpp"

namespace flashcore {
namespace {

namespace fs = std::filesystem;

// A pair of processes may differ by several per cent for as long as they live, by where their memory lies. So each comparison
// has new ones, and several have to agree.
constexpr std::size_t kVotes = 2;
constexpr std::size_t kCarefulVotes = 3;  // once a search was wrong
constexpr std::size_t kMostRepeats = 9;

bool is_plugin(const fs::path& built) { return built.extension() == ".so"; }

// Runs variants with what one commit built.
std::unique_ptr<Executor> open_build(const fs::path& built, const Plan& plan, const Session& session) {
  WorkerOptions options{.device = to_string(plan.device),
                        .plugins = session.plugins,
                        .timeout_s = plan.policy.measure.timeout_s,
                        .flag = "--built"};
  if (is_plugin(built)) {
    options.plugins.push_back(built.string());
  } else {
    options.program = built.string();
  }
  return std::make_unique<WorkerExecutor>(std::move(options));
}

// One comparison as a logarithm, with half of its interval.
struct Measured {
  double log;
  double half;

  Ratio ratio() const { return {std::exp(log), std::exp(log - half), std::exp(log + half)}; }
};

class Bisect {
 public:
  Bisect(const BisectOptions& options, const CompareRunOptions& to_run, const ComparePolicy& policy,
         Session session)
      : builds_(options.build, options.built),
        to_run_(to_run),
        policy_(policy),
        session_(std::move(session)),
        progress_(std::cerr, !session_.quiet && is_terminal(STDERR_FILENO)) {
    answer_.commits = commits_between(options.commits[0], options.commits[1]);
  }

  ExitCode run(bool json) {
    base_ = must_build(0);
    const fs::path bad = must_build(answer_.commits.size() - 1);
    make_plan_of_build();
    const Comparison whole = compare_all(bad);
    if (interrupt_requested()) return ExitCode::interrupted;
    if (!choose_row(whole, bad)) return report_no_row(whole, json);
    for (const std::size_t votes : {kVotes, kCarefulVotes}) {
      search(votes);
      if (interrupt_requested()) return ExitCode::interrupted;
      if (is_confirmed(votes)) break;
      spdlog::info("{} is not slower than {} by as much", short_hash(answer_.commits[answer_.first_slow]),
                   short_hash(answer_.commits[answer_.last_fast]));
    }
    answer_.builds = builds_.builds();
    fmt::print("{}", json ? indented_json(to_json(answer_)) : to_text(answer_));
    return answer_.confirmed ? ExitCode::failed_check : ExitCode::cannot_tell;
  }

 private:
  fs::path must_build(std::size_t place) {
    const std::optional<fs::path> built = builds_.build(answer_.commits[place]);
    if (built) return *built;
    throw UsageError(
        fmt::format("--build: fails at {}, which has to build", short_hash(answer_.commits[place])));
  }

  // Of a plug-in, unless variants are named, its own.
  void make_plan_of_build() {
    if (is_plugin(base_)) {
      const std::size_t before = all_variants().size();
      describe_plugin(base_.string(), "--built", session_.plugin_timeout_s);
      std::vector<std::string>& variants = to_run_.overrides.variants;
      if (variants.empty()) variants = {fmt::format("{}/*", all_variants()[before]->family)};
    }
    plan_ = plan_of(to_run_, session_);
  }

  Comparison compare(const fs::path& from, const fs::path& to) {
    const std::unique_ptr<Executor> base = open_build(from, plan_, session_);
    const std::unique_ptr<Executor> next = open_build(to, plan_, session_);
    const std::vector<const Variant*> variants = runnable_variants(plan_, next->device());
    check_memory(plan_, *next);
    Comparison comparison = compare_executors(*base, *next, plan_, variants, policy_, progress_);
    progress_.erase();
    return comparison;
  }

  // All rows, until enough comparisons agree whether one is slower. Returns the last comparison.
  Comparison compare_all(const fs::path& bad) {
    std::size_t with = 0;
    std::size_t without = 0;
    Comparison whole;
    for (std::size_t i = 0; i < kMostRepeats && with < kVotes && without < kVotes && !interrupt_requested();
         ++i) {
      whole = compare(base_, bad);
      if (whole.count(Verdict::slower) > 0) {
        ++with;
      } else if (whole.count(Verdict::unclear) == 0) {
        ++without;
      }
    }
    return whole;
  }

  // The slowest row; the search compares no other.
  bool choose_row(const Comparison& whole, const fs::path& bad) {
    const RowVerdict* slowest = nullptr;
    for (const RowVerdict& row : whole.rows) {
      if (row.verdict != Verdict::slower) continue;
      if (slowest == nullptr || row.ratio->value > slowest->ratio->value) slowest = &row;
    }
    if (slowest == nullptr) return false;
    answer_.problem = slowest->problem.name;
    answer_.variant = slowest->variant;
    plan_.problems = {slowest->problem};
    plan_.problem_places.resize(1);
    plan_.variants = Selector();
    plan_.variants.add_glob(slowest->variant, "--bisect");
    std::vector<Measured> all;
    for (std::size_t i = 0; i < kCarefulVotes && !interrupt_requested(); ++i) {
      if (const std::optional<Measured> measured = measure(base_, bad)) all.push_back(*measured);
    }
    answer_.ratio = all.empty() ? slowest->ratio->value : middle(all).ratio().value;
    spdlog::info("{} on {} is slower by {}; the search compares this row", answer_.variant, answer_.problem,
                 percent(answer_.ratio));
    return answer_.ratio > 1;
  }

  // Nothing where the kernel is wrong or does not run.
  std::optional<Measured> measure(const fs::path& from, const fs::path& to) {
    const Comparison comparison = compare(from, to);
    if (comparison.rows.empty() || !comparison.rows.front().ratio) return std::nullopt;
    const Ratio& ratio = *comparison.rows.front().ratio;
    return Measured{std::log(ratio.value), std::log(ratio.high / ratio.low) / 2};
  }

  static Measured middle(std::vector<Measured> all) {
    std::ranges::sort(all, {}, &Measured::log);
    return all[all.size() / 2];
  }

  // Half of the slow-down: a commit with more of it is slow.
  double threshold() const { return std::log(answer_.ratio) / 2; }

  // Comparisons until `votes` precise ones are on one side of the threshold; nothing if none could be made.
  std::optional<Measured> vote(const fs::path& from, const fs::path& to, std::size_t votes) {
    std::vector<Measured> all;
    std::size_t fast = 0;
    std::size_t slow = 0;
    while (all.size() < kMostRepeats && fast < votes && slow < votes && !interrupt_requested()) {
      const std::optional<Measured> measured = measure(from, to);
      if (!measured) break;
      all.push_back(*measured);
      if (measured->half >= threshold() / 2 || std::abs(measured->log - threshold()) <= measured->half)
        continue;
      ++(measured->log > threshold() ? slow : fast);
    }
    return all.empty() ? std::nullopt : std::optional(middle(all));
  }

  BisectStep test(std::size_t place, std::size_t votes) {
    const std::optional<fs::path> built = builds_.build(answer_.commits[place]);
    const std::optional<Measured> measured = built ? vote(base_, *built, votes) : std::nullopt;
    if (!measured) return {.place = place};
    return {.place = place,
            .over_good = measured->ratio(),
            .speed = measured->log > threshold() ? Speed::slow : Speed::fast};
  }

  void search(std::size_t votes) {
    answer_.steps.clear();
    Bisection bisection(answer_.commits.size() - 1);
    while (const std::optional<std::size_t> place = bisection.next()) {
      const BisectStep step = test(*place, votes);
      if (interrupt_requested()) return;
      answer_.steps.push_back(step);
      bisection.set(*place, step.speed);
      const Commit& commit = answer_.commits[*place];
      const std::string result = step.speed == Speed::untestable
                                     ? "cannot be tested"
                                     : fmt::format("{}, {}", step.speed == Speed::slow ? "slow" : "fast",
                                                   percent(step.over_good.value));
      spdlog::info("{} of {}: {} {}: {}", *place, answer_.commits.size() - 1, short_hash(commit),
                   commit.subject, result);
    }
    answer_.last_fast = bisection.last_fast();
    answer_.first_slow = bisection.first_slow();
  }

  // The two commits beside each other: the search has compared each with the good one only.
  bool is_confirmed(std::size_t votes) {
    const std::optional<fs::path> fast = builds_.build(answer_.commits[answer_.last_fast]);
    const std::optional<fs::path> slow = builds_.build(answer_.commits[answer_.first_slow]);
    const std::optional<Measured> measured = fast && slow ? vote(*fast, *slow, votes) : std::nullopt;
    if (measured) answer_.step_ratio = measured->ratio().value;
    answer_.confirmed = measured && measured->log > threshold();
    return answer_.confirmed;
  }

  ExitCode report_no_row(const Comparison& whole, bool json) const {
    const Commit& good = answer_.commits.front();
    const Commit& bad = answer_.commits.back();
    if (json) {
      fmt::print("{}",
                 indented_json(Json{{"good", good.hash}, {"bad", bad.hash}, {"comparison", to_json(whole)}}));
    } else {
      fmt::print("{}{}: no row is slower than at {}, so there is nothing to search\n",
                 to_table(whole, {.width = output_width(), .color = session_.color}), short_hash(bad),
                 short_hash(good));
    }
    return whole.count(Verdict::unclear) > 0 ? ExitCode::cannot_tell : ExitCode::ok;
  }

  BisectAnswer answer_;
  CommitBuilds builds_;
  CompareRunOptions to_run_;
  ComparePolicy policy_;
  Session session_;
  ProgressLine progress_;
  Plan plan_;
  fs::path base_;  // what the good commit built
};

}  // namespace

ExitCode bisect(const BisectOptions& options, const CompareRunOptions& to_run, const ComparePolicy& policy,
                bool json, Session session) {
  if (options.build.empty()) throw UsageError("--bisect: needs --build, the command that builds a commit");
  if (options.built.empty())
    throw UsageError("--bisect: needs --built, the program or plug-in that --build makes");
  install_interrupt_handler();
  return Bisect(options, to_run, policy, std::move(session)).run(json);
}

}  // namespace flashcore
