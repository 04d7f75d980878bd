#include "tune/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/file_kind.hpp"
#include "base/hash.hpp"
#include "base/input_file.hpp"
#include "base/json_fields.hpp"
#include "base/json_text.hpp"
#include "base/schema_version.hpp"
#include "results/environment.hpp"
#include "results/record_json.hpp"
#include "tune/places.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kForm = "tune_journal";
constexpr std::string_view kChecksum = ",\"checksum\":\"";

// The end of a line that begins with `text`.
std::string checksum_text(std::string_view text) {
  return fmt::format("{}{}\"}}", kChecksum, hash_hex(text));
}

// Returns true if the line has a checksum. Throws UsageError that begins with `where` if it is wrong.
bool check_line(std::string_view line, const std::string& where) {
  const std::size_t place = line.rfind(kChecksum);
  if (place == std::string_view::npos) return false;
  if (line.substr(place) != checksum_text(line.substr(0, place))) {
    throw UsageError(where + ": is damaged: its checksum is another");
  }
  return true;
}

SweepIdentity identity_from_json(const JsonReader& reader) {
  SweepIdentity identity;
  FieldReader fields(reader);
  fields.required("backend", identity.fingerprint.backend);
  fields.required("device", identity.fingerprint.device);
  fields.required("driver", identity.fingerprint.driver);
  fields.required("code", identity.code);
  fields.required("plan", identity.plan);
  fields.with_default("shard", identity.shard);
  if (!identity.shard.empty()) parse_shard(identity.shard, reader["shard"].where());
  return identity;
}

void read_header(Journal& journal, const JsonReader& root) {
  check_schema_version(root);
  journal.identity = identity_from_json(require_field(root, kForm));
  journal.environment = require_field(root, "environment").value();
  journal.config = require_field(root, "config").value();
}

// What the result of a measurement cannot be.
void check_record(const JsonReader& reader, const Record& record) {
  if (record.energy_per_call_j) read_energy_j(reader["energy_per_call_j"]);
  if (!record.energy_windows_j.empty()) {
    for (const JsonReader& joules : reader["energy_windows_j"].zero_or_more()) read_energy_j(joules);
  }
  if (record.spec.dtype != record.problem.dtype || record.spec.head_dim != record.problem.head_dim) {
    reader["variant"].fail(fmt::format("is not for {} and head_dim {}, which the problem has",
                                       to_string(record.problem.dtype), record.problem.head_dim));
  }
  for (const TimingMode mode : kAll<TimingMode>) {
    if (!record.timings[mode]) continue;
    const JsonReader timing = reader["timing"][timing_field(mode)];
    read_time_us(timing["median"]);
    for (const JsonReader& sample : timing["samples"].zero_or_more()) read_time_us(sample);
  }
}

JournalEntry entry_from_json(const JsonReader& root) {
  JournalEntry entry{.time = read_utc_time(require_field(root, "time")), .known = {}};
  entry.known.finalist = require_field(root, "finalist").boolean();
  if (root.has("dropped_at")) entry.known.dropped_at = root["dropped_at"].number(0, 1e9);
  if (root.has("default")) entry.known.is_default = root["default"].boolean();
  const JsonReader record = require_field(root, "record");
  entry.known.record = record_from_json(record);
  check_record(record, entry.known.record);
  return entry;
}

// Entries by variant and problem; a later one replaces an earlier one.
class Entries {
 public:
  explicit Entries(std::vector<JournalEntry>& entries) : entries_(entries) {}

  void add(JournalEntry entry) {
    const Record& record = entry.known.record;
    const std::string key = record.variant_id() + " " + problem_id(record.problem);
    const auto same = places_.find(
        key, [&](std::size_t place) { return entries_[place].known.record.problem == record.problem; });
    if (same) {
      entries_[*same] = std::move(entry);
      return;
    }
    places_.add(key, entries_.size());
    entries_.push_back(std::move(entry));
  }

 private:
  std::vector<JournalEntry>& entries_;
  Places places_;
};

// The hash of this program's file, for devices whose machine code cannot be read.
std::string program_hash() { return hash_hex(read_input("/proc/self/exe", {.is_input = false})); }

std::string code_hash(std::span<const ProblemSpace> space, const Executor& executor) {
  const DeviceInfo& device = executor.device();
  if (!device.code_problem.empty()) return program_hash();
  std::map<std::string, std::string> hashes;
  for (const ProblemSpace& part : space) {
    for (const Variant* variant : part.candidates) hashes[variant->id()] = executor.code_hash(*variant);
  }
  std::string text;
  for (const auto& [id, hash] : hashes) text += fmt::format("{} {}\n", id, hash);
  return hash_hex(text);
}

// The hash of all keys that change the records. Outputs and the time budget do not.
std::string plan_hash(const Plan& plan) {
  Json timed = Json::object();
  for (const char* key : {"problems", "variants", "check", "measure", "require", "tune", "seed"}) {
    if (plan.config.contains(key)) timed[key] = plan.config.at(key);
  }
  if (timed.contains("measure")) timed["measure"].erase("budget_s");
  return config_hash(timed);
}

}  // namespace

