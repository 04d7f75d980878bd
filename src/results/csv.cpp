#include "results/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "attention/problem_fields.hpp"
#include "base/escape.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

constexpr std::string_view kCheckColumns[] = {"depth",
                                              "cases",
                                              "skipped",
                                              "batch_invariant",
                                              "batch_variance",
                                              "max_abs",
                                              "mean_abs",
                                              "rel_l2",
                                              "nonfinite",
                                              "worst_index.0",
                                              "worst_index.1",
                                              "worst_index.2",
                                              "worst_index.3",
                                              "limit.max_abs",
                                              "limit.rel_l2",
                                              "limit.lse_max_abs",
                                              "yardstick.max_abs",
                                              "yardstick.rel_l2",
                                              "lse_max_abs",
                                              "unwritten",
                                              "out_of_bounds",
                                              "passed",
                                              "reason"};
constexpr std::string_view kTimingColumns[] = {
    "median", "p10", "p90", "ci95.0", "ci95.1", "n", "throttled_samples", "cycles", "block_s"};
constexpr std::string_view kRateColumns[] = {"tflops", "peak_tflops", "percent_of_peak", "energy_per_call_j"};
constexpr std::string_view kRooflineColumns[] = {
    "flops", "bytes",    "arithmetic_floor_us", "exponential_floor_us", "memory_floor_us",
    "bound", "floor_us", "percent_of_floor"};
constexpr std::string_view kResourceColumns[] = {
    "registers", "smem_bytes",    "static_smem_bytes", "dynamic_smem_bytes", "spill_bytes",
    "threads",   "blocks_per_sm", "occupancy",         "grid_blocks",        "waves"};
constexpr std::string_view kTelemetryColumns[] = {
    "sm_clock_mhz.min", "sm_clock_mhz.median", "sm_clock_mhz.max",  "power_w.mean", "power_w.max",
    "readings",         "mem_clock_mhz",       "temperature_c_max", "energy_j",     "throttle_reasons",
    "company"};

void add_columns(std::vector<std::string>& columns, std::string_view parent,
                 std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    columns.push_back(parent.empty() ? std::string(name) : fmt::format("{}.{}", parent, name));
  }
}

std::vector<std::string> make_columns() {
  std::vector<std::string> columns = {"problem.name"};
  for (const ProblemField& field : problem_fields()) {
    if (field.is_column) columns.push_back(fmt::format("problem.{}", field.name));
  }
  for (const char* name : {"variant", "family", "backend", "spec.dtype"}) columns.emplace_back(name);
  for (const SpecField& field : kSpecFields) columns.push_back(fmt::format("spec.{}", field.name));
  for (const char* name : {"status", "reason"}) columns.emplace_back(name);
  add_columns(columns, "check", kCheckColumns);
  for (const TimingMode mode : kAll<TimingMode>) {
    add_columns(columns, "timing." + timing_field(mode), kTimingColumns);
  }
  add_columns(columns, "", kRateColumns);
  add_columns(columns, "roofline", kRooflineColumns);
  add_columns(columns, "resources", kResourceColumns);
  add_columns(columns, "telemetry", kTelemetryColumns);
  columns.emplace_back("code_hash");
  return columns;
}

const std::vector<std::string>& columns() {
  static const std::vector<std::string> columns = make_columns();
  return columns;
}

Json::json_pointer to_pointer(std::string column) {
  std::replace(column.begin(), column.end(), '.', '/');
  return Json::json_pointer("/" + column);
}

std::string cell_text(const Json& record, const std::string& column) {
  const Json::json_pointer pointer = to_pointer(column);
  if (!record.contains(pointer)) return "";
  const Json& value = record.at(pointer);
  if (value.is_null()) return "";
  if (value.is_array()) {
    return escape_csv(fmt::format("{}", fmt::join(value.get<std::vector<std::string>>(), " ")));
  }
  return value.is_string() ? escape_csv(value.get_ref<const std::string&>()) : value.dump();
}

}  // namespace

std::string csv_header() { return fmt::format("{}{}", fmt::join(columns(), ","), kLineEnd); }

std::string csv_row(const Record& record) {
  const Json json = to_json(record);
  std::vector<std::string> cells;
  cells.reserve(columns().size());
  for (const std::string& column : columns()) cells.push_back(cell_text(json, column));
  return fmt::format("{}{}", fmt::join(cells, ","), kLineEnd);
}

}  // namespace flashcore
