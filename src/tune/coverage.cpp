#include "tune/coverage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "attention/problem_fields.hpp"
#include "config/plan.hpp"
#include "tune/places.hpp"
#include "tune/space.hpp"

namespace flashcore {
namespace {

// Boost clocks of equal cards differ by less.
constexpr double kClockSpread = 0.05;

// Finds problems among the entries of one fingerprint.
class Tuned {
 public:
  Tuned(const TunedTable& table, const Fingerprint& fingerprint) : table_(table) {
    for (std::size_t i = 0; i < table.entries.size(); ++i) {
      const TunedEntry& entry = table.entries[i];
      if (entry.fingerprint == fingerprint) places_.add(class_id(entry.problem), i);
    }
  }

  bool has(const Problem& problem) const {
    const auto place = places_.find(
        class_id(problem), [&](std::size_t i) { return is_same_class(table_.entries[i].problem, problem); });
    return place.has_value();
  }

 private:
  const TunedTable& table_;
  Places places_;
};

std::set<std::string> failed_problems(const Journal& journal) {
  std::map<std::string, bool> has_ok;
  for (const JournalEntry& entry : journal.entries) {
    const Record& record = entry.known.record;
    has_ok[problem_id(record.problem)] |= record.status == Status::ok;
  }
  std::set<std::string> failed;
  for (const auto& [id, ok] : has_ok) {
    if (!ok) failed.insert(id);
  }
  return failed;
}

std::int64_t shards_of(const SweepIdentity& identity) {
  return identity.shard.empty() ? 1 : parse_shard(identity.shard, "shard").count;
}

}  // namespace

void Coverage::add(const Journal& journal) {
  const auto same = std::ranges::find_if(sweeps_, [&](const Sweep& sweep) {
    return sweep.identity.plan == journal.identity.plan &&
           sweep.identity.fingerprint == journal.identity.fingerprint;
  });
  const bool is_new = same == sweeps_.end();
  if (is_new) sweeps_.push_back({journal.identity, journal.path, journal.config, {}});
  (is_new ? sweeps_.back() : *same).failed.merge(failed_problems(journal));
}

std::vector<SweepGaps> Coverage::gaps(const TunedTable& table) const {
  std::vector<SweepGaps> all;
  for (const Sweep& sweep : sweeps_) {
    const std::vector<Problem> problems =
        make_plan(JsonDocument(sweep.config.dump(), sweep.path), "").problems;
    const Tuned tuned(table, sweep.identity.fingerprint);
    SweepGaps gaps{.fingerprint = sweep.identity.fingerprint,
                   .plan = sweep.identity.plan,
                   .problems = problems.size(),
                   .shards = shards_of(sweep.identity)};
    std::set<std::int64_t> shards;
    for (std::size_t i = 0; i < problems.size(); ++i) {
      if (tuned.has(problems[i])) continue;
      const bool failed = sweep.failed.contains(problem_id(problems[i]));
      (failed ? gaps.without_winner : gaps.missing).push_back(problems[i].name);
      if (!failed) shards.insert(shard_of(i, gaps.shards));
    }
    gaps.missing_shards.assign(shards.begin(), shards.end());
    all.push_back(std::move(gaps));
  }
  return all;
}

std::string ranges_text(std::span<const std::int64_t> numbers) {
  std::string text;
  for (std::size_t first = 0; first < numbers.size();) {
    std::size_t last = first;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += first == last ? fmt::format("{}", numbers[first])
                          : fmt::format("{}-{}", numbers[first], numbers[last]);
    first = last + 1;
  }
  return text;
}

void ClockSpread::add(const std::string& path, std::span<const TunedEntry> entries) {
  const std::size_t begin = files_.size();
  for (const TunedEntry& entry : entries) {
    if (!entry.sm_clock_mhz) continue;
    const auto same =
        std::find_if(files_.begin() + static_cast<std::ptrdiff_t>(begin), files_.end(),
                     [&](const Highest& file) { return file.fingerprint == entry.fingerprint; });
    if (same == files_.end()) {
      files_.push_back({entry.fingerprint, path, *entry.sm_clock_mhz});
    } else {
      same->mhz = std::max(same->mhz, *entry.sm_clock_mhz);
    }
  }
}

std::vector<std::string> ClockSpread::sentences() const {
  std::map<std::string, std::vector<double>> clocks;  // by the device's name
  for (const Highest& file : files_) clocks[file.fingerprint.device].push_back(file.mhz);
  for (auto& [device, mhz] : clocks) std::ranges::sort(mhz);
  std::vector<std::string> texts;
  for (const Highest& file : files_) {
    const std::vector<double>& all = clocks[file.fingerprint.device];
    const double middle = all[all.size() / 2];
    if (std::abs(file.mhz / middle - 1) <= kClockSpread) continue;
    texts.push_back(fmt::format(
        "{}: {} ran at {:.0f} MHz, most of its files at {:.0f} MHz; such times cannot be compared", file.path,
        file.fingerprint.device, file.mhz, middle));
  }
  return texts;
}

}  // namespace flashcore
