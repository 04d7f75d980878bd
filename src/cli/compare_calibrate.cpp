// flashcore-bench compare --calibrate: the noise between equal runs on this machine.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <memory>

#include "base/error.hpp"
#include "base/interrupt.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "base/text_table.hpp"
#include "cli/compare_modes.hpp"
#include "cli/run_plan.hpp"
#include "compare/calibrate.hpp"
#include "render/progress.hpp"
#include "results/environment.hpp"
#include "results/result_set.hpp"

namespace flashcore {
namespace {

class RecordList : public Sink {
 public:
  void add(const Record& record) override { records_.push_back(record); }
  std::vector<Record> take() { return std::move(records_); }

 private:
  std::vector<Record> records_;
};

ResultFile make_run(const Plan& plan, const Session& session, ProgressLine& progress) {
  // A worker process per run, as two results have.
  const std::unique_ptr<Executor> executor = open_executor(plan, session.plugins, false);
  const std::vector<const Variant*> variants = runnable_variants(plan, executor->device());
  check_memory(plan, *executor);
  RecordList list;
  Sink* const sinks[] = {&list};
  if (run(plan.problems, variants, plan.policy, *executor, sinks, progress).interrupted) {
    throw Error(ExitCode::interrupted, "compare --calibrate: interrupted, nothing was written");
  }
  return {.path = "a run made now",
          .environment = make_environment({.device = executor->device(),
                                           .host_cpu = cpu_device(),
                                           .cuda = cuda_status(),
                                           .command_line = session.command_line,
                                           .config = plan.config}),
          .config = plan.config,
          .records = list.take()};
}

std::vector<ResultFile> make_runs(int count, const CompareRunOptions& options, Session session) {
  const Plan plan = plan_of(options, session);
  ProgressLine progress(std::cerr, !session.quiet && is_terminal(STDERR_FILENO));
  install_interrupt_handler();
  std::vector<ResultFile> runs;
  for (int i = 0; i < count; ++i) runs.push_back(make_run(plan, session, progress));
  return runs;
}

std::string calibration_table(const Calibration& calibration, const std::filesystem::path& path) {
  TextTable table(
      {{"class"}, {"rows", Align::right}, {"each row", Align::right}, {"all rows alike", Align::right}});
  for (const NoiseClass kind : kAll<NoiseClass>) {
    const auto count = std::ranges::count_if(
        calibration.rows, [kind](const RepeatedRow& row) { return row.noise_class == kind; });
    const Spread& spread = calibration.noise.model.of(kind);
    table.add({std::string(to_string(kind)), std::to_string(count), fmt::format("{:.2f} %", 100 * spread.row),
               fmt::format("{:.2f} %", 100 * spread.common)});
  }
  return table.text({.width = output_width()}) + fmt::format("wrote {}\n", printable(path.string()));
}

}  // namespace

std::string calibrate_machine(const std::vector<std::string>& results, int count,
                              const CompareRunOptions& options, const ComparePolicy& policy,
                              const Session& session) {
  if (results.empty()) check_calibration_runs(count);
  const std::vector<ResultFile> runs =
      results.empty() ? make_runs(count, options, session) : read_result_set(results);
  Calibration calibration = calibrate(runs, policy);
  calibration.noise.time = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  const std::filesystem::path path =
      policy.noise_file.empty() ? noise_path(device_of(runs.front())) : policy.noise_file;
  if (path.empty()) throw UsageError("--noise: is needed, neither XDG_DATA_HOME nor HOME is set");
  write_noise({path, "--noise", session.force}, calibration.noise);
  return calibration_table(calibration, path);
}

}  // namespace flashcore
