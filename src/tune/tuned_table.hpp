// Tuned tables: for each class of problems the fastest variant, those that tie with it, and what they were
// measured on. configs/schema/tuned.schema.json describes the form.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "execute/executor.hpp"
#include "record/record.hpp"
#include "tune/searcher.hpp"

namespace flashcore {

// What times hold for.
struct Fingerprint {
  Backend backend = Backend::cpu;
  std::string device;  // its name
  std::string driver;  // of a CUDA device, as NVML or else the CUDA driver reports it; else empty
  bool operator==(const Fingerprint&) const = default;
};

// Asks NVML for the driver of a CUDA device.
Fingerprint make_fingerprint(const DeviceInfo& device);

struct TunedVariant {
  std::string variant;    // its id
  std::string code_hash;  // of its machine code; empty where there is none
  double median_us = 0;
  double ci95_low_us = 0;
  double ci95_high_us = 0;
  std::int64_t samples = 0;
};

struct TunedEntry {
  Problem problem;
  Fingerprint fingerprint;
  std::string tuned_at;  // UTC, "2026-11-22T23:10:00Z"
  TimingMode mode = TimingMode::hot;
  TunedVariant winner;
  std::vector<TunedVariant> ties;  // cannot be told from the winner
};

struct TunedTable {
  std::string path;
  std::vector<TunedEntry> entries;
};

// Problems that want the same variant: equal but for name and scale; causal is a window_right of 0.
bool is_same_class(const Problem& a, const Problem& b);

// The entry of one problem. `best` are contenders of it, timed, the winner first.
TunedEntry make_entry(std::span<const Contender> contenders, std::span<const std::size_t> best,
                      TimingMode mode, const Fingerprint& fingerprint, std::string tuned_at);

// Now, as `tuned_at` has it.
std::string utc_now();

// Throws UsageError with the file and JSON pointer of what is wrong.
TunedTable parse_tuned_table(std::string_view text, std::string_view file);
TunedTable read_tuned_table(const std::filesystem::path& path);

// Replaces the file in one step. Throws EnvironmentError.
void write_tuned_table(const TunedTable& table, const std::filesystem::path& path);

// Adds an entry; of two for one class, device and driver the later stays, of equally late ones the faster.
// Returns what was decided between them in a line of text, or nothing when there was no conflict or both
// name the same winner.
std::string add_entry(TunedTable& table, const TunedEntry& entry);

}  // namespace flashcore
