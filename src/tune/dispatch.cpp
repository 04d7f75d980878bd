#include "tune/dispatch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "base/error.hpp"
#include "config/lookup.hpp"
#include "registry/default_variant.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

enum class MaskKind { full, causal, window };

MaskKind mask_kind(const Problem& problem) {
  const bool causal = problem.causal || problem.window_right == 0;
  if (problem.window_left >= 0 || (problem.window_right > 0 && !causal)) return MaskKind::window;
  return causal ? MaskKind::causal : MaskKind::full;
}

bool is_comparable(const Problem& a, const Problem& b) {
  return a.dtype == b.dtype && a.head_dim == b.head_dim && mask_kind(a) == mask_kind(b);
}

double distance(const Problem& a, const Problem& b) {
  const auto apart = [](std::int64_t x, std::int64_t y) {
    return std::abs(std::log2(static_cast<double>(x) / static_cast<double>(y)));
  };
  return apart(a.batch * a.heads_q, b.batch * b.heads_q) + apart(a.seq_q, b.seq_q) +
         apart(a.seq_kv, b.seq_kv) + apart(a.heads_q / a.heads_kv, b.heads_q / b.heads_kv);
}

// Why an entry does not hold here, or an empty string.
std::string find_staleness(const TunedEntry& entry, const Fingerprint& here) {
  const Fingerprint& there = entry.fingerprint;
  if (there.backend != here.backend || there.device != here.device) return "tuned on " + there.device;
  if (there.driver != here.driver) {
    return fmt::format("tuned with driver {}, this is {}", there.driver, here.driver);
  }
  return "";
}

// The same for one of its variants.
std::string find_staleness(const TunedVariant& tuned, const Variant* variant,
                           const Dispatcher::CodeHash& code_hash) {
  if (variant == nullptr) return fmt::format("{} is not in this program", tuned.variant);
  if (code_hash(*variant) != tuned.code_hash) return fmt::format("the code of {} changed", tuned.variant);
  return "";
}

}  // namespace

Dispatcher::Dispatcher(const TunedTable& table, const Fingerprint& here, const DeviceLimits& limits,
                       const CodeHash& code_hash)
    : path_(table.path), backend_(here.backend), limits_(limits) {
  std::map<std::string, int> stale;
  for (const TunedEntry& entry : table.entries) {
    std::string reason = find_staleness(entry, here);
    Usable usable{.problem = entry.problem, .best = {find_variant(entry.winner.variant)}};
    if (reason.empty()) reason = find_staleness(entry.winner, usable.best.front(), code_hash);
    for (const TunedVariant& tie : entry.ties) {
      const Variant* variant = find_variant(tie.variant);
      if (reason.empty() && find_staleness(tie, variant, code_hash).empty()) usable.best.push_back(variant);
    }
    if (reason.empty()) usable_.push_back(std::move(usable));
    if (!reason.empty()) ++stale[reason];
  }
  for (const auto& [reason, count] : stale) {
    stale_.push_back(
        fmt::format("{}: {} of {} entries not used: {}", path_, count, table.entries.size(), reason));
  }
}

const Variant* Dispatcher::first_that_runs(const Usable& entry, const AttentionArgs& args) const {
  const auto runs = [&](const Variant* variant) {
    return variant->unsupported == nullptr || variant->unsupported(args, limits_) == nullptr;
  };
  const auto found = std::ranges::find_if(entry.best, runs);
  return found == entry.best.end() ? nullptr : *found;
}

Choice Dispatcher::choose(const Problem& problem, const AttentionArgs& args) const {
  Choice choice;
  const Usable* nearest = nullptr;
  for (const Usable& entry : usable_) {
    if (!is_comparable(entry.problem, problem)) continue;
    const Variant* variant = first_that_runs(entry, args);
    if (variant == nullptr) continue;
    if (is_same_class(entry.problem, problem)) return {variant, fmt::format("auto: exact, {}", path_)};
    if (nearest != nullptr && distance(entry.problem, problem) >= distance(nearest->problem, problem))
      continue;
    nearest = &entry;
    choice = {variant, fmt::format("auto: nearest is {}, {}", entry.problem.name, path_)};
  }
  if (nearest != nullptr) return choice;
  return {default_variant(args, problem.dtype, backend_, limits_), "auto: default, no tuned entry holds"};
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
