// The plan of a run: the validated values of a config and the command line.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attention/problem.hpp"
#include "base/json_document.hpp"
#include "config/tune_policy.hpp"
#include "device/device.hpp"
#include "registry/selector.hpp"
#include "run/run.hpp"

namespace flashcore {

// Names of output formats and paths as they were typed: which ones there are, and their extensions, is known above
// this room, in render/formats.hpp.
struct ReportPolicy {
  struct Format {
    std::string name;
    std::string where;  // its JSON pointer or flag
  };
  std::string output;           // path of the result files; empty: results/<device>/<config>-<time>
  std::string output_place;     // its JSON pointer or flag
  std::vector<Format> formats;  // empty: those that a run writes by default
};

struct Plan {
  std::string name;  // the config's name, for file names and titles
  std::string
      written_for;  // part of a device name; a run on another device prints a warning. Empty: any device
  std::vector<Problem> problems;
  std::vector<std::string> problem_places;  // JSON pointer or flag of each problem, for messages
  Selector variants;
  bool automatic = false;   // the variants include "auto": the choice of a tuned table for each problem
  std::string tuned_table;  // path of the table for "auto"; empty: the device's table in results/tuned/
  std::string baseline;     // glob over ids; its first match is the base of speed-ups. Empty: the first row
  std::string baseline_place;  // JSON pointer or flag of the baseline
  DeviceRequest device;
  RunPolicy policy;  // check, measure, require, seed
  ReportPolicy report;
  TunePolicy tune;
  // The document with all flags applied and with the lengths of recorded calls and traces in it, for the result file: it
  // needs no other file.
  nlohmann::json config;
};

// The texts of flags. Each flag replaces a key of the config and is checked like the key.
struct Overrides {
  std::optional<std::string> device = {};  // auto | cpu | cuda[:N]
  std::vector<std::string> variants = {};  // globs
  std::vector<std::string> problems = {};  // "batch=1,heads_q=8,seq_q=512:1024"; colons separate axis values
  std::optional<std::string> baseline = {};  // a glob
  std::optional<std::string> output = {};
  std::vector<std::string> formats = {};
  std::optional<std::string> budget_s = {};
  std::vector<std::string> require = {};   // words of Requirement
  std::optional<std::string> depth = {};   // quick | standard | deep
  std::optional<std::string> pacing = {};  // sustained | burst
  std::optional<std::string> repeats = {};
  std::optional<std::string> timeout_s = {};
  std::optional<std::string> seed = {};
  std::optional<std::string> tuned_table = {};
  std::optional<std::string> search = {};     // race | exhaustive | random
  std::optional<std::string> objective = {};  // latency | energy | both
  std::optional<std::string> max_candidates = {};
  bool check_only = false;
  bool no_check = false;
};

// Writes the flags into the document. Throws UsageError if a flag is malformed.
void apply(const Overrides& overrides, JsonDocument& document);

// Reads and validates a document. `default_name` is the plan's name if the document has no "name". Throws
// UsageError with the JSON pointer or flag of the first error.
Plan make_plan(const JsonDocument& config, std::string_view default_name);

// What parse_device() takes, without numbers.
std::span<const std::string_view> device_words();

// Parses `auto`, `cpu`, `cuda` or `cuda:N`.
DeviceRequest parse_device(std::string_view text, std::string_view where);

// The allowed keys of each block of a config. A test compares them with configs/schema/config.schema.json.
struct ConfigKeys {
  std::span<const std::string_view> root, problem, check, measure, report, tune, limits;
};
ConfigKeys config_keys();

}  // namespace flashcore