SweepIdentity make_identity(const Plan& plan, const Shard& shard, std::span<const ProblemSpace> space,
                            const Executor& executor) {
  return {.fingerprint = make_fingerprint(executor.device()),
          .code = code_hash(space, executor),
          .plan = plan_hash(plan),
          .shard = to_string(shard)};
}

std::vector<std::string> differences(const SweepIdentity& before, const SweepIdentity& now) {
  std::vector<std::string> found;
  const auto compare = [&](std::string_view what, const std::string& then, const std::string& today) {
    if (then != today) found.push_back(fmt::format("{} ({}, now {})", what, then, today));
  };
  compare("device", before.fingerprint.device, now.fingerprint.device);
  compare("driver", before.fingerprint.driver, now.fingerprint.driver);
  compare("code", before.code, now.code);
  compare("config", before.plan, now.plan);
  if (!before.shard.empty()) compare("shard", before.shard, now.shard);
  return found;
}

bool begins_as_journal(std::string_view text) {
  const std::string beginning = fmt::format("{{\"schema_version\":{},\"{}\":", kSchemaVersion, kForm);
  return text.size() < beginning.size() ? beginning.starts_with(text) : is_of_kind(FileKind::journal, text);
}

std::string journal_line(const Json& json) {
  std::string text = json_text(json);
  text.pop_back();  // the brace, which checksum_text() adds again
  return text + checksum_text(text) + "\n";
}

namespace {

// The lines of a journal that were written together.
struct Batch {
  std::vector<JournalEntry> entries;

  // Returns true if more of its lines follow.
  bool add(std::string_view line, const std::string& where, bool has_checksums) {
    if (!check_line(line, where) && has_checksums) {
      throw UsageError(where + ": is damaged: it has no checksum");
    }
    const JsonDocument document(line, where);
    const JsonReader root(document);
    entries.push_back(entry_from_json(root));
    return root.has("more") && root["more"].boolean();
  }

  void move_to(Entries& all) {
    for (JournalEntry& entry : entries) all.add(std::move(entry));
    entries.clear();
  }
};

}  // namespace

Journal parse_journal(std::string_view text, std::string_view file) {
  Journal journal{.path = std::string(file)};
  Entries entries(journal.entries);
  bool has_checksums = false;
  Batch batch;
  std::size_t whole = 0;
  std::size_t begin = 0;
  for (int line = 1; begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    const std::string where = fmt::format("{}, line {}", file, line);
    const std::string_view content = text.substr(begin, end - begin);
    bool more = false;
    if (line == 1) {
      has_checksums = check_line(content, where);
      const JsonDocument document(content, where);
      read_header(journal, JsonReader(document));
    } else {
      try {
        more = batch.add(content, where, has_checksums);
      } catch (const UsageError& error) {
        // After a power cut, the last line may have its full length but wrong content.
        if (end + 1 == text.size()) break;
        journal.damaged.emplace_back(error.what());
      }
    }
    begin = end + 1;
    if (more) continue;
    batch.move_to(entries);
    whole = begin;
  }
  if (whole == 0) throw UsageError(fmt::format("{}: has no header, so it is not a journal", file));
  journal.whole_bytes = static_cast<std::int64_t>(whole);
  return journal;
}

Journal read_journal(const std::filesystem::path& path) {
  return parse_journal(read_input(path), path.string());
}

namespace {

int num_sms_of(const Json& environment) {
  const Json::json_pointer place("/device/num_sms");
  if (!environment.contains(place) || !environment[place].is_number_integer()) return 0;
  return static_cast<int>(std::clamp<std::int64_t>(environment[place].get<std::int64_t>(), 0, 1 << 20));
}

}  // namespace

TunedTable tuned_table(const Journal& journal) {
  std::vector<std::vector<Contender>> problems;
  std::vector<std::string> times;  // the latest time of each problem's finalists
  Places places;
  for (const JournalEntry& entry : journal.entries) {
    const Problem& problem = entry.known.record.problem;
    const auto same = places.find(problem_id(problem), [&](std::size_t place) {
      return problems[place].front().record.problem == problem;
    });
    const std::size_t place = same.value_or(problems.size());
    if (!same) {
      places.add(problem_id(problem), place);
      problems.emplace_back();
      times.emplace_back();
    }
    problems[place].push_back({.record = entry.known.record,
                               .is_final = true,
                               .finalist = entry.known.finalist,
                               .dropped_at = entry.known.dropped_at,
                               .is_default = entry.known.is_default});
    if (entry.known.finalist) times[place] = std::max(times[place], entry.time);
  }
  const Plan plan = make_plan(JsonDocument(journal.config.dump(), journal.path), "");
  const MeasurePolicy& measure = plan.policy.measure;
  TunedTable table{.path = journal.path, .objective = plan.tune.objective, .entries = {}};
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const std::vector<std::size_t> best = winners(problems[i], measure, table.objective);
    if (best.empty()) continue;
    table.entries.push_back(make_entry(problems[i], best,
                                       {.mode = objective_mode(measure),
                                        .objective = table.objective,
                                        .fingerprint = journal.identity.fingerprint,
                                        .tuned_at = times[i],
                                        .num_sms = num_sms_of(journal.environment)}));
  }
  return table;
}

}  // namespace flashcore
