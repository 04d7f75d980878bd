// Chooses the variant for "auto" by a tuned table. The first rule that gives a variant counts:
//
//   exact         the entry of the problem's class: its winner, or its first tie, that can run the problem
//   interpolated  one of a few variants, by the times of the tuned problems nearby (tune/dispatch_rule.hpp)
//   default       registry/default_variant.hpp
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "registry/supports.hpp"
#include "tune/dispatch_report.hpp"
#include "tune/places.hpp"
#include "tune/tuned_table.hpp"

namespace flashcore {

enum class ChoiceRule : int { exact, interpolated, by_default };
inline constexpr std::string_view kChoiceRuleWords[] = {"exact", "interpolated", "default"};
constexpr Words words(ChoiceRule) { return kChoiceRuleWords; }

struct Choice {
  const Variant* variant = nullptr;  // null if no variant can run the problem
  std::string reason;                // "auto: exact, results/tuned/h100.json"
  ChoiceRule rule = ChoiceRule::by_default;
};

class Dispatcher {
 public:
  using CodeHash = std::function<std::string(const Variant&)>;

  // Uses the entries that were tuned on this device with this driver and whose variants exist with the same
  // machine code.
  Dispatcher(const TunedTable& table, const Fingerprint& here, const DeviceLimits& limits,
             const CodeHash& code_hash);
  Dispatcher(Dispatcher&&) = default;
  Dispatcher& operator=(Dispatcher&&) = default;

  // One line per reason why entries are not used: "t.json: 3 of 9 entries not used: tuned on NVIDIA L4".
  const std::vector<std::string>& stale() const { return stale_; }

  // `args` holds the problem's sizes and strides; its pointers may be null. Of a ragged problem whose lengths are not
  // known, the longest ones count for all sequences.
  Choice choose(const Problem& problem, const AttentionArgs& args) const;

 private:
  struct Usable {
    Problem problem;
    std::vector<const Variant*> best;  // the winner, then the ties
  };

  Choice interpolate(const Problem& problem, const AttentionArgs& args, const Variant* by_default) const;
  bool can_run(const Variant& variant, const Problem& problem, const AttentionArgs& args) const;

  std::string path_;  // named_table()
  Target here_;
  std::vector<Usable> usable_;
  Places places_;                  // of usable_, by class_id()
  std::vector<RuleGroup> groups_;  // their points are those of rules_
  std::vector<DispatchRule> rules_;
  std::vector<std::string> stale_;
};

// A folder in which tables are looked for, and why.
struct TablePlace {
  std::string folder;
  std::string reason;
};

// In search order: results/tuned of the working directory, the user's own folder (user_data_folder()), and results/tuned
// of FLASHCORE_CONFIG_DIR, the installation and the source tree.
std::vector<TablePlace> table_places();

// Where `tune --install` writes the table of a device, without the extension. Throws UsageError if neither XDG_DATA_HOME
// nor HOME is set.
std::string installed_table_base(const DeviceInfo& device);

// The default table: the first file in table_places() with an entry for the device. Returns a table without entries if
// there is none.
TunedTable find_tuned_table(const Fingerprint& here);

}  // namespace flashcore
