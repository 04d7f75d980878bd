#include "compare/row_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "compare/resample.hpp"

namespace flashcore {
namespace {

// The condition of a row on one side, from worst to best.
enum class Condition { absent, unsupported, failed, untimed, invalid, measured };

std::vector<const Record*> records_of(const RunRecords& runs) {
  std::vector<const Record*> all;
  for (const auto& [run, records] : runs) all.insert(all.end(), records.begin(), records.end());
  return all;
}

bool is_usable(double us) { return std::isfinite(us) && us > 0; }

Condition condition_of(const Record& record, std::optional<TimingMode> mode) {
  if (record.status == Status::unsupported) return Condition::unsupported;
  if (record.status != Status::ok) return Condition::failed;
  if (!mode || !record.timings[*mode]) return Condition::untimed;
  const Timing& timing = *record.timings[*mode];
  const bool usable = !timing.samples.empty() && std::ranges::all_of(timing.samples, is_usable);
  return usable ? Condition::measured : Condition::invalid;
}

// A side has the condition of its worst record.
Condition condition_of(const RunRecords& runs, std::optional<TimingMode> mode, std::string& note) {
  if (runs.empty()) return Condition::absent;
  Condition worst = Condition::measured;
  for (const Record* record : records_of(runs)) {
    const Condition condition = condition_of(*record, mode);
    if (condition >= worst) continue;
    worst = condition;
    note = record->status == Status::ok ? ""
                                        : fmt::format("{}{}{}", to_string(record->status),
                                                      record->reason.empty() ? "" : ": ", record->reason);
  }
  if (worst == Condition::untimed) note = "not timed";
  if (worst == Condition::invalid) note = "a sample is no positive number";
  return worst;
}

bool all_have(const RunRecords& runs, TimingMode mode) {
  return std::ranges::all_of(records_of(runs),
                             [mode](const Record* record) { return record->timings[mode].has_value(); });
}

std::optional<TimingMode> common_mode(const MatchedRow& row, const ComparePolicy& policy) {
  if (policy.mode) return policy.mode;
  for (const TimingMode mode : kAll<TimingMode>) {
    if (all_have(row.base, mode) && all_have(row.next, mode)) return mode;
  }
  return std::nullopt;
}

// The verdict if at least one side was not measured.
RowState verdict_of_status(Condition base, Condition next, const std::string& base_note,
                           const std::string& next_note) {
  using enum Condition;
  const auto state = [](Verdict verdict, std::string note) {
    return RowState{.statistics = {}, .verdict = verdict, .note = std::move(note), .mode = {}};
  };
  const bool base_worked = base >= untimed;
  const bool next_works = next >= untimed;
  if (next_works && !base_worked) return state(Verdict::added, base == absent ? "" : "was " + base_note);
  if (next == absent) return base_worked ? state(Verdict::missing, "") : RowState{};
  if (next == unsupported) return base_worked ? state(Verdict::broken, next_note) : RowState{};
  if (next == failed) {
    return base == failed ? state(Verdict::same, "on both sides " + next_note)
                          : state(Verdict::broken, next_note);
  }
  if (next == invalid) return state(Verdict::broken, next_note);
  if (base == untimed && next == untimed) {
    return state(Verdict::unclear, "nothing to compare: no clock timed both sides");
  }
  return base == measured ? state(Verdict::unclear, "new: " + next_note)
                          : state(Verdict::unclear, "base: " + base_note);
}

RepeatedRow repeated_row(const RunRecords& runs, TimingMode mode, std::size_t& min_samples) {
  RepeatedRow row;
  for (const auto& [run, records] : runs) {
    std::vector<double> samples;
    for (const Record* record : records) {
      const Timing& timing = *record->timings[mode];
      row.noise_class = std::max(row.noise_class, noise_class(*record, timing));
      row.host_noise = std::max(row.host_noise, host_noise(*record, timing));
      samples.insert(samples.end(), timing.samples.begin(), timing.samples.end());
    }
    row.sampling_variance += bootstrap_log_median_variance(samples) / static_cast<double>(runs.size());
    min_samples = std::min(min_samples, samples.size());
    row.runs.push_back({run, std::log(median_of(std::move(samples)))});
  }
  return row;
}

std::vector<double> all_samples(const RunRecords& runs, TimingMode mode) {
  std::vector<double> all;
  for (const Record* record : records_of(runs)) {
    const std::vector<double>& samples = record->timings[mode]->samples;
    all.insert(all.end(), samples.begin(), samples.end());
  }
  return all;
}

bool any_at_limit(const RunRecords& runs, TimingMode mode) {
  return std::ranges::any_of(records_of(runs),
                             [&](const Record* record) { return is_at_limit(*record->timings[mode]); });
}

RowStatistics row_statistics(const MatchedRow& row, TimingMode mode) {
  RowStatistics statistics;
  statistics.min_samples = std::numeric_limits<std::size_t>::max();
  statistics.base = repeated_row(row.base, mode, statistics.min_samples);
  statistics.next = repeated_row(row.next, mode, statistics.min_samples);
  statistics.at_limit = any_at_limit(row.base, mode) || any_at_limit(row.next, mode);
  // If one side was capped, the other may be, too: the noisier class counts.
  statistics.noise_class = statistics.base.noise_class;
  if (statistics.next.noise_class > NoiseClass::large) statistics.noise_class = statistics.next.noise_class;
  const auto base_runs = static_cast<double>(row.base.size());
  const auto next_runs = static_cast<double>(row.next.size());
  statistics.log_ratio = statistics.next.mean_log_median() - statistics.base.mean_log_median();
  statistics.sampling_variance =
      statistics.base.sampling_variance / base_runs + statistics.next.sampling_variance / next_runs;
  statistics.run_factor = 1 / base_runs + 1 / next_runs;
  statistics.same_samples = all_samples(row.base, mode) == all_samples(row.next, mode);
  return statistics;
}

}  // namespace

// Some kernels differ more between runs than others of their class. A few repeats estimate a row's own
// variance poorly; it is therefore pooled with the stated one (Smyth: "Linear models and empirical Bayes
// methods", 2004).
double RowStatistics::row_variance(const NoiseModel& noise) const {
  const double stated = std::pow(std::max(noise.of(noise_class).row, host_noise()), 2);
  const double freedom = base.degrees_of_freedom() + next.degrees_of_freedom();
  double own = 0;
  if (freedom > 0) {
    const double repeats = (base.sum_of_squares() + next.sum_of_squares()) / freedom;
    own = std::max(0.0, repeats - std::pow(noise.of(noise_class).common, 2) - sampling_variance / run_factor);
  }
  const double moderated = (kPriorRuns * stated + freedom * own) / (kPriorRuns + freedom);
  return sampling_variance + std::max(stated, moderated) * run_factor;
}

double RowStatistics::common_variance(const NoiseModel& noise) const {
  return std::pow(std::max(noise.of(noise_class).common, host_noise()), 2) * run_factor;
}

std::vector<SideRow> side_rows(const Runs& runs, const ComparePolicy& policy) {
  std::vector<SideRow> rows;
  for (MatchedRow& row : match_rows(runs, {})) {
    const auto was_not_timed = [](const Record* record) { return record->headline() == nullptr; };
    std::erase_if(row.base, [&](const auto& run) { return std::ranges::any_of(run.second, was_not_timed); });
    const std::optional<TimingMode> mode = common_mode(row, policy);
    std::erase_if(row.base, [&](const auto& run) {
      std::string ignored;
      return condition_of(RunRecords{run}, mode, ignored) != Condition::measured;
    });
    if (row.base.empty()) continue;
    std::size_t min_samples = std::numeric_limits<std::size_t>::max();
    rows.push_back({row.base.rbegin()->second.back(), repeated_row(row.base, *mode, min_samples)});
  }
  return rows;
}

RowState row_state(const MatchedRow& row, const ComparePolicy& policy) {
  const std::optional<TimingMode> mode = common_mode(row, policy);
  std::string base_note;
  std::string next_note;
  const Condition base = condition_of(row.base, mode, base_note);
  const Condition next = condition_of(row.next, mode, next_note);
  if (base != Condition::measured || next != Condition::measured) {
    return verdict_of_status(base, next, base_note, next_note);
  }
  return {.statistics = row_statistics(row, *mode), .verdict = {}, .note = {}, .mode = mode};
}

}  // namespace flashcore
