#include "cli/auto_picks.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/error.hpp"
#include "base/terminal.hpp"
#include "base/text_table.hpp"
#include "tune/dispatch.hpp"

namespace flashcore {

std::vector<Pick> auto_picks(const Plan& plan, const Executor& executor) {
  std::vector<Pick> picks;
  if (!plan.automatic) return picks;
  const DeviceInfo& device = executor.device();
  const Fingerprint here = make_fingerprint(device);
  const TunedTable table =
      plan.tuned_table.empty() ? find_tuned_table(here) : read_tuned_table(plan.tuned_table);
  const Dispatcher dispatcher(table, here, device.limits,
                              [&](const Variant& variant) { return executor.code_hash(variant); });
  for (const std::string& stale : dispatcher.stale()) spdlog::warn("{}", stale);
  for (std::size_t i = 0; i < plan.problems.size(); ++i) {
    const Choice choice = dispatcher.choose(plan.problems[i], attention_args(plan.problems[i]));
    if (choice.variant == nullptr) {
      throw UsageError(fmt::format("{}: no variant can run problem {} on {}", plan.problem_places[i],
                                   plan.problems[i].name, device.name));
    }
    picks.push_back({choice.variant, choice.reason});
  }
  return picks;
}

std::string picks_text(const Plan& plan, const std::vector<Pick>& picks) {
  if (picks.empty()) return "";
  TextTable table({{"auto", Align::left, 0, Cut::middle},
                   {"variant", Align::left, 0, Cut::middle},
                   {"reason", Align::left, 0, Cut::end}});
  for (std::size_t i = 0; i < picks.size(); ++i) {
    table.add({plan.problems[i].name, picks[i].variant->id(), picks[i].reason});
  }
  return "\n" + table.text({.width = output_width()});
}

}  // namespace flashcore
