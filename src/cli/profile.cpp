// flashcore-bench profile: shows the record of one variant on one problem and ncu's counters of one launch.
//
// This process has the variant checked and timed like run. Then it starts itself under ncu with the same command
// line and --one-launch. The two are separate because ncu replays the kernel for its counters, which makes
// times useless.
#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <memory>

#include "attention/problem_fields.hpp"
#include "base/json_text.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "base/text_table.hpp"
#include "cli/command.hpp"
#include "cli/ncu.hpp"
#include "cli/ncu_counters.hpp"
#include "cli/run_plan.hpp"
#include "cli/subject.hpp"
#include "device/device.hpp"
#include "device/profiler.hpp"
#include "execute/open_device.hpp"
#include "render/progress.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

constexpr const char* kDefaultProblem = "batch=1,heads_q=8,seq_q=512";
constexpr const char* kDefaultBudgetSeconds = "5";
constexpr std::size_t kStallsShown = 5;

struct ProfileOptions {
  SubjectRequest request = {.command = "profile",
                            .participle = "profiled",
                            .problem = kDefaultProblem,
                            .overrides = {.device = "cuda", .budget_s = kDefaultBudgetSeconds}};
  bool json = false;
  bool one_launch = false;
};

Subject find_subject(const ProfileOptions& options) {
  Subject subject = make_subject(options.request);
  if (subject.variant->backend != Backend::cuda) {
    throw UsageError(fmt::format("profile: {} runs on the CPU, but ncu profiles only CUDA kernels",
                                 options.request.variant));
  }
  return subject;
}

void require_cuda() {
  if (const CudaStatus cuda = cuda_status(); cuda.devices.empty()) {
    throw EnvironmentError("profile: no CUDA device can be used: " + cuda.problem);
  }
}

// Launches once inside the profiler's range. The check before it loads the code and makes plans.
ExitCode launch_once(const Subject& subject) {
  const std::unique_ptr<Executor> executor = open_device(subject.plan.device);
  executor->prepare(subject.plan.problems.front(), subject.plan.policy.seed);
  executor->verify(*subject.variant, subject.plan.policy.check_policy);
  const ProfilerWindow window;
  executor->sample(*subject.variant, TimingMode::call);
  return ExitCode::ok;
}

class RecordKeeper : public Sink {
 public:
  void add(const Record& record) override { record_ = record; }
  const Record& record() const { return record_; }

 private:
  Record record_;
};

// Checks and times the variant in a worker. Frees the device's memory on return, because the process under ncu needs it.
Record measure(const Subject& subject, const Session& session, int& compute_capability) {
  const std::unique_ptr<Executor> executor = open_executor(subject.plan, session.plugins, false);
  compute_capability = executor->device().limits.compute_capability;
  const std::vector<const Variant*> variants = runnable_variants(subject.plan, executor->device());
  check_memory(subject.plan, *executor);
  RecordKeeper keeper;
  ProgressLine silent(std::cerr, false);
  Sink* const sinks[] = {&keeper};
  run(subject.plan.problems, variants, subject.plan.policy, *executor, sinks, silent);
  return keeper.record();
}

std::vector<std::string> own_command(const Session& session) {
  std::vector<std::string> command = session.command_line;
  command.front() = std::filesystem::read_symlink("/proc/self/exe").string();
  command.push_back("--one-launch");
  return command;
}

std::string record_line(const Record& record) {
  std::string line =
      fmt::format("{} on {}: {}", record.variant_id(), problem_id(record.problem), to_string(record.status));
  for (TimingMode mode : kAll<TimingMode>) {
    if (const auto& timing = record.timings[mode]) {
      line += fmt::format(", {} {} µs", to_string(mode), format_significant(timing->median, 4));
    }
  }
  if (record.tflops) line += fmt::format(", {} TFLOP/s", format_significant(*record.tflops, 3));
  if (record.check) line += fmt::format(", relative L2 error {}", format_error(record.check->error.rel_l2));
  return line;
}

