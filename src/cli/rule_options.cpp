#include "cli/rule_options.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ctime>

#include "base/error.hpp"
#include "base/names.hpp"
#include "compare/policy_file.hpp"

namespace flashcore {
namespace {

TimingMode parse_mode(std::string_view word) {
  if (const std::optional<TimingMode> mode = parse_word<TimingMode>(word)) return *mode;
  throw UsageError(
      fmt::format("--clock: unknown clock \"{}\"{}", word, suggestion(word, words(TimingMode{}))));
}

std::vector<std::string_view> default_failures() {
  std::vector<std::string_view> names;
  for (const Verdict verdict : ComparePolicy{}.fail_on) names.push_back(to_string(verdict));
  return names;
}

}  // namespace

std::vector<CLI::Option*> add_rule_options(CLI::App& command, RuleOptions& options,
                                           const std::string& group) {
  std::vector<CLI::Option*> added = {
      command
          .add_option(
              "--policy", options.policy_file,
              "Read smallest_effect, tolerances, allowed and fail_on from a JSON file; flags override it")
          ->type_name("FILE"),
      command
          .add_option("--smallest-effect", options.smallest_effect,
                      "Report no change smaller than this share of the time; 0.02 is 2 %")
          ->type_name("SHARE"),
      command
          .add_option("--fail-on", options.fail_on,
                      fmt::format("Let these verdicts fail, any of {}; default: {}",
                                  fmt::join(words(Verdict{}), ", "), fmt::join(default_failures(), ", ")))
          ->delimiter(',')
          ->allow_extra_args(false)
          ->type_name("VERDICT"),
      command
          .add_option("--clock", options.mode,
                      fmt::format("Compare the times of one of {}; default: the first that both sides have",
                                  fmt::join(words(TimingMode{}), ", ")))
          ->type_name("CLOCK"),
      command
          .add_option("--noise", options.noise_file,
                      "Read the noise between runs from this file; default: flashcore/noise/<device>.json in "
                      "XDG_DATA_HOME or ~/.local/share, if it exists")
          ->type_name("FILE"),
      command.add_flag("--ignore-code-hash", options.ignore_code_hash,
                       "Compare the times of rows even if their machine code is equal"),
      command.add_flag("--strict", options.strict,
                       "Give no verdict when device, driver, clocks or throttling differ")};
  for (CLI::Option* option : added) option->group(group);
  return added;
}

ComparePolicy make_policy(const RuleOptions& options, double smallest_effect) {
  ComparePolicy policy;
  policy.smallest_effect = smallest_effect;
  if (!options.policy_file.empty()) read_policy(options.policy_file, policy);
  if (options.smallest_effect) {
    policy.smallest_effect = check_effect(*options.smallest_effect, "--smallest-effect");
  }
  if (!options.fail_on.empty()) policy.fail_on = parse_verdicts(options.fail_on, "--fail-on");
  if (!options.mode.empty()) policy.mode = parse_mode(options.mode);
  policy.noise_file = options.noise_file;
  policy.trust_code_hash = !options.ignore_code_hash;
  policy.strict = options.strict;
  policy.today = fmt::format("{:%Y-%m-%d}", fmt::gmtime(std::time(nullptr)));
  return policy;
}

}  // namespace flashcore
