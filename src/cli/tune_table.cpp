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
#include "measure/energy.hpp"

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

// What a finalist takes over what the winner takes.
std::optional<double> ratio_of_finalist(const Contender& finalist, const Record& winner,
                                        const Deciding& deciding) {
  if (deciding.objective == Objective::energy)
    return ratio_to(winner, finalist, deciding.mode, deciding.objective);
  const Timing* mine = shared_timing(finalist.record, winner, deciding.mode);
  const Timing* best = shared_timing(winner, finalist.record, deciding.mode);
  return mine == nullptr ? std::nullopt : std::optional(mine->median / best->median);
}

// A finalist's distance to the winner. The others were dropped in earlier rounds, whose times the winner's final ones
// cannot be compared with.
std::string distance(const Contender& contender, const Record& winner, const Deciding& deciding) {
  if (contender.finalist) {
    const std::optional<double> ratio = ratio_of_finalist(contender, winner, deciding);
    return ratio ? percent(*ratio) : "";
  }
  return contender.dropped_at ? "dropped at " + percent(*contender.dropped_at) : "dropped";
}

// Millijoules per call, and half their interval.
void add_energy(std::vector<std::string>& row, const Record& record) {
  const auto energy = energy_estimate(record);
  row.push_back(energy ? format_significant(1e3 * energy->mean_j, 4) : std::string(kNothing));
  row.push_back(energy ? fmt::format("{:.1f} %", 100 * energy->half_width()) : "");
}

std::vector<std::string> make_row(const char* mark, const Contender& contender, const Record& winner,
                                  const Deciding& deciding) {
  const Record& record = contender.record;
  const auto& timing = record.timings[deciding.mode];
  std::vector<std::string> row = {fmt::format("{} {}", mark, record.variant_id()),
                                  timing ? format_significant(timing->median, 4) : std::string(kNothing),
                                  &record == &winner ? "" : distance(contender, winner, deciding)};
  if (needs_energy(deciding.objective)) add_energy(row, record);
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
                                               std::span<const std::size_t> best, const Deciding& deciding) {
  const Record& winner = contenders[best.front()].record;
  std::vector<const Contender*> found;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const Record& record = contenders[i].record;
    if (record.status == Status::ok && std::ranges::count(best, i) == 0 && record.headline() != nullptr) {
      found.push_back(&contenders[i]);
    }
  }
  std::ranges::stable_sort(found, {}, [&](const Contender* contender) {
    if (!contender->finalist) return std::pair(true, contender->dropped_at.value_or(kNever));
    return std::pair(false, ratio_of_finalist(*contender, winner, deciding).value_or(kNever));
  });
  return found;
}

std::vector<TableColumn> columns_of(const Deciding& deciding) {
  std::vector<TableColumn> columns = {{"  variant", Align::left, 0, Cut::middle},
                                      {fmt::format("{} µs", to_string(deciding.mode)), Align::right},
                                      {"behind", Align::right}};
  if (needs_energy(deciding.objective)) {
    columns.push_back({"mJ", Align::right});
    columns.push_back({"±", Align::right});
  }
  columns.push_back({"occupancy", Align::right, 1});
  columns.push_back({"waves", Align::right, 2});
  columns.push_back({"registers", Align::right, 3});
  columns.push_back({"spills", Align::right, 4});
  columns.push_back({"", Align::left, 0, Cut::end});
  return columns;
}

// "  Pareto set: mma/… 8.06 µs 5.1 mJ, wgmma/… 8.4 µs 4.7 mJ"; empty without a set.
std::string render_pareto(std::span<const Contender> contenders, const Deciding& deciding) {
  std::vector<std::string> points;
  for (const std::size_t i : pareto_finalists(contenders, deciding.mode, deciding.objective)) {
    const Record& record = contenders[i].record;
    points.push_back(fmt::format("{} {} µs {} mJ", printable(record.variant_id()),
                                 format_significant(record.timings[deciding.mode]->median, 4),
                                 format_significant(1e3 * energy_estimate(record)->mean_j, 4)));
  }
  return points.empty() ? "" : fmt::format("  Pareto set: {}\n", fmt::join(points, ", "));
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
                         const Deciding& deciding, int width) {
  const std::string name = printable(contenders.front().record.problem.name);
  if (best.empty()) return fmt::format("{}: no candidate is correct\n{}", name, render_failures(contenders));
  const Record& winner = contenders[best.front()].record;
  TextTable table(columns_of(deciding));
  for (const std::size_t i : best) {
    table.add(make_row(i == best.front() ? "*" : "=", contenders[i], winner, deciding));
  }
  const std::vector<const Contender*> others = other_contenders(contenders, best, deciding);
  for (std::size_t i = 0; i < std::min(others.size(), kListedOthers); ++i) {
    table.add(make_row(" ", *others[i], winner, deciding));
  }
  std::string text = fmt::format("{}: {} of {} candidates\n{}", name, best.size() > 1 ? "tie" : "winner",
                                 contenders.size(), table.text({.width = width}));
  if (others.size() > kListedOthers) {
    const std::string last = distance(*others.back(), winner, deciding);
    text += fmt::format("  {} more{}{}\n", others.size() - kListedOthers, last.empty() ? "" : ", the last ",
                        last);
  }
  return text + render_pareto(contenders, deciding) + render_failures(contenders);
}

}  // namespace flashcore
