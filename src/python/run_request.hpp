// Runs built-in variants and Python kernels by a config, as the program runs one.
#pragma once

#include <nanobind/nanobind.h>

#include <string>
#include <vector>

namespace flashcore {

struct RunRequest {
  std::string config;                      // JSON; its variants are globs over built-in ones, and "auto"
  std::vector<nanobind::object> adapters;  // of Python kernels, whose rows come first
  std::string environment = "{}";          // JSON; added to the environment of the result
  std::string output;                      // path of the result file; empty: none
  nanobind::object on_problem;             // receives the text of a result file of each problem; or None
  bool isolated = false;  // runs in started_worker(), which has the same kernels; else in this process
};

// The text of the result file. Throws UsageError and EnvironmentError, and Python's
// KeyboardInterrupt after the file is complete.
std::string run(const RunRequest& request);

// The table of the program for a result file's text.
std::string table_text(const std::string& results, int width);

// (problem's name, variant's id) of the fastest record of each problem; none for a problem without a ranked record.
nanobind::list best(const std::string& results);

// The ratio of the times of two records of one run, first to second, with its 95 % interval. `records` is the text of a
// result file with these two records. Throws UsageError if one is not timed.
nanobind::tuple ratio(const std::string& results);

}  // namespace flashcore
