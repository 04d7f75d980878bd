#include "cli/tune_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "base/columns.hpp"
#include "base/text.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kListedOthers = 5;
constexpr double kNotableRatio =
    0.8;  // a lower occupancy or wave fill, relative to the winner's, is a reason

using Row = std::vector<std::string>;

// Peers do not report their resources.
bool are_known(const std::optional<Resources>& resources) { return resources && resources->threads > 0; }

// The mean fill of the waves of blocks, including the last one.
double wave_fill(const Resources& resources) {
  return resources.waves > 0 ? resources.waves / std::ceil(resources.waves) : 1;
}

// The record's timing in a mode that both records have: `mode` if possible, or call. Null if there is none.
const Timing* shared_timing(const Record& record, const Record& other, TimingMode mode) {
  if (record.timings[mode] && other.timings[mode]) return &*record.timings[mode];
  return record.timings[TimingMode::call] && other.timings[TimingMode::call]
             ? &*record.timings[TimingMode::call]
             : nullptr;
}

std::string behind(const Record& record, const Record& winner, TimingMode mode) {
  const Timing* mine = shared_timing(record, winner, mode);
  const Timing* best = shared_timing(winner, record, mode);
  if (mine == nullptr) return "-";
  return fmt::format("{:+.1f}%", 100 * (mine->median / best->median - 1));
}

Row make_row(const char* mark, const Record& record, const Record& winner, TimingMode mode) {
  Row row = {fmt::format("{} {}", mark, record.variant_id())};
  const auto& timing = record.timings[mode];
  row.push_back(timing ? format_significant(timing->median, 4) : "-");
  row.push_back(&record == &winner ? "" : behind(record, winner, mode));
  if (are_known(record.resources)) {
    row.push_back(fmt::format("{:.0f}%", 100 * record.resources->occupancy));
    row.push_back(fmt::format("{:.2f}", record.resources->waves));
    row.push_back(fmt::format("{}", record.resources->registers));
    row.push_back(fmt::format("{}", record.resources->spill_bytes));
  } else {
    row.insert(row.end(), 4, "-");
  }
  row.push_back(why_slower(record, winner));
  return row;
}

// The correct records that are not among the best, in the order of their times.
std::vector<const Record*> other_records(std::span<const Contender> contenders,
                                         std::span<const std::size_t> best, TimingMode mode) {
  const Record& winner = contenders[best.front()].record;
  std::vector<const Record*> found;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const Record& record = contenders[i].record;
    if (record.status == Status::ok && std::ranges::count(best, i) == 0 && record.headline() != nullptr) {
      found.push_back(&record);
    }
  }
  std::ranges::stable_sort(found, {}, [&](const Record* record) {
    const Timing* mine = shared_timing(*record, winner, mode);
    return mine == nullptr ? record->headline()->median
                           : mine->median / shared_timing(winner, *record, mode)->median;
  });
  return found;
}

std::string render_failures(std::span<const Contender> contenders) {
  std::string text;
  for (const Contender& contender : contenders) {
    const Record& record = contender.record;
    if (record.status == Status::ok) continue;
    text += fmt::format("  {}  {}: {}\n", printable(record.variant_id()), to_string(record.status),
                        printable(record.reason));
  }
  return text;
}

}  // namespace

std::string why_slower(const Record& record, const Record& winner) {
  if (!are_known(record.resources) || !are_known(winner.resources)) return "";
  const Resources& mine = *record.resources;
  const Resources& best = *winner.resources;
  std::vector<std::string> reasons;
  if (mine.spill_bytes > best.spill_bytes) reasons.push_back("spills registers");
  if (mine.occupancy < kNotableRatio * best.occupancy) reasons.push_back("lower occupancy");
  if (wave_fill(mine) < kNotableRatio * wave_fill(best)) {
    reasons.push_back(mine.waves < 1 ? "too few blocks for the device" : "last wave nearly empty");
  }
  return fmt::format("{}", fmt::join(reasons, ", "));
}

std::string render_tuned(std::span<const Contender> contenders, std::span<const std::size_t> best,
                         TimingMode mode) {
  const std::string name = printable(contenders.front().record.problem.name);
  if (best.empty()) return fmt::format("{}: no candidate is correct\n{}", name, render_failures(contenders));
  const Record& winner = contenders[best.front()].record;
  std::vector<Row> rows = {{"  variant", fmt::format("{} us", to_string(mode)), "behind", "occupancy",
                            "waves", "registers", "spills", ""}};
  for (const std::size_t i : best) {
    rows.push_back(make_row(i == best.front() ? "*" : "=", contenders[i].record, winner, mode));
  }
  const std::vector<const Record*> others = other_records(contenders, best, mode);
  for (std::size_t i = 0; i < std::min(others.size(), kListedOthers); ++i) {
    rows.push_back(make_row(" ", *others[i], winner, mode));
  }
  std::string text = fmt::format("{}: {} of {} candidates\n{}", name, best.size() > 1 ? "tie" : "winner",
                                 contenders.size(), align_columns(rows));
  if (others.size() > kListedOthers) {
    text += fmt::format("  {} more, up to {} behind\n", others.size() - kListedOthers,
                        behind(*others.back(), winner, mode));
  }
  return text + render_failures(contenders);
}

}  // namespace flashcore
