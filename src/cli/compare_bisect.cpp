// flashcore-bench compare --bisect: the first commit that makes a row slower.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "base/interrupt.hpp"
#include "base/json_text.hpp"
#include "base/terminal.hpp"
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

constexpr int kMostRepeats = 4;  // of a comparison that cannot tell

bool is_plugin(const fs::path& built) { return built.extension() == ".so"; }

std::string short_hash(const Commit& commit) { return commit.hash.substr(0, 12); }

// What one commit built, as an executor.
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

class Bisect {
 public:
  Bisect(const BisectOptions& options, const CompareRunOptions& to_run, const ComparePolicy& policy,
         Session session)
      : commits_(commits_between(options.commits[0], options.commits[1])),
        builds_(options.build, options.built),
        to_run_(to_run),
        policy_(policy),
        session_(std::move(session)),
        progress_(std::cerr, !session_.quiet && is_terminal(STDERR_FILENO)) {}

  ExitCode run(bool json) {
    base_ = must_build(0);
    const fs::path bad = must_build(commits_.size() - 1);
    Overrides& overrides = to_run_.overrides;
    if (is_plugin(base_)) {
      const std::size_t before = all_variants().size();
      describe_plugin(base_.string(), "--built", session_.plugin_timeout_s);
      const std::string family(all_variants()[before]->family);
      if (overrides.variants.empty()) overrides.variants = {family + "/*"};
    }
    plan_ = plan_of(to_run_, session_);
    Comparison whole = compare(base_, bad);
    for (int repeats = 1; repeats < kMostRepeats && is_unclear(whole) && !interrupt_requested(); ++repeats) {
      whole = compare(base_, bad);
    }
    if (interrupt_requested()) return ExitCode::interrupted;
    if (!choose_row(whole)) return report_no_row(whole, json);
    search();
    if (interrupt_requested()) return ExitCode::interrupted;
    report(json);
    return ExitCode::failed_check;
  }

 private:
  struct Step {
    std::size_t place;
    Ratio over_good;  // meaningless if the commit cannot be tested
    Speed speed;
  };

