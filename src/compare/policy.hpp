// The settings of a comparison.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compare/noise.hpp"
#include "compare/rule.hpp"
#include "record/record.hpp"

namespace flashcore {

// `added` is a row that only the new side has; it is written "new".
enum class Verdict : int { same, faster, slower, unclear, missing, added, broken };
inline constexpr std::string_view kVerdictWords[] = {"same",    "faster", "slower", "unclear",
                                                     "missing", "new",    "broken"};
constexpr Words words(Verdict) { return kVerdictWords; }

// Globs for problems (their name or problem_id()) and for variant ids.
struct RowFilter {
  std::string problem = "*";
  std::string variant = "*";

  bool matches(const Problem& of_problem, std::string_view of_variant) const;
};

struct Tolerance {
  RowFilter rows;
  double effect = kSmallestEffect;
};

// A failure that is known and accepted for a while.
struct Allowance {
  RowFilter rows;
  std::string reason;
  std::string until;  // the last day, "2026-12-31"
};

struct ComparePolicy {
  double smallest_effect = kSmallestEffect;
  std::vector<Tolerance> tolerances;  // in place of smallest_effect; the last match counts
  std::vector<Allowance> allowed;
  std::vector<Verdict> fail_on = {Verdict::slower, Verdict::broken, Verdict::missing};
  std::optional<TimingMode> mode;    // none: the first mode that both sides have
  bool trust_code_hash = true;       // rows of equal machine code are `same`
  bool strict = false;               // cannot_tell if the environments differ
  std::filesystem::path noise_file;  // of compare --calibrate; empty: the device's own, if there is one
  std::optional<NoiseModel> noise;   // in place of a file; none: the default of the backend
  std::string today = "0000-00-00";  // allowances that end before are expired

  double tolerance(const Problem& problem, std::string_view variant) const;
  bool fails_on(Verdict verdict) const;
};

}  // namespace flashcore
