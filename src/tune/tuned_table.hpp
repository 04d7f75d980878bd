// Tuned tables: the fastest variant of each class of problems, its ties, and the device and driver that they
// were timed on. The file format is configs/schema/tuned.schema.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/json_document.hpp"
#include "base/output_file.hpp"
#include "execute/executor.hpp"
#include "measure/energy.hpp"
#include "record/record.hpp"
#include "tune/objective.hpp"
#include "tune/searcher.hpp"

namespace flashcore {

// The device and driver that times are valid for.
struct Fingerprint {
  Backend backend = Backend::cpu;
  std::string device;  // the device's name
  std::string driver;  // version from NVML, or from the CUDA driver if there is no NVML; empty on the CPU
  bool operator==(const Fingerprint&) const = default;
};

// As part of a file's name: "h100-80gb-hbm3-580-95-05".
std::string file_part(const Fingerprint& fingerprint);

// Reads the driver version of a CUDA device from NVML.
Fingerprint make_fingerprint(const DeviceInfo& device);

struct TunedVariant {
  std::string variant;    // the id
  std::string code_hash;  // hash of its machine code; empty if unknown
  double median_us = 0;
  double ci95_low_us = 0;
  double ci95_high_us = 0;
  std::int64_t samples = 0;
  std::optional<EnergyEstimate> energy = {};  // per call; absent where it was not measured
};

// What a candidate took beside the best one, in the last round that it was part of. In a table for Objective::energy, that
// of a finalist is its energy.
struct TunedTime {
  std::string variant;    // the id
  std::string code_hash;  // as in TunedVariant
  double ratio = 1;       // its time over the best one's
  int blocks_per_sm = 0;  // that run at a time; 0 if unknown
};

// Slower candidates are not kept: nobody would choose them.
inline constexpr double kMostKeptRatio = 4;

struct TunedEntry {
  Problem problem;
  Fingerprint fingerprint;
  std::string tuned_at;  // UTC, "2026-11-22T23:10:00Z"
  TimingMode mode = TimingMode::hot;
  std::optional<double> sm_clock_mhz;  // median while the winner was timed; absent where it is unknown
  TunedVariant winner;
  std::vector<TunedVariant> ties;         // what cannot be distinguished from the winner
  std::vector<TunedVariant> pareto = {};  // of Objective::both: pareto_set(), in the order of time
  std::vector<TunedTime> times;           // of candidates in the order of ids; empty in older tables
  std::string default_variant;            // the id of what runs without a table; empty if it was no candidate
  int num_sms = 0;                        // of the device; 0 if unknown
};

struct TunedTable {
  std::string path;
  Objective objective = Objective::latency;  // what the winners have least of; older tables do not say it
  std::vector<TunedEntry> entries;
};

// True if the problems need the same variant: they differ only in name and scale. causal equals a
// window_right of 0.
bool is_same_class(const Problem& a, const Problem& b);
// Equal for problems of one class; those of few others are equal, too.
std::string class_id(const Problem& problem);

// Where and when an entry was tuned.
struct TunedWhere {
  TimingMode mode = TimingMode::hot;
  Objective objective = Objective::latency;
  Fingerprint fingerprint;
  std::string tuned_at;
  int num_sms = 0;
};

// The entry of one problem. `best` holds the indices of the winner and its ties, as from winners().
TunedEntry make_entry(std::span<const Contender> contenders, std::span<const std::size_t> best,
                      const TunedWhere& where);

// Times in tables: from a picosecond to eleven days.
inline constexpr double kMinTimeUs = 1e-6;
inline constexpr double kMaxTimeUs = 1e12;

// The current time in the format of `tuned_at`.
std::string utc_now();

// The same format, read. Throws UsageError unless it is a time.
std::string read_utc_time(const JsonReader& reader);

// A time of a kernel in microseconds. Throws UsageError unless it is one that a clock can show.
double read_time_us(const JsonReader& reader);

// Joules per call, from a picojoule on.
inline constexpr double kMinEnergyJ = 1e-12;
inline constexpr double kMaxEnergyJ = 1e12;
// Throws UsageError unless it is in these limits.
inline double read_energy_j(const JsonReader& reader) { return reader.number(kMinEnergyJ, kMaxEnergyJ); }

// Throws UsageError with the file and the JSON pointer of an error.
TunedTable parse_tuned_table(std::string_view text, std::string_view file);
TunedTable read_tuned_table(const std::filesystem::path& path, bool is_input = true);  // InputRules::is_input

// `dispatch` are reports of tune/dispatch_report.hpp for readers; they are not read again.
std::string tuned_table_text(const TunedTable& table, std::span<const Json> dispatch = {});
// Throws as OutputFile does.
void write_tuned_table(const TunedTable& table, OutputFile& file, std::span<const Json> dispatch = {});

// "results/tuned/h100.json", with its objective if that is not latency.
std::string named_table(const TunedTable& table);

// Throws UsageError that begins with `where` if the table has entries and another objective than `wanted`, which `whose`
// has.
void check_objective(const TunedTable& table, std::string_view where, Objective wanted,
                     std::string_view whose);

// Adds entries. If the table has an entry for the same class, device and driver, the later one is kept; if both have the
// same time, the faster one. Returns a line of text for each such decision between two different winners.
std::vector<std::string> add_entries(TunedTable& table, std::span<const TunedEntry> entries);

}  // namespace flashcore
