// flashcore-bench tune: finds the fastest variant of every problem of a config and stores it in a table.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <cctype>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "base/input_file.hpp"
#include "base/interrupt.hpp"
#include "base/json_text.hpp"
#include "cli/command.hpp"
#include "cli/outputs.hpp"
#include "cli/run_plan.hpp"
#include "cli/tune_options.hpp"
#include "cli/tune_progress.hpp"
#include "execute/open_device.hpp"
#include "results/environment.hpp"
#include "results/file_sink.hpp"
#include "results/record_json.hpp"
#include "tune/dispatch.hpp"
#include "tune/journal.hpp"
#include "tune/tuner.hpp"

namespace flashcore {
namespace {

// A number means a CUDA device.
DeviceRequest parse_device_of_list(const std::string& text) {
  const bool number = !text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0;
  return parse_device(number ? "cuda:" + text : text, "--devices");
}

std::string model_of(const DeviceRequest& request) {
  if (request.kind == DeviceRequest::Kind::cpu) return cpu_device().name;
  const CudaStatus cuda = cuda_status();
  const auto index = static_cast<std::size_t>(request.index);
  if (index >= cuda.devices.size()) return open_device(request)->device().name;  // throws the usual error
  return cuda.devices[index].name;
}

std::vector<DeviceRequest> read_devices(const TuneOptions& options, const Plan& plan) {
  if (options.devices.empty()) return {plan.device};
  if (options.plan.overrides.device) throw UsageError("--devices: cannot be combined with --device");
  std::vector<DeviceRequest> devices;
  for (const std::string& text : options.devices) devices.push_back(parse_device_of_list(text));
  const std::string model = model_of(devices.front());
  for (std::size_t i = 1; i < devices.size(); ++i) {
    if (const std::string other = model_of(devices[i]); other != model) {
      throw UsageError(fmt::format("--devices: {} is {}, but {} is {}; all devices must be of one model",
                                   options.devices.front(), model, options.devices[i], other));
    }
  }
  return devices;
}

Plan read_plan(const TuneOptions& options, Session& session) {
  const JsonDocument document = load_plan(options.plan);
  session = with_plugins_of(document, session, options.plan.in_process);
  const JsonReader root(document);
  Plan plan = make_plan(document, plan_name(options.plan));
  if (plan.automatic) root["variants"].fail("must not contain auto, because tuning determines its variant");
  if (!plan.policy.check)
    root["check"]["enabled"].fail("must be true, because tuning checks every candidate");
  if (plan.policy.measure.modes.empty()) root["measure"]["clocks"].fail("must not be empty for tuning");
  return plan;
}

// In --output: the device's name and driver stand in this place.
constexpr std::string_view kDevicePlace = "{device}";

// The output files of a sweep. On standard output there is only a table; the others are empty.
struct TunePaths {
  std::string table;
  std::string records;
  std::string journal;
};

TunePaths make_paths(const Plan& plan, const DeviceInfo& device, bool installs) {
  const std::string output = report_target(plan).path;
  if (output == kStandardOutput) return {output, "", ""};
  std::string base = output.empty() ? "results/tuned/" + device_folder(device) : output;
  if (installs) base = installed_table_base(device);
  if (const std::size_t place = base.find(kDevicePlace); place != std::string::npos) {
    base.replace(place, kDevicePlace.size(), file_part(make_fingerprint(device)));
  }
  if (kind_of(base) == PathKind::stream) {
    throw UsageError(
        fmt::format("--output: {} is a device or a FIFO; a sweep writes several files, or with - "
                    "only the table, to standard output",
                    base));
  }
  return {base + ".json", base + ".records.json", base + ".journal.jsonl"};
}

// The table that gets the sweep's entries.
TunedTable earlier_table(const std::string& path, Objective objective) {
  TunedTable table = read_tuned_table(path, /*is_input=*/false);
  check_objective(table, "--output", objective, "this sweep");
  table.objective = objective;
  return table;
}

// How "auto" finds a table that was written to this path; empty if it finds it anyway.
std::string table_hint(const std::string& table, const TuneOptions& options) {
  if (options.install || !options.plan.overrides.output) return "";
  return fmt::format(
      "auto takes this table with --tuned-table {}, or where it lies in results/tuned or, for all working "
      "directories, in the folder of tune --install",
      table);
}

void warn_of_damage(const Journal& journal) {
  for (const std::string& line : journal.damaged) {
    spdlog::warn("{}; the line is skipped, its record is measured again", line);
  }
}

// The journal to continue, or nothing for a new journal.
std::optional<Journal> find_journal(const std::string& path, const TuneOptions& options,
                                    const SweepIdentity& identity) {
  const bool resume = options.resume || options.resume_changed;
  if (resume && options.fresh) throw UsageError("--fresh: cannot be combined with --resume");
  if (!std::filesystem::exists(path)) {
    if (resume) spdlog::info("{}: does not exist, starting a new sweep", path);
    return std::nullopt;
  }
  if (options.fresh) return std::nullopt;
  const std::string text = read_input(path, {.regular_only = true, .is_input = false});
  if (!begins_as_journal(text)) {
    throw UsageError(fmt::format("--output: {} exists and is no journal; --fresh replaces it", path));
  }
  if (text.find('\n') == std::string::npos) return std::nullopt;
  if (!resume) {
    throw UsageError(fmt::format(
        "--output: {} is the journal of an earlier sweep; --resume continues it, --fresh replaces it", path));
  }
  Journal journal = parse_journal(text, path);
  const std::vector<std::string> changed = differences(journal.identity, identity);
  if (!changed.empty() && !options.resume_changed) {
    throw UsageError(
        fmt::format("--resume: {} was made with another {}; --resume-changed continues it anyway", path,
                    fmt::join(changed, ", another ")));
  }
  warn_of_damage(journal);
  spdlog::info("{}: continuing after {} records", path, journal.entries.size());
  return journal;
}

std::unique_ptr<JournalWriter> open_journal(const std::optional<Journal>& journal, const std::string& path,
                                            const SweepIdentity& identity, const Json& environment,
                                            const Json& config) {
  if (path.empty()) return nullptr;
  if (journal) return std::make_unique<JournalWriter>(*journal);
  return std::make_unique<JournalWriter>(path, identity, environment, config);
}

std::unique_ptr<JsonSink> open_records(const std::string& path, const Session& session,
                                       const Json& environment, const Json& config) {
  if (path.empty()) return nullptr;
  return std::make_unique<JsonSink>(OutputTarget(path, "--output", session.force), environment, config);
}

std::vector<KnownRecord> known_records(const std::optional<Journal>& journal) {
  std::vector<KnownRecord> known;
  if (!journal) return known;
  for (const JournalEntry& entry : journal->entries) known.push_back(entry.known);
  return known;
}

using OpenDevice = std::function<std::unique_ptr<Executor>(const DeviceRequest&)>;

// A single device uses the executor that is open already. Several devices are opened in their own threads.
std::vector<OpenExecutor> make_openers(const std::vector<DeviceRequest>& devices, const OpenDevice& open,
                                       std::unique_ptr<Executor>& first) {
  std::vector<OpenExecutor> openers;
  if (devices.size() == 1) {
    openers.emplace_back([&first] { return std::move(first); });
    return openers;
  }
  first.reset();
  for (const DeviceRequest& device : devices) openers.emplace_back([device, open] { return open(device); });
  return openers;
}

// Sweeps a space. `executor` is the open first device.
ExitCode sweep(const Plan& plan, const TuneOptions& options, const Session& session, const Shard& shard,
               std::span<const ProblemSpace> space, const std::vector<DeviceRequest>& devices,
               const OpenDevice& open, std::unique_ptr<Executor> executor) {
  install_interrupt_handler();  // before a file is made
  const DeviceInfo device = executor->device();
  const TunePaths paths = make_paths(plan, device, options.install);
  TunedTable table{.path = paths.table, .objective = plan.tune.objective, .entries = {}};
  const OutputTarget target(paths.table, "--output", session.force);
  OutputFile table_file = open_output(target, FileKind::tuned_table, tuned_table_text(table));
  if (table_file.has_earlier_content()) table = earlier_table(paths.table, plan.tune.objective);
  const SweepIdentity identity = make_identity(plan, shard, space, *executor);
  const Json config = plan.config;
  const Json environment = make_environment({.device = device,
                                             .host_cpu = cpu_device(),
                                             .cuda = cuda_status(),
                                             .command_line = session.command_line,
                                             .config = config});
  std::optional<Journal> journal;
  if (!paths.journal.empty()) journal = find_journal(paths.journal, options, identity);
  const std::vector<KnownRecord> known = known_records(journal);
  TuneProgress progress({.space = space,
                         .known = known,
                         .policy = plan.policy.measure,
                         .objective = plan.tune.objective,
                         .fingerprint = identity.fingerprint,
                         .num_sms = device.limits.num_sms,
                         .table = std::move(table),
                         .table_file = std::move(table_file),
                         .journal = open_journal(journal, paths.journal, identity, environment, config),
                         .records = open_records(paths.records, session, environment, config),
                         .prints_text = paths.table != kStandardOutput,
                         .quiet = session.quiet,
                         .devices = devices.size()});
  const SweepPolicy policy = make_sweep_policy(plan.policy, plan.tune);
  tune(space, known, policy, make_openers(devices, open, executor), progress);
  if (paths.journal.empty()) return progress.finish({}, "");
  return progress.finish({paths.table, paths.records, paths.journal}, table_hint(paths.table, options));
}

void check_energy_counter(const TunePolicy& tune, const DeviceInfo& device) {
  if (!needs_energy(tune.objective)) return;
  const std::string why = why_no_energy(device);
  if (why.empty()) return;
  throw EnvironmentError(fmt::format("{}: {} needs a device with an energy counter; {}: {}",
                                     tune.objective_place, to_string(tune.objective), device.name, why));
}

Json space_json(std::span<const ProblemSpace> space) {
  Json json = Json::array();
  for (const ProblemSpace& part : space) {
    Json entry = {
        {"problem", to_json(part.problem)}, {"candidates", Json::array()}, {"pruned", Json::object()}};
    for (const Variant* variant : part.candidates) entry["candidates"].push_back(variant->id());
    for (const PrunedCandidate& pruned : part.pruned) entry["pruned"][pruned.variant->id()] = pruned.reason;
    json.push_back(std::move(entry));
  }
  return json;
}

ExitCode tune_config(const TuneOptions& options, Session session) {
  const Plan plan = read_plan(options, session);
  const Shard shard = parse_shard(options.shard, "--shard");
  const std::vector<DeviceRequest> devices = read_devices(options, plan);
  const OpenDevice open = [&](const DeviceRequest& device) {
    Plan one = plan;
    one.device = device;
    return open_executor(one, session.plugins, options.plan.in_process);
  };
  std::unique_ptr<Executor> executor = open(devices.front());
  const DeviceInfo& device = executor->device();
  check_written_for(plan, device);
  check_energy_counter(plan.tune, device);
  const std::vector<const Variant*> variants = runnable_variants(plan, device);
  check_memory(plan, *executor);
  const std::vector<ProblemSpace> space =
      take_shard(make_space(plan.problems, variants, device, plan.tune, plan.policy.seed), shard);
  if (!options.plan.dry_run)
    return sweep(plan, options, session, shard, space, devices, open, std::move(executor));
  fmt::print("{}", options.plan.json ? indented_json(space_json(space)) : space_text(space));
  return ExitCode::ok;
}

}  // namespace

void add_tune_command(CLI::App& app, Action& action) {
  const auto options = std::make_shared<TuneOptions>();
  CLI::App* tune =
      app.add_subcommand("tune", "Find the fastest variant of each problem and store it in a table");
  add_tune_options(*tune, *options);
  tune->callback([options, &action] {
    note_short_form(*options);
    action = [options](const Session& session) { return tune_config(*options, session); };
  });
}

}  // namespace flashcore
