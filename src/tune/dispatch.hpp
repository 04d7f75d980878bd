// Chooses the variant for "auto" by a tuned table. The first rule that gives a variant counts:
//
//   exact     the entry of the problem's class: its winner, or its first tie, that can run the problem
//   nearest   the same for the entry with the smallest distance (attention/problem_fields.hpp) that has a
//             variant for the problem; the first such entry if several are equally near
//   default   registry/default_variant.hpp
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "registry/supports.hpp"
#include "tune/tuned_table.hpp"

namespace flashcore {

struct Choice {
  const Variant* variant = nullptr;  // null if no variant can run the problem
  std::string reason;                // "auto: exact, results/tuned/h100.json"
};

class Dispatcher {
 public:
  using CodeHash = std::function<std::string(const Variant&)>;

  // Uses the entries that were tuned on this device with this driver and whose variants exist with the same
  // machine code.
  Dispatcher(const TunedTable& table, const Fingerprint& here, const DeviceLimits& limits,
             const CodeHash& code_hash);

  // One line per reason why entries are not used: "t.json: 3 of 9 entries not used: tuned on NVIDIA L4".
  const std::vector<std::string>& stale() const { return stale_; }

  // `args` holds the problem's sizes and strides; its pointers may be null.
  Choice choose(const Problem& problem, const AttentionArgs& args) const;

 private:
  struct Usable {
    Problem problem;
    std::vector<const Variant*> best;  // the winner, then the ties
  };

  const Variant* first_that_runs(const Usable& entry, const Problem& problem,
                                 const AttentionArgs& args) const;

  std::string path_;
  Target here_;
  std::vector<Usable> usable_;
  std::vector<std::string> stale_;
};

// The default table: the first file with an entry for the device in results/tuned/ of the working directory,
// or else of the source tree or the installation. Returns a table without entries if there is none.
TunedTable find_tuned_table(const Fingerprint& here);

}  // namespace flashcore
