// The outputs of a running sweep: journal, tuned table, result file and terminal.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "conclude/budget.hpp"
#include "conclude/caveats.hpp"
#include "render/progress.hpp"
#include "results/file_sink.hpp"
#include "results/writing_budget.hpp"
#include "tune/dispatch_report.hpp"
#include "tune/journal.hpp"
#include "tune/tuner.hpp"

namespace flashcore {

struct TuneProgressOptions {
  std::span<const ProblemSpace> space;
  std::span<const KnownRecord> known;
  MeasurePolicy policy;
  Objective objective = Objective::latency;
  Fingerprint fingerprint;
  int num_sms = 0;
  TunedTable table;  // gets new entries and is written to table_file
  OutputFile table_file;
  std::unique_ptr<JournalWriter> journal;  // null: none is written
  std::unique_ptr<JsonSink> records;       // null: none are written
  bool prints_text = true;
  bool quiet = false;
  std::size_t devices = 1;
};

class TuneProgress : public TuneListener {
 public:
  explicit TuneProgress(TuneProgressOptions options);

  void completed(std::span<const Contender* const> contenders) override;
  void swept(std::size_t problem, const SweptProblem& result) override;
  void doing(std::string_view what) override;
  void began(std::size_t problem) override;

  // Writes the result file and the table with its reports, and prints the summary with the names of all files. `hint`
  // says how "auto" finds the table.
  ExitCode finish(const std::vector<std::string>& files, const std::string& hint);

 private:
  std::string rate() const;
  void note_finalists(const SweptProblem& result);
  std::int64_t write_records();
  // The lines about the table: how it serves other problems, and its weighted total.
  void say_outcome(std::span<const DispatchReport> reports) const;
  // Which finalists fall short, and a budget that would do.
  void warn() const;

  TuneProgressOptions options_;
  ProgressLine line_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::vector<std::vector<Contender>> swept_;  // per problem
  std::int64_t done_ = 0;  // candidates completed in this run, without those of the journal
  std::int64_t total_ = 0;
  std::int64_t decided_ = 0;  // problems with a winner
  double measuring_s_ = 0;
  WritingBudget writing_;  // of the table
  Caveats caveats_;        // of the finalists
  EnergyCounts energy_;
  std::vector<ProblemTime> times_;  // of each problem whose needs are known
};

}  // namespace flashcore
