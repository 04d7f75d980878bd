// What a config and the command line ask for, validated: the input of a run.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/problem.hpp"
#include "registry/selector.hpp"
#include "run/device.hpp"
#include "run/run.hpp"

namespace flashcore {

enum class Format { table, json, csv };

struct ReportPolicy {
  std::string output;  // path without extension; empty: results/<device>/<config>-<time>
  std::vector<Format> formats = {Format::table, Format::json, Format::csv};
};

struct Plan {
  std::string name;         // the config's name, for file names and titles
  std::string written_for;  // a device the config was written for; a run on another warns. Empty: any
  std::vector<Problem> problems;
  Selector variants;
  std::string
      baseline;  // a glob over ids; speed-ups in the table are against its first match. Empty: the first row
  DeviceRequest device;
  RunPolicy policy;  // check, measure, seed
  ReportPolicy report;
  nlohmann::json config;  // as read, with the flags applied; goes into the result file
};

}  // namespace flashcore
