#include "tune/tuned_table.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <tuple>
#include <utility>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/json_fields.hpp"
#include "base/json_text.hpp"
#include "base/schema_version.hpp"
#include "device/device.hpp"
#include "device/nvml.hpp"
#include "results/record_json.hpp"
#include "tune/places.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kForm = "tuned_table";

void fingerprint_fields(auto&& io, auto& fingerprint) {
  io.required("backend", fingerprint.backend);
  io.required("device", fingerprint.device);
  io.with_default("driver", fingerprint.driver);
}

constexpr double kMaxClockMhz = 1e6;

void variant_fields(auto&& io, auto& tuned) {
  io.required("variant", tuned.variant);
  io.with_default("code_hash", tuned.code_hash);
  io.required("median_us", tuned.median_us);
  io.required("samples", tuned.samples);
}

// Ids begin with the family, dtype and head_dim, variant/spec.hpp.
void check_made_for(const JsonReader& tuned, const std::string& id, const Problem& problem) {
  const std::string wanted = fmt::format("/{}_d{}", to_string(problem.dtype), problem.head_dim);
  const std::string_view rest = std::string_view(id).substr(std::min(id.find('/'), id.size()));
  if (rest == wanted || rest.starts_with(wanted + "_")) return;
  tuned["variant"].fail(fmt::format("\"{}\" is not for {} and head_dim {}, which the problem has", id,
                                    to_string(problem.dtype), problem.head_dim));
}

Json to_json(const TunedVariant& tuned) {
  Json json;
  variant_fields(FieldWriter(json), tuned);
  json["ci95_us"] = {tuned.ci95_low_us, tuned.ci95_high_us};
  if (tuned.energy) {
    json["energy_per_call_j"] = tuned.energy->mean_j;
    json["energy_ci95_j"] = {tuned.energy->low_j, tuned.energy->high_j};
  }
  return json;
}

// The interval of a few scattered samples may reach below 0.
std::pair<double, double> read_interval(const JsonReader& reader, std::string_view key, double most) {
  const std::vector<JsonReader> ends = elements(require_field(reader, key));
  if (ends.size() != 2) reader[key].fail("expected [low, high]");
  const double low = ends[0].number(-most, most);
  return {low, ends[1].number(low, most)};
}

TunedVariant variant_from_json(const JsonReader& reader, const Problem& problem) {
  TunedVariant tuned;
  variant_fields(FieldReader(reader), tuned);
  check_made_for(reader, tuned.variant, problem);
  read_time_us(reader["median_us"]);
  reader["samples"].integer(0, std::numeric_limits<std::int64_t>::max());
  std::tie(tuned.ci95_low_us, tuned.ci95_high_us) = read_interval(reader, "ci95_us", kMaxTimeUs);
  if (const auto joules = find_field(reader, "energy_per_call_j")) {
    EnergyEstimate& energy = tuned.energy.emplace();
    energy.mean_j = read_energy_j(*joules);
    std::tie(energy.low_j, energy.high_j) = read_interval(reader, "energy_ci95_j", kMaxEnergyJ);
  }
  return tuned;
}

constexpr double kMaxRatio = 1e9;
constexpr std::int64_t kMaxBlocks = 1 << 20;

Json to_json(const TunedTime& time) {
  Json json = {{"variant", time.variant}, {"ratio", time.ratio}};
  if (!time.code_hash.empty()) json["code_hash"] = time.code_hash;
  if (time.blocks_per_sm > 0) json["blocks_per_sm"] = time.blocks_per_sm;
  return json;
}

TunedTime time_from_json(const JsonReader& reader, const Problem& problem) {
  TunedTime time;
  FieldReader fields(reader);
  fields.required("variant", time.variant);
  fields.with_default("code_hash", time.code_hash);
  check_made_for(reader, time.variant, problem);
  time.ratio = require_field(reader, "ratio").number(1 / kMaxRatio, kMaxRatio);
  if (const auto blocks = find_field(reader, "blocks_per_sm"))
    time.blocks_per_sm = static_cast<int>(blocks->integer(0, kMaxBlocks));
  return time;
}