std::string profile_table(const std::vector<KernelProfile>& kernels) {
  std::vector<TableColumn> columns = {{"kernel"}};
  for (const KernelProfile& kernel : kernels) {
    columns.push_back({printable(kernel.kernel), Align::right, 0, Cut::middle});
  }
  TextTable table(std::move(columns));
  const std::span<const Counter> counters = profile_counters();
  for (std::size_t i = 0; i < counters.size(); ++i) {
    std::vector<std::string> row = {counters[i].label};
    for (const KernelProfile& kernel : kernels) {
      const auto& value = kernel.counters[i];
      row.push_back(value ? fmt::format("{} {}", format_significant(*value, 4), counters[i].unit)
                          : std::string(kNothing));
    }
    table.add(std::move(row));
  }
  for (std::size_t i = 0; i < kStallsShown; ++i) {
    std::vector<std::string> row = {i == 0 ? "stalled warps per issue" : ""};
    for (const KernelProfile& kernel : kernels) {
      row.push_back(
          i < kernel.stalls.size()
              ? fmt::format("{} {}", format_significant(kernel.stalls[i].second, 3), kernel.stalls[i].first)
              : "");
    }
    table.add(std::move(row));
  }
  return table.text({.width = output_width()});
}

Json profile_json(const Record& record, const std::vector<KernelProfile>& kernels) {
  Json json = {{"record", to_json(record)}, {"kernels", Json::array()}};
  for (const KernelProfile& kernel : kernels) {
    Json entry = {{"kernel", kernel.kernel}};
    for (std::size_t i = 0; i < kernel.counters.size(); ++i) {
      if (kernel.counters[i]) entry[profile_counters()[i].name] = *kernel.counters[i];
    }
    entry["stalled_warps"] = Json::object();
    for (const auto& [reason, warps] : kernel.stalls) entry["stalled_warps"][reason] = warps;
    json["kernels"].push_back(std::move(entry));
  }
  return json;
}

ExitCode profile(const ProfileOptions& options, const Session& session) {
  const Subject subject = find_subject(options);
  require_cuda();
  if (options.one_launch) return launch_once(subject);
  const std::string ncu = find_ncu();
  int compute_capability = 0;
  const Record record = measure(subject, session, compute_capability);
  if (record.status == Status::unsupported) throw UsageError("profile: " + record.reason);
  const std::vector<KernelProfile> kernels =
      parse_ncu_csv(run_ncu(ncu, metric_list(compute_capability), own_command(session)));
  if (options.json) {
    fmt::print("{}\n", json_text(profile_json(record, kernels), 2));
  } else {
    fmt::print("{}\n{}", record_line(record), profile_table(kernels));
  }
  return record.status == Status::incorrect ? ExitCode::failed_check : ExitCode::ok;
}

}  // namespace

void add_profile_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<ProfileOptions>();
  CLI::App* command = app.add_subcommand(
      "profile", "Show ncu's counters of one launch of a variant, and its record; needs a CUDA device");
  command->add_option("variant", options->request.variant, "An id, or a glob that matches exactly one id")
      ->type_name("ID")
      ->required();
  command
      ->add_option("--problem", options->request.problem,
                   "Use PROBLEM, in the form of the default; dtype and head_dim default to the variant's")
      ->type_name("PROBLEM")
      ->capture_default_str();
  command->add_option("--device", options->request.overrides.device, "Run on cuda or cuda:N")
      ->type_name("DEVICE");
  command->add_option("--seed", options->request.overrides.seed, "Set the seed of the random inputs")
      ->type_name("N");
  command->add_option("--budget", options->request.overrides.budget_s, "Measure the record for SECONDS")
      ->type_name("SECONDS");
  command->add_flag("--json", options->json, kJsonHelp);
  command->add_flag("--one-launch", options->one_launch, "Launch once, for ncu")->group("");
  command->callback([options, &action] {
    action = [options](const Session& session) { return profile(*options, session); };
  });
}

}  // namespace flashcore
