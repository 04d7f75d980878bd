#include "tune/dispatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "config/lookup.hpp"
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
std::string stale_reason(const TunedVariant& tuned, const Variant* variant,
                         const Dispatcher::CodeHash& code_hash) {
  if (variant == nullptr) return fmt::format("{} is not in this program", tuned.variant);
  if (tuned.code_hash.empty()) return fmt::format("the code of {} is not known", tuned.variant);
  if (code_hash(*variant) != tuned.code_hash) return fmt::format("the code of {} changed", tuned.variant);
  return "";
}

}  // namespace

Dispatcher::Dispatcher(const TunedTable& table, const Fingerprint& here, const DeviceLimits& limits,
                       const CodeHash& code_hash)
    : path_(table.path), here_{.backend = here.backend, .limits = limits} {
  std::map<std::string, int> stale;
  for (const TunedEntry& entry : table.entries) {
    std::string reason = stale_reason(entry, here);
    Usable usable{.problem = entry.problem, .best = {find_variant(entry.winner.variant)}};
    if (reason.empty()) reason = stale_reason(entry.winner, usable.best.front(), code_hash);
    for (const TunedVariant& tie : entry.ties) {
      const Variant* variant = find_variant(tie.variant);
      if (reason.empty() && stale_reason(tie, variant, code_hash).empty()) usable.best.push_back(variant);
    }
    if (reason.empty()) usable_.push_back(std::move(usable));
    if (!reason.empty()) ++stale[reason];
  }
  for (const auto& [reason, count] : stale) {
    stale_.push_back(
        fmt::format("{}: {} of {} entries not used: {}", path_, count, table.entries.size(), reason));
  }
}

const Variant* Dispatcher::first_that_runs(const Usable& entry, const Problem& problem,
                                           const AttentionArgs& args) const {
  const auto runs = [&](const Variant* variant) {
    return ask_support(*variant, problem, args, here_).reason.empty();
  };
  const auto found = std::ranges::find_if(entry.best, runs);
  return found == entry.best.end() ? nullptr : *found;
}

Choice Dispatcher::choose(const Problem& problem, const AttentionArgs& args) const {
  Choice choice;
  std::optional<Distance> nearest;
  for (const Usable& entry : usable_) {
    const std::optional<Distance> found = distance(entry.problem, problem);
    if (!found || (nearest && *found >= *nearest && !is_same_class(entry.problem, problem))) continue;
    const Variant* variant = first_that_runs(entry, problem, args);
    if (variant == nullptr) continue;
    if (is_same_class(entry.problem, problem)) return {variant, fmt::format("auto: exact, {}", path_)};
    nearest = found;
    choice = {variant, fmt::format("auto: nearest is {}, {}", entry.problem.name, path_)};
  }
  if (nearest) return choice;
  return {default_variant(problem, args, here_), "auto: default, no tuned entry applies"};
}

TunedTable find_tuned_table(const Fingerprint& here) {
  namespace fs = std::filesystem;
  std::vector<fs::path> folders = {"results/tuned"};
  for (const SearchPlace& place : config_search_places()) {
    folders.push_back(place.folder.parent_path() / "results" / "tuned");
  }
  for (const fs::path& folder : folders) {
    std::error_code error;
    std::set<fs::path> files;
    for (const fs::directory_entry& file : fs::directory_iterator(folder, error)) {
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