// What the choice for other problems needs; older tables have none of it.
void add_times(Json& json, const TunedEntry& entry) {
  if (!entry.times.empty()) json["times"] = Json::array();
  for (const TunedTime& time : entry.times) json["times"].push_back(to_json(time));
  if (!entry.default_variant.empty()) json["default"] = entry.default_variant;
  if (entry.num_sms > 0) json["num_sms"] = entry.num_sms;
}

void read_times(TunedEntry& entry, const JsonReader& reader) {
  if (const auto times = find_field(reader, "times")) {
    for (const JsonReader& time : elements(*times))
      entry.times.push_back(time_from_json(time, entry.problem));
  }
  FieldReader(reader).with_default("default", entry.default_variant);
  if (const auto sms = find_field(reader, "num_sms"))
    entry.num_sms = static_cast<int>(sms->integer(1, kMaxBlocks));
}

Json to_json(const TunedEntry& entry) {
  Json json = {{"problem", to_json(entry.problem)}};
  fingerprint_fields(FieldWriter(json["fingerprint"]), entry.fingerprint);
  json["tuned_at"] = entry.tuned_at;
  json["clock"] = to_string(entry.mode);
  FieldWriter(json).optional("sm_clock_mhz", entry.sm_clock_mhz);
  json["winner"] = to_json(entry.winner);
  json["ties"] = Json::array();
  for (const TunedVariant& tie : entry.ties) json["ties"].push_back(to_json(tie));
  for (const TunedVariant& one : entry.pareto) json["pareto"].push_back(to_json(one));
  add_times(json, entry);
  return json;
}

TunedEntry entry_from_json(const JsonReader& reader) {
  TunedEntry entry;
  entry.problem = problem_from_json(require_field(reader, "problem"));
  fingerprint_fields(FieldReader(require_field(reader, "fingerprint")), entry.fingerprint);
  entry.tuned_at = read_utc_time(require_field(reader, "tuned_at"));
  entry.mode = decode<TimingMode>(require_field(reader, "clock"));
  if (const auto clock = find_field(reader, "sm_clock_mhz"))
    entry.sm_clock_mhz = clock->number(0, kMaxClockMhz);
  entry.winner = variant_from_json(require_field(reader, "winner"), entry.problem);
  for (const JsonReader& tie : elements(require_field(reader, "ties"))) {
    entry.ties.push_back(variant_from_json(tie, entry.problem));
  }
  if (const auto pareto = find_field(reader, "pareto")) {
    for (const JsonReader& one : elements(*pareto))
      entry.pareto.push_back(variant_from_json(one, entry.problem));
  }
  read_times(entry, reader);
  return entry;
}

// The problem without the fields that do not change its time; causal becomes a window.
Problem class_of(Problem problem) {
  problem.name.clear();
  problem.source.clear();
  problem.scale = 0;
  if (problem.causal) problem.window_right = 0;
  problem.causal = false;
  return problem;
}

bool is_later(const TunedEntry& a, const TunedEntry& b) {
  return std::pair(a.tuned_at, -a.winner.median_us) > std::pair(b.tuned_at, -b.winner.median_us);
}

// Replaces `known` by `entry` if that is the later one. Returns the decision between different winners.
std::string keep_one(TunedEntry& known, const TunedEntry& entry) {
  const bool replaces = is_later(entry, known);
  const TunedEntry& kept = replaces ? entry : known;
  const TunedEntry& dropped = replaces ? known : entry;
  std::string decision;
  if (kept.winner.variant != dropped.winner.variant) {
    decision = fmt::format("{}: keeps {} of {}, drops {} of {}", kept.problem.name, kept.winner.variant,
                           kept.tuned_at, dropped.winner.variant, dropped.tuned_at);
  }
  if (replaces) known = entry;
  return decision;
}

}  // namespace

std::string file_part(const Fingerprint& fingerprint) {
  const std::string driver = fingerprint.driver.empty() ? "" : " " + fingerprint.driver;
  return name_as_path(fingerprint.device + driver);
}

