// What compare --bisect found, as text and as JSON.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "cli/commit_builds.hpp"
#include "compare/bisection.hpp"
#include "compare/comparison.hpp"

namespace flashcore {

struct BisectStep {
  std::size_t place = 0;  // among the commits
  Ratio over_good = {};   // meaningless if the commit cannot be tested
  Speed speed = Speed::untestable;
};

struct BisectAnswer {
  std::vector<Commit> commits;  // the good one first, the bad one last
  std::string problem;
  std::string variant;
  double ratio = 1;  // the bad commit's time over the good one's
  std::vector<BisectStep> steps;
  std::size_t last_fast = 0;
  std::size_t first_slow = 0;
  double step_ratio = 1;  // the first slow commit's time over the last fast one's
  bool confirmed = false;
  int builds = 0;
};

std::string short_hash(const Commit& commit);

std::string to_text(const BisectAnswer& answer);
Json to_json(const BisectAnswer& answer);

}  // namespace flashcore
