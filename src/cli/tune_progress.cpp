#include "cli/tune_progress.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include "base/interrupt.hpp"
#include "base/streams.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "cli/plan_options.hpp"
#include "cli/tune_table.hpp"
#include "render/conclusion_text.hpp"
#include "tune/sweep_totals.hpp"

namespace flashcore {

TuneProgress::TuneProgress(TuneProgressOptions options)
    : options_(std::move(options)),
      line_(std::cerr, !options_.quiet && is_terminal(STDERR_FILENO),
            terminal_width(STDERR_FILENO, kWidthWithoutTerminal)),
      swept_(options_.space.size()) {
  for (const ProblemSpace& part : options_.space) {
    total_ += static_cast<std::int64_t>(part.candidates.size());
  }
  total_ -= static_cast<std::int64_t>(options_.known.size());
}

void TuneProgress::completed(std::span<const Contender* const> contenders) {
  std::vector<KnownRecord> records;
  for (const Contender* contender : contenders)
    records.push_back({contender->record, contender->finalist, contender->dropped_at, contender->is_default});
  if (options_.journal) options_.journal->add(records);
  done_ += static_cast<std::int64_t>(contenders.size());
}

void TuneProgress::swept(std::size_t problem, const SweptProblem& result) {
  swept_[problem] = result.contenders;
  measuring_s_ += result.measuring_s;
  if (result.interrupted || result.contenders.empty()) return;
  note_finalists(result);
  const std::vector<std::size_t> best = winners(result.contenders, options_.policy, options_.objective);
  const TimingMode mode = objective_mode(options_.policy);
  line_.erase();
  if (options_.prints_text) {
    fmt::print("{}\n", render_tuned(result.contenders, best, {.mode = mode, .objective = options_.objective},
                                    output_width()));
  }
  if (best.empty()) return;
  ++decided_;
  const TunedEntry entry = make_entry(result.contenders, best,
                                      {.mode = mode,
                                       .objective = options_.objective,
                                       .fingerprint = options_.fingerprint,
                                       .tuned_at = utc_now(),
                                       .num_sms = options_.num_sms});
  add_entries(options_.table, {&entry, 1});
  // The journal has what a kill keeps from the table.
  if (!options_.table_file.is_stream() && writing_.allows()) {
    writing_.spend_on([this] { write_tuned_table(options_.table, options_.table_file); });
  }
}

void TuneProgress::began(std::size_t problem) {
  line_.begin_problem(fmt::format("problem {} of {}: {}", problem + 1, options_.space.size(),
                                  options_.space[problem].problem.name));
}

void TuneProgress::doing(std::string_view what) {
  line_.update(done_, total_, fmt::format("{}{}", what, rate()));
}

std::string TuneProgress::rate() const {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin_;
  return done_ == 0 ? "" : fmt::format("; {:.1f} records/s", static_cast<double>(done_) / elapsed.count());
}

void TuneProgress::note_finalists(const SweptProblem& result) {
  const MeasurePolicy rule = with_objective_mode(options_.policy);
  std::vector<Record> finalists;
  for (const Contender& contender : result.contenders) {
    if (contender.finalist) finalists.push_back(contender.record);
  }
  energy_.add(result.contenders);
  for (const Record& record : finalists) caveats_.add(record, rule);
  if (std::optional<ProblemTime> time = needed_time(finalists, rule, result.final_s)) {
    time->share_s /= final_share(options_.objective);
    time->spent_s += result.measuring_s - result.final_s;
    times_.push_back(*time);
  }
}

void TuneProgress::warn() const {
  std::optional<double> budget_s;
  if (times_.size() == options_.space.size()) {
    budget_s = sufficient_budget_s(times_) / static_cast<double>(options_.devices);
  }
  if (budget_s && *budget_s <= options_.policy.budget_s) budget_s.reset();
  for (const std::string& text : caveat_sentences(caveats_, options_.policy, budget_s, "finalists")) {
    spdlog::warn("{}", text);
  }
  if (energy_.imprecise > 0) {
    spdlog::warn(
        "{} of {} finalists: the 95 % interval of joules per call is wider than ±{:.0f} %; a larger --budget "
        "takes more windows",
        energy_.imprecise, energy_.measured, 100 * kEnergyPrecision);
  }
}

std::int64_t TuneProgress::write_records() {
  std::int64_t records = 0;
  for (const std::vector<Contender>& contenders : swept_) {
    for (const Contender& contender : contenders) {
      if (!contender.is_final) continue;
      if (options_.records) options_.records->add(contender.record);
      ++records;
    }
  }
  if (options_.records) options_.records->finish();
  return records;
}

void TuneProgress::say_outcome(std::span<const DispatchReport> reports) const {
  std::vector<SweptContenders> decided;
  for (const std::vector<Contender>& contenders : swept_) {
    if (contenders.empty()) continue;
    const std::vector<std::size_t> best = winners(contenders, options_.policy, options_.objective);
    if (!best.empty()) decided.push_back({contenders, best.front()});
  }
  if (decided.empty()) return;
  say(totals_text(sweep_totals(decided, objective_mode(options_.policy))) + "\n");
  const std::string sentence = dispatch_sentence(reports);
  if (!sentence.empty()) say("dispatch: " + sentence + "\n");
}

ExitCode TuneProgress::finish(const std::vector<std::string>& files, const std::string& hint) {
  line_.erase();
  const std::int64_t records = write_records();
  const std::vector<DispatchReport> reports = dispatch_reports(options_.table.entries);
  write_tuned_table(options_.table, options_.table_file, to_json(reports));
  warn();
  if (!options_.quiet) {
    say_outcome(reports);
    const std::string summary =
        fmt::format("{}{} of {} problems tuned, {} records, {:.2f} s of measuring{}{}",
                    interrupt_requested() ? "interrupted: " : "", decided_, options_.space.size(), records,
                    measuring_s_, files.empty() ? "" : "; wrote ", fmt::join(files, ", "));
    say(printable(summary) + "\n");
    if (!hint.empty() && decided_ > 0) say(printable(hint) + "\n");
  }
  if (interrupt_requested()) return ExitCode::interrupted;
  return decided_ == 0 && !options_.space.empty() ? ExitCode::failed_check : ExitCode::ok;
}

}  // namespace flashcore
