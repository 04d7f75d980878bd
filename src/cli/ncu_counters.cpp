#include "cli/ncu_counters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <sstream>

#include "base/error.hpp"

namespace flashcore {
namespace {

constexpr Counter kCounters[] = {
    {"gpu__time_duration.sum", "duration_us", "duration", "us", 1e-3},
    {"sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active", "tensor_pipe_percent",
     "tensor pipe active", "%"},
    {"gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed", "dram_percent", "DRAM throughput", "%"},
    {"lts__throughput.avg.pct_of_peak_sustained_elapsed", "l2_percent", "L2 throughput", "%"},
    {"l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum", "bank_conflicts_load",
     "bank conflicts, loads", ""},
    {"l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum", "bank_conflicts_store",
     "bank conflicts, stores", ""},
    {"sm__sass_l1tex_data_bank_conflicts_pipe_lsu_mem_shared_op_ldsm.sum", "bank_conflicts_ldmatrix",
     "bank conflicts, ldmatrix", ""},
    {"sm__warps_active.avg.pct_of_peak_sustained_active", "occupancy_percent", "achieved occupancy", "%"},
    {"launch__registers_per_thread", "registers", "registers per thread", ""},
};

constexpr const char* kStallReasons[] = {
    "barrier",         "branch_resolving",   "dispatch_stall", "drain",        "lg_throttle",
    "long_scoreboard", "math_pipe_throttle", "membar",         "mio_throttle", "no_instruction",
    "not_selected",    "short_scoreboard",   "sleeping",       "wait"};

constexpr std::string_view kStallPrefix = "smsp__average_warps_issue_stalled_";
constexpr std::string_view kStallSuffix = "_per_issue_active.ratio";
constexpr std::string_view kErrorPrefix = "==ERROR== ";

std::string stall_metric(std::string_view reason) {
  return fmt::format("{}{}{}", kStallPrefix, reason, kStallSuffix);
}

// Splits a CSV line of ncu, in which every cell is quoted.
std::vector<std::string> split_cells(std::string_view line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

// Parses "1,234.5" and "12"; nothing for "n/a" and an empty cell.
std::optional<double> parse_value(std::string text) {
  std::erase(text, ',');
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return value;
}

// The rows of ncu's CSV: names, units, then one row per kernel. Skips ncu's messages, which start with "==".
std::vector<std::vector<std::string>> read_rows(std::string_view text) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.starts_with(kErrorPrefix)) throw EnvironmentError("ncu: " + line.substr(kErrorPrefix.size()));
    if (line.starts_with('"')) rows.push_back(split_cells(line));
  }
  return rows;
}

KernelProfile read_kernel(const std::vector<std::string>& names, const std::vector<std::string>& cells) {
  const auto cell = [&](std::string_view name) {
    const auto place = static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
    return place < cells.size() ? cells[place] : std::string();
  };
  KernelProfile profile{.kernel = cell("Kernel Name"), .counters = {}, .stalls = {}};
  for (const Counter& counter : kCounters) {
    std::optional<double> value = parse_value(cell(counter.metric));
    if (value) *value *= counter.scale;
    profile.counters.push_back(value);
  }
  for (const std::string& name : names) {
    if (!name.starts_with(kStallPrefix) || !name.ends_with(kStallSuffix)) continue;
    const std::optional<double> value = parse_value(cell(name));
    if (!value || *value <= 0) continue;
    const std::size_t length = name.size() - kStallPrefix.size() - kStallSuffix.size();
    profile.stalls.emplace_back(name.substr(kStallPrefix.size(), length), *value);
  }
  std::ranges::stable_sort(profile.stalls, std::greater<>(), &std::pair<std::string, double>::second);
  return profile;
}

}  // namespace

std::span<const Counter> profile_counters() { return kCounters; }

std::string metric_list(int compute_capability) {
  std::string list;
  for (const Counter& counter : kCounters) list += fmt::format("{},", counter.metric);
  for (const char* reason : kStallReasons) list += stall_metric(reason) + ",";
  // The stall reason of warpgroup matrix instructions exists only on this architecture. ncu fails if the
  // device lacks a counter.
  if (compute_capability == 90) list += stall_metric("gmma") + ",";
  list.pop_back();
  return list;
}

std::vector<KernelProfile> parse_ncu_csv(std::string_view text) {
  const std::vector<std::vector<std::string>> rows = read_rows(text);
  if (rows.size() < 3) throw EnvironmentError("ncu: recorded no kernel");
  std::vector<KernelProfile> kernels;
  for (std::size_t row = 2; row < rows.size(); ++row) kernels.push_back(read_kernel(rows[0], rows[row]));
  return kernels;
}

}  // namespace flashcore
