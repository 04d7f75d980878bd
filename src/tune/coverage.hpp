// What the journals of a sweep have together, and what they lack.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "tune/journal.hpp"
#include "tune/tuned_table.hpp"

namespace flashcore {

// A config on devices of one fingerprint: what a merged table lacks of it.
struct SweepGaps {
  Fingerprint fingerprint;
  std::string plan;                  // SweepIdentity::plan
  std::size_t problems = 0;          // of the config
  std::vector<std::string> missing;  // problems without an entry in the table, in the order of the config
  std::vector<std::string> without_winner;   // problems of which no candidate is right
  std::int64_t shards = 1;                   // the sweep has
  std::vector<std::int64_t> missing_shards;  // those of the missing problems, ascending
};

class Coverage {
 public:
  void add(const Journal& journal);

  // One per config and fingerprint of the journals, in their order. Throws UsageError if a journal's config is wrong.
  std::vector<SweepGaps> gaps(const TunedTable& table) const;

 private:
  struct Sweep {
    SweepIdentity identity;  // of its first journal
    std::string path;        // of the same
    Json config;
    std::set<std::string> failed;  // ids of problems that have records, none of them with the status ok
  };

  std::vector<Sweep> sweeps_;
};

// Whole numbers in ascending order as ranges: "1-3,7".
std::string ranges_text(std::span<const std::int64_t> numbers);

// Reports files whose cards ran at other clocks than most.
class ClockSpread {
 public:
  void add(const std::string& path, std::span<const TunedEntry> entries);

  // One sentence per fingerprint and file whose highest clock is far from the median of the files.
  std::vector<std::string> sentences() const;

 private:
  struct Highest {
    Fingerprint fingerprint;
    std::string path;
    double mhz;
  };

  std::vector<Highest> files_;
};

}  // namespace flashcore
