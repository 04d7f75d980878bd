// What a config and the command line ask for, validated: the input of a run.
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
  std::string name;         // the config's name, for file names and titles
  std::string written_for;  // a device the config was written for; a run on another warns. Empty: any
  std::vector<Problem> problems;
  std::vector<std::string> problem_places;  // the JSON pointer or flag of each problem, for messages
  Selector variants;
  bool automatic = false;   // "auto" is among the variants: what a tuned table chooses for each problem
  std::string tuned_table;  // its path; empty: that of the device, below results/tuned/
  std::string
      baseline;  // a glob over ids; speed-ups in the table are against its first match. Empty: the first row
  std::string baseline_place;  // its JSON pointer or flag
  DeviceRequest device;
  RunPolicy policy;  // check, measure, seed
  ReportPolicy report;
  TunePolicy tune;
  nlohmann::json config;  // as read, with the flags applied; goes into the result file
};

// Flags as they were typed; each takes the place of a key of the config and is checked by the same rules.
struct Overrides {
  std::optional<std::string> device = {};    // auto | cpu | cuda[:N]
  std::vector<std::string> variants = {};    // globs
  std::vector<std::string> problems = {};    // "batch=1,heads_q=8,seq_q=512:1024", axes separated by colons
  std::optional<std::string> baseline = {};  // a glob
  std::optional<std::string> output = {};
  std::vector<std::string> formats = {};
  std::optional<std::string> budget_s = {};
  std::optional<std::string> depth = {};   // quick | standard | deep
  std::optional<std::string> pacing = {};  // sustained | burst
  std::optional<std::string> repeats = {};
  std::optional<std::string> timeout_s = {};
  std::optional<std::string> seed = {};
  std::optional<std::string> tuned_table = {};
  std::optional<std::string> search = {};  // race | exhaustive | random
  std::optional<std::string> max_candidates = {};
  bool check_only = false;
  bool no_check = false;
};

// Puts the flags into the document. Throws UsageError when a flag cannot be read.
void apply(const Overrides& overrides, JsonDocument& document);

// Reads and validates a whole document. `default_name` is the plan's name when the document gives none.
// Throws UsageError with the JSON pointer or flag of the first thing that is wrong.
Plan make_plan(const JsonDocument& document, std::string_view default_name);

// `auto`, `cpu`, `cuda` or `cuda:N`.
DeviceRequest parse_device(std::string_view text, std::string_view where);

// The keys that each block of a config may have; configs/schema/config.schema.json has the same.
struct ConfigKeys {
  std::span<const std::string_view> root, problem, check, measure, report, tune, limits;
};
ConfigKeys config_keys();

}  // namespace flashcore
