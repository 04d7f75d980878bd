#include "config/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/error.hpp"
#include "base/names.hpp"
#include "config/problem_reader.hpp"
#include "config/recorded_lengths.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kRootKeys[] = {
    "$schema",  "plugins",  "name",  "description", "written_for", "device", "seed",        "problems",
    "variants", "baseline", "check", "measure",     "report",      "tune",   "tuned_table", "require"};
constexpr std::string_view kCheckKeys[] = {"enabled", "depth", "yardstick_factor", "max_abs", "rel_l2"};
constexpr std::string_view kMeasureKeys[] = {"clocks",   "relative_width", "min_samples", "max_samples",
                                             "budget_s", "pacing",         "warmup_s",    "energy_s",
                                             "repeats",  "timeout_s"};
constexpr std::string_view kReportKeys[] = {"output", "formats"};
constexpr std::string_view kTuneKeys[] = {"search", "objective", "max_candidates", "limits"};
constexpr std::string_view kLimitKeys[] = {"smem_bytes", "registers", "spill_bytes"};
constexpr std::string_view kDeviceWords[] = {"auto", "cpu", "cuda"};

constexpr double kMaxError = std::numeric_limits<double>::max();
constexpr std::int64_t kMaxSamples = 1'000'000;
constexpr int kMaxRepeats = 100;
constexpr double kMaxSeconds = 7 * 24 * 3600.0;
constexpr double kMaxPauseSeconds = 600;

template <Worded Enum>
Enum read_word(const JsonReader& reader) {
  return static_cast<Enum>(reader.word(words(Enum{})));
}

CheckPolicy read_check(const JsonReader& block, bool& enabled) {
  block.check_keys(kCheckKeys);
  CheckPolicy policy;
  if (block.has("enabled")) enabled = block["enabled"].boolean();
  if (block.has("depth")) policy.depth = read_word<CheckDepth>(block["depth"]);
  if (block.has("yardstick_factor")) policy.unfused_factor = block["yardstick_factor"].positive_number();
  if (block.has("max_abs")) policy.max_abs = block["max_abs"].number(0, kMaxError);
  if (block.has("rel_l2")) policy.rel_l2 = block["rel_l2"].number(0, kMaxError);
  return policy;
}

// Reads a word or an array of different words as values of an enumeration.
template <class Enum>
std::vector<Enum> read_words(const JsonReader& list, std::span<const std::string_view> words) {
  std::vector<Enum> values;
  for (const JsonReader& element : list.zero_or_more()) {
    const auto value = static_cast<Enum>(element.word(words));
    if (std::ranges::count(values, value) > 0) element.fail("appears twice");
    values.push_back(value);
  }
  return values;
}

double read_seconds(const JsonReader& value) {
  const double seconds = value.positive_number();
  if (seconds > kMaxSeconds) value.fail("must be at most 604800 seconds (one week)");
  return seconds;
}

// Reads the stopping rule: when a timing mode has enough samples.
void read_stopping_rule(const JsonReader& block, MeasurePolicy& policy) {
  const auto read_count = [&](std::string_view key, int& count) {
    if (block.has(key)) count = static_cast<int>(block[key].integer(1, kMaxSamples));
  };
  read_count("min_samples", policy.min_samples);
  read_count("max_samples", policy.max_samples);
  if (policy.max_samples < policy.min_samples) {
    block[block.has("max_samples") ? "max_samples" : "min_samples"].fail(
        fmt::format("max_samples = {} is below min_samples = {}", policy.max_samples, policy.min_samples));
  }
  if (block.has("relative_width")) {
    policy.relative_width = block["relative_width"].positive_number();
    if (policy.relative_width > 1) block["relative_width"].fail("must be at most 1");
  }
  if (block.has("budget_s")) policy.budget_s = read_seconds(block["budget_s"]);
}

MeasurePolicy read_measure(const JsonReader& block) {
  block.check_keys(kMeasureKeys);
  MeasurePolicy policy;
  read_stopping_rule(block, policy);
  if (block.has("clocks")) policy.modes = read_words<TimingMode>(block["clocks"], words(TimingMode{}));
  if (block.has("pacing")) policy.pacing = read_word<Pacing>(block["pacing"]);
  if (block.has("warmup_s")) policy.warmup_s = block["warmup_s"].number(0, kMaxPauseSeconds);
  if (block.has("repeats")) policy.repeats = static_cast<int>(block["repeats"].integer(1, kMaxRepeats));
  if (block.has("energy_s")) policy.energy_s = block["energy_s"].number(0, kMaxPauseSeconds);
  if (block.has("timeout_s")) policy.timeout_s = read_seconds(block["timeout_s"]);
  return policy;
}

ReportPolicy read_report(const JsonReader& block) {
  block.check_keys(kReportKeys);
  ReportPolicy policy;
  if (block.has("formats")) {
    for (const JsonReader& format : block["formats"].one_or_more()) {
      if (std::ranges::count(policy.formats, format.string(), &ReportPolicy::Format::name) > 0) {
        format.fail("named twice");
      }
      policy.formats.push_back({format.string(), format.where()});
    }
  }
  if (block.has("output")) {
    policy.output = block["output"].line();
    policy.output_place = block["output"].where();
    if (policy.output.empty() || policy.output.ends_with('/')) {
      block["output"].fail("must be a path that ends in a file name");
    }
  }
  return policy;
}

