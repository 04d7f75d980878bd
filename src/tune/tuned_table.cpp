#include "tune/tuned_table.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
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

// From a picosecond to eleven days.
constexpr double kMinTimeUs = 1e-6;
constexpr double kMaxTimeUs = 1e12;
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
  return json;
}

TunedVariant variant_from_json(const JsonReader& reader, const Problem& problem) {
  TunedVariant tuned;
  variant_fields(FieldReader(reader), tuned);
  check_made_for(reader, tuned.variant, problem);
  read_time_us(reader["median_us"]);
  reader["samples"].integer(0, std::numeric_limits<std::int64_t>::max());
  const std::vector<JsonReader> interval = elements(require_field(reader, "ci95_us"));
  if (interval.size() != 2) reader["ci95_us"].fail("expected [low, high]");
  // The interval of a few scattered samples may reach below 0.
  tuned.ci95_low_us = interval[0].number(-kMaxTimeUs, kMaxTimeUs);
  tuned.ci95_high_us = interval[1].number(tuned.ci95_low_us, kMaxTimeUs);
  return tuned;
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
  return entry;
}

// A few scattered samples may have an interval without an end. The reader takes no more than kMaxTimeUs.
double finite(double bound_us) { return std::clamp(bound_us, -kMaxTimeUs, kMaxTimeUs); }

TunedVariant make_tuned(const Record& record, TimingMode mode) {
  const Timing& timing = *record.timings[mode];
  return {.variant = record.variant_id(),
          .code_hash = record.code_hash,
          .median_us = timing.median,
          .ci95_low_us = finite(timing.ci95_low),
          .ci95_high_us = finite(timing.ci95_high),
          .samples = static_cast<std::int64_t>(timing.samples.size())};
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

TunedEntry make_entry(std::span<const Contender> contenders, std::span<const std::size_t> best,
                      TimingMode mode, const Fingerprint& fingerprint, std::string tuned_at) {
  const Record& winner = contenders[best.front()].record;
  TunedEntry entry{.problem = winner.problem,
                   .fingerprint = fingerprint,
                   .tuned_at = std::move(tuned_at),
                   .mode = mode,
                   .winner = make_tuned(winner, mode)};
  if (winner.telemetry && winner.telemetry->sm_clock_mhz) {
    entry.sm_clock_mhz = winner.telemetry->sm_clock_mhz->median;
  }
  for (const std::size_t tie : best.subspan(1)) {
    entry.ties.push_back(make_tuned(contenders[tie].record, mode));
  }
  return entry;
}

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
  TunedTable table{.path = std::string(file)};
  for (const JsonReader& entry : elements(require_field(root, kForm))) {
    table.entries.push_back(entry_from_json(entry));
  }
  return table;
}

TunedTable read_tuned_table(const std::filesystem::path& path, bool is_input) {
  return parse_tuned_table(read_input(path, {.is_input = is_input}), path.string());
}

std::string tuned_table_text(const TunedTable& table) {
  std::string text = fmt::format("{{\"schema_version\":{},\n\"{}\":[", kSchemaVersion, kForm);
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    text += fmt::format("{}\n{}", i == 0 ? "" : ",", json_text(to_json(table.entries[i])));
  }
  return text + "\n]}\n";
}

void write_tuned_table(const TunedTable& table, OutputFile& file) { file.replace({tuned_table_text(table)}); }

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
