// The journal of a sweep, in JSON lines. Every line is synced before the sweep continues, so that a kill, a
// full disk or a power cut loses at most the current measurement.
//
//   {"schema_version":1,"tune_journal":{"backend":…,"device":…,"driver":…,"code":…,"plan":…,"shard":"3/200"},
//    "environment":…,"config":…}
//   {"time":"2026-11-22T23:10:00Z","finalist":false,"record":{…},"checksum":"0f…"}
//
// `dropped_at` is there for a candidate that the search dropped: its time over the best one's in that round. `default` is
// true for the variant that runs where no table applies.
// The checksum is the hash (base/hash.hpp) of the line up to `,"checksum"`. The header has one, too. Older journals have
// none; their lines are damaged only where they are no entries.
//
// The records of all finalists of a round are written together: each but the last has `"more":true`. A cut among them
// leaves none of them, since the winner of some finalists is not the winner of all. If a variant has two records for a problem,
// the later one counts. That happens if finalists fail their last check and other contenders become
// finalists.
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

// Identifies a sweep. A sweep may only resume a journal with the same identity.
struct SweepIdentity {
  Fingerprint fingerprint;
  std::string code;  // hash of the candidates' hashes
  std::string
      plan;  // hash of the config's problems, variants, check, measure (without budget_s), tune and seed
  std::string shard;  // "3/200"; empty in older journals, which do not tell
};

SweepIdentity make_identity(const Plan& plan, const Shard& shard, std::span<const ProblemSpace> space,
                            const Executor& executor);

// One text per difference: "device (NVIDIA L4, now NVIDIA H100)". Empty if both are equal.
std::vector<std::string> differences(const SweepIdentity& before, const SweepIdentity& now);

struct JournalEntry {
  std::string time;  // UTC, like TunedEntry::tuned_at
  KnownRecord known;
};

struct Journal {
  std::string path;
  SweepIdentity identity;
  Json environment = Json::object();
  Json config = Json::object();
  std::vector<JournalEntry> entries;  // one per variant and problem
  std::vector<std::string> damaged;   // one text per line that was skipped: the place and what is wrong there
  std::int64_t whole_bytes = 0;       // length of the file up to the end of the last complete batch of lines
};

// True for an empty text, for a journal and for the beginning of one.
bool begins_as_journal(std::string_view text);

// A line of the journal with its checksum and line end. `json` is an object.
std::string journal_line(const Json& json);

// Ignores an incomplete last batch of lines, and lists lines that are damaged. Throws UsageError if the header is.
Journal parse_journal(std::string_view text, std::string_view file);
Journal read_journal(const std::filesystem::path& path);

// One entry per problem that has a winner.
TunedTable tuned_table(const Journal& journal);

// Appends to a journal. Locks the file, so that two sweeps cannot write to the same journal.
class JournalWriter {
 public:
  // Creates a journal and replaces an existing file. Throws UsageError if the file cannot be created or is
  // locked.
  JournalWriter(const std::filesystem::path& path, const SweepIdentity& identity, const Json& environment,
                const Json& config);
  // Continues a journal after `whole_bytes`. Throws UsageError like the other constructor.
  explicit JournalWriter(const Journal& journal);
  ~JournalWriter();
  JournalWriter(const JournalWriter&) = delete;
  JournalWriter& operator=(const JournalWriter&) = delete;

  // Writes and syncs the records. Throws EnvironmentError on failure, for example if the disk is full. The
  // journal then has none of these records and all earlier ones.
  void add(std::span<const KnownRecord> records);

 private:
  JournalWriter(const std::filesystem::path& path, std::int64_t keep_bytes);
  void append(std::string_view text);

  std::string path_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;  // bytes of complete lines
};

}  // namespace flashcore
