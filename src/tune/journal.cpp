#include "tune/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/json_fields.hpp"
#include "base/schema_version.hpp"
#include "results/environment.hpp"
#include "results/record_json.hpp"
#include "results/result_file.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kForm = "tune_journal";

SweepIdentity identity_from_json(const JsonReader& reader) {
  SweepIdentity identity;
  FieldReader fields(reader);
  fields.required("backend", identity.fingerprint.backend);
  fields.required("device", identity.fingerprint.device);
  fields.required("driver", identity.fingerprint.driver);
  fields.required("code", identity.code);
  fields.required("plan", identity.plan);
  return identity;
}

void read_header(Journal& journal, const JsonReader& root) {
  check_schema_version(root);
  journal.identity = identity_from_json(require_field(root, kForm));
  journal.environment = require_field(root, "environment").value();
  journal.config = require_field(root, "config").value();
}

JournalEntry entry_from_json(const JsonReader& root) {
  JournalEntry entry{.time = require_field(root, "time").string(), .known = {}};
  entry.known.finalist = require_field(root, "finalist").boolean();
  entry.known.record = record_from_json(require_field(root, "record"));
  return entry;
}

// Appends the entry, or replaces an earlier one of the same variant and problem.
void add(std::vector<JournalEntry>& entries, JournalEntry entry) {
  const auto same = std::ranges::find_if(entries, [&](const JournalEntry& other) {
    return other.known.record.problem == entry.known.record.problem &&
           other.known.record.variant_id() == entry.known.record.variant_id();
  });
  if (same == entries.end()) {
    entries.push_back(std::move(entry));
  } else {
    *same = std::move(entry);
  }
}

// The hash of this program's file, for devices whose machine code cannot be read.
std::string program_hash() { return hash_hex(read_text_file("/proc/self/exe")); }

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
  for (const char* key : {"problems", "variants", "check", "measure", "tune", "seed"}) {
    if (plan.config.contains(key)) timed[key] = plan.config.at(key);
  }
  if (timed.contains("measure")) timed["measure"].erase("budget_s");
  return config_hash(timed);
}

}  // namespace

SweepIdentity make_identity(const Plan& plan, std::span<const ProblemSpace> space, const Executor& executor) {
  return {.fingerprint = make_fingerprint(executor.device()),
          .code = code_hash(space, executor),
          .plan = plan_hash(plan)};
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
  return found;
}

Journal parse_journal(std::string_view text, std::string_view file) {
  Journal journal{.path = std::string(file)};
  std::size_t begin = 0;
  for (int line = 1; begin < text.size(); ++line) {
    const std::size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) break;
    try {
      const JsonDocument document(text.substr(begin, end - begin), fmt::format("{}, line {}", file, line));
      const JsonReader root(document);
      if (line == 1) {
        read_header(journal, root);
      } else {
        add(journal.entries, entry_from_json(root));
      }
    } catch (const UsageError&) {
      // After a power cut, the last line may have its full length but wrong content.
      if (line > 1 && end + 1 == text.size()) break;
      throw;
    }
    begin = end + 1;
  }
  if (begin == 0) throw UsageError(fmt::format("{}: has no header, so it is not a journal", file));
  journal.whole_bytes = static_cast<std::int64_t>(begin);
  return journal;
}

Journal read_journal(const std::filesystem::path& path) {
  return parse_journal(read_text_file(path), path.string());
}

std::vector<TunedEntry> tuned_entries(const Journal& journal) {
  std::vector<std::vector<Contender>> problems;
  std::vector<std::string> times;  // the latest time of each problem's finalists
  for (const JournalEntry& entry : journal.entries) {
    if (!entry.known.finalist) continue;
    const auto same = std::ranges::find_if(problems, [&](const std::vector<Contender>& contenders) {
      return contenders.front().record.problem == entry.known.record.problem;
    });
    const auto at = same - problems.begin();
    if (same == problems.end()) {
      problems.emplace_back();
      times.emplace_back();
    }
    const auto place = static_cast<std::size_t>(at);
    problems[place].push_back({.record = entry.known.record, .is_final = true, .finalist = true});
    times[place] = std::max(times[place], entry.time);
  }
  const MeasurePolicy measure =
      make_plan(JsonDocument(journal.config.dump(), journal.path), "").policy.measure;
  std::vector<TunedEntry> entries;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    const std::vector<std::size_t> best = winners(problems[i], measure);
    if (best.empty()) continue;
    entries.push_back(
        make_entry(problems[i], best, objective_mode(measure), journal.identity.fingerprint, times[i]));
  }
  return entries;
}

}  // namespace flashcore
