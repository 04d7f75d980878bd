// The variant that "auto" means: from a tuned table, by a stated rule.
//
//   exact     the entry of the problem's class; its winner, else the first that ties with it, that can run
//   nearest   the entry with the least distance (attention/problem_fields.hpp) among those that have one variant
//             which can run the problem; the first of equals
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
  const Variant* variant = nullptr;  // null when nothing can run
  std::string reason;                // "auto: exact, results/tuned/h100.json"
};

class Dispatcher {
 public:
  using CodeHash = std::function<std::string(const Variant&)>;

  // Takes in the entries that hold here: tuned on this device with this driver, for variants that exist with
  // the same machine code.
  Dispatcher(const TunedTable& table, const Fingerprint& here, const DeviceLimits& limits,
             const CodeHash& code_hash);

  // Entries that are not used, one line each kind: "3 entries were tuned on NVIDIA L4".
  const std::vector<std::string>& stale() const { return stale_; }

  // `args` are those of the problem, with its strides; pointers may be null.
  Choice choose(const Problem& problem, const AttentionArgs& args) const;

 private:
  struct Usable {
    Problem problem;
    std::vector<const Variant*> best;  // the winner first
  };

  const Variant* first_that_runs(const Usable& entry, const Problem& problem,
                                 const AttentionArgs& args) const;

  std::string path_;
  Target here_;
  std::vector<Usable> usable_;
  std::vector<std::string> stale_;
};

// The table to use without being told: the first below results/tuned/ of the working directory, then of the
// source tree or installation, that has an entry for the device. One without entries when there is none.
TunedTable find_tuned_table(const Fingerprint& here);

}  // namespace flashcore
