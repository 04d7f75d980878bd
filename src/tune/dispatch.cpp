#include "tune/dispatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/user_folder.hpp"
#include "config/lookup.hpp"
#include "device/device.hpp"
#include "registry/default_variant.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

// The reason why an entry must not be used here; empty if it may be used.
std::string stale_reason(const TunedEntry& entry, const Fingerprint& here) {
  const Fingerprint& there = entry.fingerprint;
  if (there.backend != here.backend || there.device != here.device) return "tuned on " + there.device;
  if (there.driver != here.driver) {
    return fmt::format("tuned with driver {}, this driver is {}", there.driver, here.driver);
  }
  return "";
}

// The same for one variant of an entry.
std::string stale_reason(const std::string& id, const std::string& tuned_hash, const Variant* variant,
                         const Dispatcher::CodeHash& code_hash) {
  if (variant == nullptr) return fmt::format("{} is not in this program", id);
  if (tuned_hash.empty()) return fmt::format("the code of {} is not known", id);
  if (code_hash(*variant) != tuned_hash) return fmt::format("the code of {} changed", id);
  return "";
}

constexpr std::size_t kNamedEntries = 2;

// "a, b and 3 more".
std::string names_of(const DispatchRule::Guess& guess, const RuleGroup& group) {
  std::string text;
  const std::size_t named = std::min(guess.from.size(), kNamedEntries);
  for (std::size_t i = 0; i < named; ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", group.points[guess.from[i]].problem.name);
  }
  return guess.from.size() == named ? text : fmt::format("{} and {} more", text, guess.from.size() - named);
}

}  // namespace

Dispatcher::Dispatcher(const TunedTable& table, const Fingerprint& here, const DeviceLimits& limits,
                       const CodeHash& code_hash)
    : path_(named_table(table)), here_{.backend = here.backend, .limits = limits} {
  std::map<std::string, const Variant*> known;  // by id and hash: an id is found and hashed once
  const FindTuned find = [&](const std::string& id, const std::string& hash) {
    const auto [at, is_new] = known.emplace(id + " " + hash, nullptr);
    if (!is_new) return at->second;
    const Variant* variant = find_variant(id);
    if (stale_reason(id, hash, variant, code_hash).empty()) at->second = variant;
    return at->second;
  };
  std::map<std::string, int> stale;
  std::vector<TunedEntry> entries;
  for (const TunedEntry& entry : table.entries) {
    const TunedVariant& winner = entry.winner;
    std::string reason = stale_reason(entry, here);
    if (reason.empty() && find(winner.variant, winner.code_hash) == nullptr)
      reason = stale_reason(winner.variant, winner.code_hash, find_variant(winner.variant), code_hash);
    if (!reason.empty()) {
      ++stale[reason];
      continue;
    }
    Usable usable{.problem = entry.problem, .best = {find(winner.variant, winner.code_hash)}};
    for (const TunedVariant& tie : entry.ties) {
      if (const Variant* variant = find(tie.variant, tie.code_hash)) usable.best.push_back(variant);
    }
    places_.add(class_id(entry.problem), usable_.size());
    usable_.push_back(std::move(usable));
    entries.push_back(entry);
  }
  groups_ = rule_groups(entries, find);
  for (const RuleGroup& group : groups_) rules_.emplace_back(group.points, group.num_sms);
  for (const auto& [reason, count] : stale) {
    stale_.push_back(
        fmt::format("{}: {} of {} entries not used: {}", table.path, count, table.entries.size(), reason));
  }
}

bool Dispatcher::can_run(const Variant& variant, const Problem& problem, const AttentionArgs& args) const {
  return ask_support(variant, problem, args, here_).reason.empty();
}

Choice Dispatcher::interpolate(const Problem& problem, const AttentionArgs& args,
                               const Variant* by_default) const {
  const Phase phase = phase_of(problem);
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const RuleGroup& group = groups_[i];
    if (group.dtype != problem.dtype || group.head_dim != problem.head_dim || group.phase != phase) continue;
    const auto guess = rules_[i].choose(
        problem, by_default, [&](const Variant& variant) { return can_run(variant, problem, args); });
    if (!guess) continue;
    const std::string names = names_of(*guess, group);
    if (guess->is_default) {
      return {guess->variant,
              fmt::format("{}default, no slower than others on {}, {}", kAutoReason, names, path_)};
    }
    return {guess->variant, fmt::format("{}interpolated from {}, {}", kAutoReason, names, path_),
            ChoiceRule::interpolated};
  }
  return {};
}

Choice Dispatcher::choose(const Problem& problem, const AttentionArgs& args) const {
  const auto same = places_.find(
      class_id(problem), [&](std::size_t place) { return is_same_class(usable_[place].problem, problem); });
  if (same) {
    const std::vector<const Variant*>& best = usable_[*same].best;
    const auto found =
        std::ranges::find_if(best, [&](const Variant* variant) { return can_run(*variant, problem, args); });
    if (found != best.end())
      return {*found, fmt::format("{}exact, {}", kAutoReason, path_), ChoiceRule::exact};
  }
  const Variant* by_default = default_variant(problem, args, here_);
  if (Choice choice = interpolate(problem, args, by_default); choice.variant != nullptr) return choice;
  return {by_default, fmt::format("{}default, no tuned entry applies", kAutoReason)};
}

std::vector<TablePlace> table_places() {
  std::vector<TablePlace> places = {{"results/tuned", "working directory"}};
  if (const std::filesystem::path folder = user_data_folder("tuned"); !folder.empty())
    places.push_back({folder.string(), "of this user"});
  for (const SearchPlace& place : config_search_places()) {
    places.push_back({(place.folder.parent_path() / "results" / "tuned").string(), place.reason});
  }
  return places;
}

std::string installed_table_base(const DeviceInfo& device) {
  const std::filesystem::path folder = user_data_folder("tuned");
  if (folder.empty()) throw UsageError("--install: neither XDG_DATA_HOME nor HOME is set");
  return (folder / device_folder(device)).string();
}

TunedTable find_tuned_table(const Fingerprint& here) {
  namespace fs = std::filesystem;
  for (const TablePlace& place : table_places()) {
    std::error_code error;
    std::set<fs::path> files;
    for (const fs::directory_entry& file : fs::directory_iterator(place.folder, error)) {
      const std::string name = file.path().filename().string();
      if (name.ends_with(".json") && !name.ends_with(".records.json")) files.insert(file.path());
    }
    for (const fs::path& file : files) {
      TunedTable table = read_tuned_table(file);
      const auto is_here = [&](const TunedEntry& e) { return e.fingerprint.device == here.device; };
      if (std::ranges::any_of(table.entries, is_here)) return table;
    }
  }
  return {.path = "no tuned table", .entries = {}};
}

}  // namespace flashcore
