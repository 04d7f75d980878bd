#include "compare/differences.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "attention/problem_fields.hpp"
#include "compare/resample.hpp"
#include "compare/rule.hpp"
#include "measure/run_noise.hpp"

namespace flashcore {
namespace {

struct Trait {
  const char* name;
  const char* pointer;  // into the result file's environment or config
  bool in_config = false;
};

constexpr Trait kTraits[] = {{"device", "/device/name"},
                             {"backend", "/device/backend"},
                             {"driver", "/nvml/driver_version"},
                             {"CUDA driver version", "/cuda/driver_version"},
                             {"CUDA runtime version", "/cuda/runtime_version"},
                             {"highest SM clock in MHz", "/nvml/max_sm_clock_mhz"},
                             {"highest memory clock in MHz", "/nvml/max_mem_clock_mhz"},
                             {"power limit in W", "/nvml/power_limit_w"},
                             {"host CPU", "/host/cpu"},
                             {"pacing", "/measure/pacing", true}};

std::string text_of(const ResultFile& file, const Trait& trait) {
  const Json& json = trait.in_config ? file.config : file.environment;
  const Json::json_pointer pointer(trait.pointer);
  if (!json.contains(pointer)) return "not stated";
  const Json& value = json.at(pointer);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::set<std::string> texts_of(std::span<const ResultFile> files, const Trait& trait) {
  std::set<std::string> texts;
  for (const ResultFile& file : files) texts.insert(text_of(file, trait));
  return texts;
}

// The median over all records of their SM clock while they were timed.
std::optional<double> sm_clock(std::span<const ResultFile> files) {
  std::vector<double> clocks;
  for (const ResultFile& file : files) {
    for (const Record& record : file.records) {
      if (record.telemetry && record.telemetry->sm_clock_mhz) {
        clocks.push_back(record.telemetry->sm_clock_mhz->median);
      }
    }
  }
  if (clocks.empty()) return std::nullopt;
  return median_of(std::move(clocks));
}

std::int64_t throttled_rows(std::span<const ResultFile> files) {
  std::int64_t rows = 0;
  for (const ResultFile& file : files) {
    rows += std::ranges::count_if(file.records, [](const Record& record) {
      const Timing* timing = record.headline();
      return timing != nullptr && timing->throttled_samples > 0;
    });
  }
  return rows;
}

// Of each problem that was timed while clocks were held down, the numbers of records that took turns.
std::map<std::string, std::set<int>> companies(std::span<const ResultFile> files) {
  std::map<std::string, std::set<int>> found;
  for (const ResultFile& file : files) {
    for (const Record& record : file.records) {
      const Timing* timing = record.headline();
      if (timing == nullptr || timing->block_s <= 0 || !record.telemetry) continue;
      found[problem_id(record.problem)].insert(record.telemetry->company);
    }
  }
  return found;
}

std::int64_t problems_in_other_company(std::span<const ResultFile> base, std::span<const ResultFile> next) {
  const auto before = companies(base);
  const auto now = companies(next);
  return std::ranges::count_if(before, [&](const auto& problem) {
    const auto same = now.find(problem.first);
    return same != now.end() && same->second != problem.second;
  });
}

// The check depths of timed rows; "none" if a row has no check.
std::set<std::string> check_depths(std::span<const ResultFile> files) {
  std::set<std::string> depths;
  for (const ResultFile& file : files) {
    for (const Record& record : file.records) {
      if (record.headline() == nullptr) continue;
      depths.insert(record.check ? std::string(to_string(record.check->depth)) : "none");
    }
  }
  return depths;
}

}  // namespace

std::vector<std::string> differences(std::span<const ResultFile> base, std::span<const ResultFile> next) {
  std::vector<std::string> lines;
  for (const Trait& trait : kTraits) {
    const std::set<std::string> before = texts_of(base, trait);
    const std::set<std::string> now = texts_of(next, trait);
    if (before.size() == 1 && before == now) continue;
    lines.push_back(
        fmt::format("{}: {} against {}", trait.name, fmt::join(before, " and "), fmt::join(now, " and ")));
  }
  const std::set<std::string> checks = check_depths(base);
  if (const std::set<std::string> new_checks = check_depths(next);
      checks != new_checks && !checks.empty() && !new_checks.empty()) {
    lines.push_back(fmt::format("checks of timed rows: {} against {}", fmt::join(checks, " and "),
                                fmt::join(new_checks, " and ")));
  }
  const std::optional<double> before = sm_clock(base);
  const std::optional<double> now = sm_clock(next);
  if (before && now && std::abs(*now / *before - 1) > kClockDifference) {
    lines.push_back(fmt::format("SM clock while timing: {:.0f} against {:.0f} MHz", *before, *now));
  }
  if (const auto rows = throttled_rows(base), new_rows = throttled_rows(next); rows + new_rows > 0) {
    lines.push_back(fmt::format("clocks held down by power or temperature while timing: {} rows against {}",
                                rows, new_rows));
  }
  if (const auto problems = problems_in_other_company(base, next); problems > 0) {
    lines.push_back(fmt::format(
        "while clocks were held down: other numbers of variants took turns in {} problem{}, and share "
        "the power",
        problems, problems == 1 ? "" : "s"));
  }
  return lines;
}

}  // namespace flashcore