Fingerprint make_fingerprint(const DeviceInfo& device) {
  Fingerprint fingerprint{.backend = device.backend, .device = device.name};
  if (device.backend == Backend::cpu) return fingerprint;
  const NvmlDevice nvml(device.pci_bus_id);
  fingerprint.driver = nvml.problem().empty() ? nvml.info().driver_version : "";
  if (fingerprint.driver.empty()) fingerprint.driver = cuda_status().driver_version;
  return fingerprint;
}

bool is_same_class(const Problem& a, const Problem& b) { return class_of(a) == class_of(b); }

std::string class_id(const Problem& problem) { return problem_id(class_of(problem)); }

std::string utc_now() { return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))); }

std::string read_utc_time(const JsonReader& reader) {
  std::string text = reader.string();
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  int length = 0;
  const int fields = std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2uZ%n", &year, &month, &day, &hour,
                                 &minute, &second, &length);
  using namespace std::chrono;
  const year_month_day date{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}};
  const bool is_time = fields == 6 && length == 20 && text.size() == 20 && date.ok() && hour < 24 &&
                       minute < 60 && second <= 60;
  if (!is_time) reader.fail("must be a time like 2026-01-31T12:00:00Z");
  return text;
}

double read_time_us(const JsonReader& reader) { return reader.number(kMinTimeUs, kMaxTimeUs); }

TunedTable parse_tuned_table(std::string_view text, std::string_view file) {
  const JsonDocument document(text, std::string(file));
  const JsonReader root(document);
  check_schema_version(root);
  TunedTable table{.path = std::string(file), .entries = {}};
  FieldReader(root).with_default("objective", table.objective);
  for (const JsonReader& entry : elements(require_field(root, kForm))) {
    table.entries.push_back(entry_from_json(entry));
  }
  return table;
}

TunedTable read_tuned_table(const std::filesystem::path& path, bool is_input) {
  return parse_tuned_table(read_input(path, {.is_input = is_input}), path.string());
}

std::string tuned_table_text(const TunedTable& table, std::span<const Json> dispatch) {
  std::string text = fmt::format("{{\"schema_version\":{},\"objective\":\"{}\",\n\"{}\":[", kSchemaVersion,
                                 to_string(table.objective), kForm);
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    text += fmt::format("{}\n{}", i == 0 ? "" : ",", json_text(to_json(table.entries[i])));
  }
  text += "\n]";
  for (std::size_t i = 0; i < dispatch.size(); ++i) {
    text += fmt::format("{}\n{}", i == 0 ? ",\n\"dispatch\":[" : ",", json_text(dispatch[i]));
  }
  return text + (dispatch.empty() ? "}\n" : "\n]}\n");
}

void write_tuned_table(const TunedTable& table, OutputFile& file, std::span<const Json> dispatch) {
  file.replace({tuned_table_text(table, dispatch)});
}

std::string named_table(const TunedTable& table) {
  if (table.objective == Objective::latency) return table.path;
  return fmt::format("{}, tuned for {}", table.path,
                     table.objective == Objective::both ? "time and energy" : "energy");
}

void check_objective(const TunedTable& table, std::string_view where, Objective wanted,
                     std::string_view whose) {
  if (table.entries.empty() || table.objective == wanted) return;
  throw UsageError(fmt::format("{}: {} is for the objective {}, {} for {}; a table has one objective", where,
                               table.path, to_string(table.objective), whose, to_string(wanted)));
}

std::vector<std::string> add_entries(TunedTable& table, std::span<const TunedEntry> entries) {
  const auto key = [](const TunedEntry& entry) { return class_id(entry.problem); };
  Places places;
  for (std::size_t i = 0; i < table.entries.size(); ++i) places.add(key(table.entries[i]), i);
  std::vector<std::string> decisions;
  for (const TunedEntry& entry : entries) {
    const auto same = places.find(key(entry), [&](std::size_t place) {
      const TunedEntry& other = table.entries[place];
      return is_same_class(entry.problem, other.problem) && entry.fingerprint == other.fingerprint;
    });
    if (!same) {
      places.add(key(entry), table.entries.size());
      table.entries.push_back(entry);
    } else if (std::string decision = keep_one(table.entries[*same], entry); !decision.empty()) {
      decisions.push_back(std::move(decision));
    }
  }
  return decisions;
}

}  // namespace flashcore
