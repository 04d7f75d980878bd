// Flags of the comparison rule, for every command that compares results.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "compare/policy.hpp"

namespace flashcore {

struct RuleOptions {
  std::string policy_file;
  std::optional<double> smallest_effect;
  std::vector<std::string> fail_on;
  std::string mode;
  std::string noise_file;
  bool ignore_code_hash = false;
  bool strict = false;
};

// Returns the options that it adds, which help lists under `group`.
std::vector<CLI::Option*> add_rule_options(CLI::App& command, RuleOptions& options, const std::string& group);

// `smallest_effect` is the default without a policy file and without a flag. Throws UsageError.
ComparePolicy make_policy(const RuleOptions& options, double smallest_effect = kSmallestEffect);

}  // namespace flashcore