ResourceLimits read_limits(const JsonReader& block) {
  block.check_keys(kLimitKeys);
  ResourceLimits limits;
  const auto read = [&](std::string_view key, std::optional<std::int64_t>& limit) {
    if (block.has(key)) limit = block[key].integer(0, std::numeric_limits<std::int32_t>::max());
  };
  read("smem_bytes", limits.smem_bytes);
  read("registers", limits.registers);
  read("spill_bytes", limits.spill_bytes);
  return limits;
}

TunePolicy read_tune(const JsonReader& block) {
  block.check_keys(kTuneKeys);
  TunePolicy policy;
  if (block.has("search")) policy.search = read_word<SearchKind>(block["search"]);
  if (block.has("objective")) {
    policy.objective = read_word<Objective>(block["objective"]);
    policy.objective_place = block["objective"].where();
  }
  if (block.has("max_candidates")) {
    policy.max_candidates = block["max_candidates"].integer(1, std::numeric_limits<std::int32_t>::max());
  }
  if (block.has("limits")) policy.limits = read_limits(block["limits"]);
  return policy;
}

AttributeFilter read_filter(const JsonReader& object, const std::string& name) {
  AttributeFilter filter{name, {}};
  for (const JsonReader& value : object[name].one_or_more()) {
    filter.allowed.push_back(is_numeric_attribute(name)
                                 ? std::to_string(value.integer(0, std::numeric_limits<int>::max()))
                                 : value.string());
  }
  return filter;
}

void read_selector(const JsonReader& terms, Plan& plan) {
  Selector& selector = plan.variants;
  for (const JsonReader& term : terms.one_or_more()) {
    if (!term.is_object()) {
      const std::string glob = term.line();
      plan.automatic = plan.automatic || glob == "auto";
      if (glob != "auto") selector.add_glob(glob, term.where());
      continue;
    }
    term.check_keys(attribute_names());
    std::vector<AttributeFilter> filters;
    for (const std::string& name : term.keys()) filters.push_back(read_filter(term, name));
    selector.add_filters(std::move(filters), term.where());
  }
}

void read_texts(const JsonReader& root, Plan& plan) {
  for (std::string_view key : {"$schema", "description"}) {
    if (root.has(key)) root[key].string();
  }
  if (root.has("name")) {
    plan.name = root["name"].line();
    const bool file_name = !plan.name.empty() && plan.name.find_first_of("/\\") == std::string::npos;
    if (!file_name) root["name"].fail("must be a file name: not empty and without slashes");
  }
  if (root.has("written_for")) plan.written_for = root["written_for"].line();
  if (root.has("baseline")) {
    plan.baseline = root["baseline"].line();
    plan.baseline_place = root["baseline"].where();
  }
}

}  // namespace

ConfigKeys config_keys() {
  return {.root = kRootKeys,
          .problem = problem_keys(),
          .check = kCheckKeys,
          .measure = kMeasureKeys,
          .report = kReportKeys,
          .tune = kTuneKeys,
          .limits = kLimitKeys};
}

std::span<const std::string_view> device_words() { return kDeviceWords; }

DeviceRequest parse_device(std::string_view text, std::string_view where) {
  using Kind = DeviceRequest::Kind;
  if (text == "auto") return {Kind::automatic, 0};
  if (text == "cpu") return {Kind::cpu, 0};
  if (text == "cuda") return {Kind::cuda, 0};
  constexpr std::string_view kPrefix = "cuda:";
  if (text.starts_with(kPrefix)) {
    int index = -1;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + kPrefix.size(), end, index);
    if (error == std::errc{} && stop == end && index >= 0) return {Kind::cuda, index};
    throw UsageError(
        fmt::format("{}: \"{}\" is not a device; cuda takes a number: cuda:0, cuda:1, …", where, text));
  }
  throw UsageError(fmt::format("{}: unknown device \"{}\"{}", where, text, suggestion(text, kDeviceWords)));
}

Plan make_plan(const JsonDocument& config, std::string_view default_name) {
  JsonDocument document = config;
  load_recorded_lengths(document, "/problems");
  const JsonReader root(document);
  root.check_keys(kRootKeys);
  Plan plan;
  plan.name = default_name;
  read_texts(root, plan);
  if (root.has("device")) plan.device = parse_device(root["device"].string(), root["device"].where());
  if (root.has("seed")) {
    plan.policy.seed =
        static_cast<std::uint64_t>(root["seed"].integer(0, std::numeric_limits<std::int64_t>::max()));
  }
  if (!root.has("problems")) root.fail("needs the key \"problems\"");
  for (PlannedProblem& planned : read_problems(root["problems"])) {
    plan.problems.push_back(std::move(planned.problem));
    plan.problem_places.push_back(std::move(planned.where));
  }
  if (root.has("variants")) read_selector(root["variants"], plan);
  if (root.has("tuned_table")) plan.tuned_table = root["tuned_table"].line();
  if (root.has("check")) plan.policy.check_policy = read_check(root["check"], plan.policy.check);
  if (root.has("measure")) plan.policy.measure = read_measure(root["measure"]);
  if (root.has("report")) plan.report = read_report(root["report"]);
  if (root.has("tune")) plan.tune = read_tune(root["tune"]);
  if (root.has("require")) {
    plan.policy.require = read_words<Requirement>(root["require"], words(Requirement{}));
    if (!plan.policy.check && !plan.policy.require.empty()) {
      root["require"].fail("needs checks, which are off");
    }
  }
  if (!plan.policy.check && plan.policy.measure.modes.empty()) {
    root["check"]["enabled"].fail("nothing to do: checks are off and /measure/clocks is empty");
  }
  plan.config = document.root();
  return plan;
}

}  // namespace flashcore