  fs::path must_build(std::size_t place) {
    const std::optional<fs::path> built = builds_.build(commits_[place]);
    if (built) return *built;
    throw UsageError(fmt::format("--build: fails at {}, which has to build", short_hash(commits_[place])));
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

  // No row is slower, and some may be.
  static bool is_unclear(const Comparison& whole) {
    return whole.count(Verdict::slower) == 0 && whole.count(Verdict::unclear) > 0;
  }

  // The slowest row; the search compares no other.
  bool choose_row(const Comparison& whole) {
    for (const RowVerdict& row : whole.rows) {
      if (row.verdict == Verdict::slower && (!row_.ratio || row.ratio->value > row_.ratio->value)) row_ = row;
    }
    if (!row_.ratio) return false;
    plan_.problems = {row_.problem};
    plan_.problem_places.resize(1);
    plan_.variants = Selector();
    plan_.variants.add_glob(row_.variant, "--bisect");
    spdlog::info("{} of {} commits: {} on {} is {} slower; the search compares this row", commits_.size() - 1,
                 commits_.size() - 1, row_.variant, row_.problem.name, percent(row_.ratio->value));
    return true;
  }

  // Beside the good commit. Comparisons are repeated while their mean is too near to half of the slow-down.
  Step test(std::size_t place) {
    const std::optional<fs::path> built = builds_.build(commits_[place]);
    const double threshold = std::log(row_.ratio->value) / 2;
    double sum = 0;
    double half_width = 0;
    for (int repeats = 1; built && repeats <= kMostRepeats && !interrupt_requested(); ++repeats) {
      const Comparison comparison = compare(base_, *built);
      if (comparison.rows.empty() || !comparison.rows.front().ratio) break;  // wrong, or it does not run
      const Ratio& ratio = *comparison.rows.front().ratio;
      sum += std::log(ratio.value);
      half_width += std::log(ratio.high / ratio.low) / 2;
      const double mean = sum / repeats;
      const double half = half_width / repeats / std::sqrt(repeats);
      if (std::abs(mean - threshold) < half && repeats < kMostRepeats) continue;
      return {place,
              {std::exp(mean), std::exp(mean - half), std::exp(mean + half)},
              mean > threshold ? Speed::slow : Speed::fast};
    }
    return {place, {}, Speed::untestable};
  }

  void search() {
    Bisection bisection(commits_.size() - 1);
    while (const std::optional<std::size_t> place = bisection.next()) {
      const Step step = test(*place);
      if (interrupt_requested()) return;
      steps_.push_back(step);
      bisection.set(*place, step.speed);
      const std::string result = step.speed == Speed::untestable ? "cannot be tested"
                                 : step.speed == Speed::slow     ? "slow, " + percent(step.over_good.value)
                                                                 : "fast, " + percent(step.over_good.value);
      spdlog::info("{} of {}: {} {}: {}", *place, commits_.size() - 1, short_hash(commits_[*place]),
                   commits_[*place].subject, result);
    }
    last_fast_ = bisection.last_fast();
    first_slow_ = bisection.first_slow();
  }

  ExitCode report_no_row(const Comparison& whole, bool json) const {
    if (json) {
      fmt::print("{}", indented_json(Json{{"good", commits_.front().hash},
                                          {"bad", commits_.back().hash},
                                          {"comparison", to_json(whole)}}));
    } else {
      fmt::print("{}{}: no row is slower than at {}, so there is nothing to search\n",
                 to_table(whole, {.width = output_width(), .color = session_.color}),
                 short_hash(commits_.back()), short_hash(commits_.front()));
    }
    return whole.outcome == Outcome::fine ? ExitCode::ok : ExitCode::cannot_tell;
  }

  Ratio ratio_at(std::size_t place) const {
    if (place == 0) return {1, 1, 1};
    const auto step = std::ranges::find(steps_, place, &Step::place);
    return step == steps_.end() ? *row_.ratio : step->over_good;
  }

  double slow_down() const { return ratio_at(first_slow_).value / ratio_at(last_fast_).value; }

  void report(bool json) const {
    if (json) {
      fmt::print("{}", indented_json(report_json()));
      return;
    }
    const Commit& slow = commits_[first_slow_];
    if (first_slow_ == last_fast_ + 1) {
      fmt::print("{} is the first slow commit: {}\n", slow.hash, slow.subject);
    } else {
      fmt::print("The first slow commit is one of these {}; those before the last cannot be tested:\n",
                 first_slow_ - last_fast_);
      for (std::size_t i = last_fast_ + 1; i <= first_slow_; ++i) {
        fmt::print("  {} {}\n", commits_[i].hash, commits_[i].subject);
      }
    }
    fmt::print("{} on {}: {} over {}, of {} over {}; {} builds of {} commits\n", row_.variant,
               row_.problem.name, percent(slow_down()), short_hash(commits_[last_fast_]),
               percent(row_.ratio->value), short_hash(commits_.front()), builds_.builds(),
               commits_.size() - 1);
  }

  Json report_json() const {
    Json json = {{"good", commits_.front().hash},   {"bad", commits_.back().hash},
                 {"problem", row_.problem.name},    {"variant", row_.variant},
                 {"builds", builds_.builds()},      {"commits", commits_.size() - 1},
                 {"change", row_.ratio->value - 1}, {"first_slow", Json::array()}};
    for (std::size_t i = last_fast_ + 1; i <= first_slow_; ++i) {
      json["first_slow"].push_back({{"commit", commits_[i].hash}, {"subject", commits_[i].subject}});
    }
    json["change_of_first_slow"] = slow_down() - 1;
    json["steps"] = Json::array();
    for (const Step& step : steps_) {
      Json entry = {{"commit", commits_[step.place].hash}};
      if (step.speed == Speed::untestable) {
        entry["untestable"] = true;
      } else {
        entry["change"] = step.over_good.value - 1;
        entry["interval"] = {step.over_good.low - 1, step.over_good.high - 1};
        entry["slow"] = step.speed == Speed::slow;
      }
      json["steps"].push_back(std::move(entry));
    }
    return json;
  }

  std::vector<Commit> commits_;
  CommitBuilds builds_;
  CompareRunOptions to_run_;
  ComparePolicy policy_;
  Session session_;
  ProgressLine progress_;
  Plan plan_;
  fs::path base_;  // what the good commit built
  RowVerdict row_;
  std::vector<Step> steps_;
  std::size_t last_fast_ = 0;
  std::size_t first_slow_ = 0;
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
