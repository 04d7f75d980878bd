// The gate's rules as a file; configs/schema/gate.schema.json describes it.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/json_document.hpp"
#include "compare/policy.hpp"

namespace flashcore {

// Reads smallest_effect, tolerances, allowed and fail_on into `policy`. Throws UsageError with the file and
// JSON pointer of the first mistake.
void policy_from_json(const JsonReader& root, ComparePolicy& policy);
void read_policy(const std::filesystem::path& path, ComparePolicy& policy);

// Parses words of Verdict. Throws UsageError that begins with `where`.
std::vector<Verdict> parse_verdicts(std::span<const std::string> words, std::string_view where);

// A relative effect: above 0 and at most 1. Throws UsageError that begins with `where`.
double check_effect(double effect, std::string_view where);

}  // namespace flashcore
