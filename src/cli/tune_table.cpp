#include "cli/tune_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "base/text_table.hpp"

namespace flashcore {
namespace {

constexpr std::size_t kListedOthers = 5;
constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kNotableRatio =
    0.8;  // a lower occupancy or wave fill, relative to the winner's, is a reason

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
  return mine == nullptr ? "" : percent(mine->median / best->median);
}

// A finalist's distance to the winner. The others were dropped in earlier rounds, whose times the winner's final ones
// cannot be compared with.
std::string distance(const Contender& contender, const Record& winner, TimingMode mode) {
  if (contender.finalist) return behind(contender.record, winner, mode);
  return contender.dropped_at ? "dropped at " + percent(*contender.dropped_at) : "dropped";
}

std::vector<std::string> make_row(const char* mark, const Contender& contender, const Record& winner,
                                  TimingMode mode) {
  const Record& record = contender.record;
  const auto& timing = record.timings[mode];
  std::vector<std::string> row = {fmt::format("{} {}", mark, record.variant_id()),
                                  timing ? format_significant(timing->median, 4) : std::string(kNothing),
                                  &record == &winner ? "" : distance(contender, winner, mode)};
  if (are_known(record.resources)) {
    row.push_back(fmt::format("{:.0f} %", 100 * record.resources->occupancy));
    row.push_back(fmt::format("{:.2f}", record.resources->waves));
    row.push_back(fmt::format("{}", record.resources->registers));
    row.push_back(fmt::format("{}", record.resources->spill_bytes));
  } else {
    row.insert(row.end(), 4, "");
  }
  row.push_back(why_slower(record, winner));
  return row;
}

// The correct contenders that are not among the best: finalists by their distance, then the others by the distance at which
// they were dropped.
std::vector<const Contender*> other_contenders(std::span<const Contender> contenders,
                                               std::span<const std::size_t> best, TimingMode mode) {
  const Record& winner = contenders[best.front()].record;
  std::vector<const Contender*> found;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const Record& record = contenders[i].record;
    if (record.status == Status::ok && std::ranges::count(best, i) == 0 && record.headline() != nullptr) {
      found.push_back(&contenders[i]);
    }
  }
  std::ranges::stable_sort(found, {}, [&](const Contender* contender) {
    const Timing* mine = shared_timing(contender->record, winner, mode);
    if (!contender->finalist) return std::pair(true, contender->dropped_at.value_or(kNever));
    return std::pair(false, mine == nullptr ? kNever : mine->median);
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
                         TimingMode mode, int width) {
  const std::string name = printable(contenders.front().record.problem.name);
  if (best.empty()) return fmt::format("{}: no candidate is correct\n{}", name, render_failures(contenders));
  const Record& winner = contenders[best.front()].record;
  TextTable table({{"  variant", Align::left, 0, Cut::middle},
                   {fmt::format("{} µs", to_string(mode)), Align::right},
                   {"behind", Align::right},
                   {"occupancy", Align::right, 1},
                   {"waves", Align::right, 2},
                   {"registers", Align::right, 3},
                   {"spills", Align::right, 4},
                   {"", Align::left, 0, Cut::end}});
  for (const std::size_t i : best) {
    table.add(make_row(i == best.front() ? "*" : "=", contenders[i], winner, mode));
  }
  const std::vector<const Contender*> others = other_contenders(contenders, best, mode);
  for (std::size_t i = 0; i < std::min(others.size(), kListedOthers); ++i) {
    table.add(make_row(" ", *others[i], winner, mode));
  }
  std::string text = fmt::format("{}: {} of {} candidates\n{}", name, best.size() > 1 ? "tie" : "winner",
                                 contenders.size(), table.text({.width = width}));
  if (others.size() > kListedOthers) {
    const std::string last = distance(*others.back(), winner, mode);
    text += fmt::format("  {} more{}{}\n", others.size() - kListedOthers, last.empty() ? "" : ", the last ",
                        last);
  }
  return text + render_failures(contenders);
}

}  // namespace flashcore
