// The journal of a sweep: JSON lines, each synced before the sweep goes on, so that a kill, a full disk or a
// power cut costs at most what was being measured.
//
//   {"schema_version":1,"tune_journal":{"backend":…,"device":…,"driver":…,"code":…,"plan":…},"environment":…,
//    "config":…}
//   {"time":"2026-11-22T23:10:00Z","finalist":false,"record":{…}}
//
// The records of one round of finalists are written together. Of two records of one variant and problem the
// later holds (a finalist that turned out wrong makes runners-up finalists).
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "config/plan.hpp"
#include "tune/sweep.hpp"
#include "tune/tuned_table.hpp"

namespace flashcore {

// What a sweep's records hold for; another identity is another sweep.
struct SweepIdentity {
  Fingerprint fingerprint;
  std::string code;  // hash of the candidates' machine code; on the CPU of this program's file
  std::string
      plan;  // hash of the config's problems, variants, check, measure (but its budget), tune and seed
};

SweepIdentity make_identity(const Plan& plan, std::span<const ProblemSpace> space, const Executor& executor);

// What the two differ in: "device: NVIDIA L4, now NVIDIA H100". Empty when they are the same.
std::vector<std::string> differences(const SweepIdentity& before, const SweepIdentity& now);

struct JournalEntry {
  std::string time;  // UTC, as TunedEntry::tuned_at
  KnownRecord known;
};

struct Journal {
  std::string path;
  SweepIdentity identity;
  Json environment = Json::object();
  Json config = Json::object();
  std::vector<JournalEntry> entries;  // each variant and problem once
  std::int64_t whole_bytes = 0;       // up to the end of the last whole line
};

// A last line that was cut off is left out. Throws UsageError, with the line, for anything else that is
// wrong.
Journal parse_journal(std::string_view text, std::string_view file);
Journal read_journal(const std::filesystem::path& path);

// The tuned entries of the problems that were decided.
std::vector<TunedEntry> tuned_entries(const Journal& journal);

// Appends to a journal; holds a lock on it, so that two sweeps cannot write to one.
class JournalWriter {
 public:
  // Begins a new journal in place of what is there. Throws UsageError when the file cannot be made or is in
  // use.
  JournalWriter(const std::filesystem::path& path, const SweepIdentity& identity, const Json& environment,
                const Json& config);
  // Goes on with a journal; what follows its last whole line is cut off. Throws as above.
  explicit JournalWriter(const Journal& journal);
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  // Written and synced when it returns. Throws EnvironmentError when that fails, the disk being full for
  // example; none of the records is then in the journal, and all from before are.
  void add(std::span<const KnownRecord> records);

 private:
  JournalWriter(const std::filesystem::path& path, std::int64_t keep_bytes);
  void append(std::string_view text);

  std::string path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;  // of what was written whole
};

}  // namespace flashcore
