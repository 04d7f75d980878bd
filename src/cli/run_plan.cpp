#include "cli/run_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/terminal.hpp"
#include "base/text.hpp"
#include "base/text_table.hpp"
#include "cli/plan_summary.hpp"
#include "execute/open_device.hpp"
#include "registry/registry.hpp"
#include "registry/supports.hpp"
#include "results/record_json.hpp"
#include "worker/worker_executor.hpp"

namespace flashcore {
namespace {

using Variants = std::vector<const Variant*>;

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

bool is_compiled_for_any(const Variant& variant, const std::vector<Problem>& problems) {
  return std::ranges::any_of(problems, [&](const Problem& p) { return is_compiled_for(variant, p); });
}

// Why no variant can run any problem: "runs on a CUDA device (12); …". Empty if at least one can.
std::string reasons_against_all(const Variants& variants, const std::vector<Problem>& problems,
                                const DeviceInfo& device) {
  std::map<std::string, std::size_t> reasons;
  for (const Variant* variant : variants) {
    std::string first_reason;
    for (const Problem& problem : problems) {
      if (!is_compiled_for(*variant, problem)) continue;
      const SupportAnswer answer = ask_support(*variant, problem, target_of(device));
      if (answer.reason.empty() || answer.failed) return "";  // a record says how it fails
      if (first_reason.empty()) first_reason = answer.reason;
    }
    ++reasons[first_reason.empty() ? "compiled for another dtype or head_dim" : first_reason];
  }
  std::vector<std::string> parts;
  for (const auto& [reason, count] : reasons) parts.push_back(fmt::format("{} ({})", reason, count));
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string selector_place(const Plan& plan) {
  return plan.variants.empty() ? "/variants" : plan.variants.terms().front().where;
}

void check_baseline(const Plan& plan, const Variants& selected) {
  if (plan.baseline.empty()) return;
  Selector baseline;
  baseline.add_glob(plan.baseline, plan.baseline_place);
  baseline.select(all_variants());
  const bool among_selected = std::ranges::any_of(
      selected, [&](const Variant* variant) { return baseline.terms().front().matches(*variant); });
  if (!among_selected) {
    spdlog::warn("{}: \"{}\" matches no variant of this run; speed-ups are relative to the first row",
                 plan.baseline_place, plan.baseline);
  }
}

std::string gib(double bytes) { return fmt::format("{:.1f} GiB", bytes / (1024.0 * 1024.0 * 1024.0)); }

// A double, because all copies of a valid problem's tensors may exceed 2^63 bytes. Executor::required_bytes()
// could overflow then, so a lower bound stands for it if the problem is far too large.
double required_bytes(const Problem& problem, const Executor& executor) {
  const double lower_bound = compulsory_bytes(problem);
  const bool too_large = lower_bound > 4.0 * static_cast<double>(executor.device().memory_bytes);
  return too_large ? lower_bound : static_cast<double>(executor.required_bytes(problem));
}

}  // namespace

std::unique_ptr<Executor> open_executor(const Plan& plan, const std::vector<std::string>& plugins,
                                        bool in_process) {
  if (in_process) return open_device(plan.device);
  return std::make_unique<WorkerExecutor>(WorkerOptions{
      .device = to_string(plan.device), .plugins = plugins, .timeout_s = plan.policy.measure.timeout_s});
}

Variants runnable_variants(const Plan& plan, const DeviceInfo& device) {
  if (plan.automatic && plan.variants.empty()) return {};
  const Variants selected = plan.variants.select(all_variants());
  for (const std::string& reason : plan.variants.families_left_out()) spdlog::info("{}", reason);

  if (const std::string reasons = reasons_against_all(selected, plan.problems, device); !reasons.empty()) {
    throw UsageError(fmt::format("{}: none of the {} selected variants can run on {} ({}): {}",
                                 selector_place(plan), selected.size(), device.name,
                                 to_string(device.backend), reasons));
  }
  Variants here;
  std::map<Backend, std::size_t> elsewhere;
  for (const Variant* variant : selected) {
    if (!is_compiled_for_any(*variant, plan.problems)) continue;
    if (variant->backend == device.backend) {
      here.push_back(variant);
    } else {
      ++elsewhere[variant->backend];
    }
  }
  for (const auto& [backend, count] : elsewhere) {
    spdlog::info("{} selected variants are left out: they run on {}, but this run uses {}", count,
                 device_phrase(backend), device_phrase(device.backend));
  }
  check_baseline(plan, here);
  return here;
}

void check_memory(const Plan& plan, const Executor& executor) {
  const double available = static_cast<double>(executor.device().free_memory_bytes);
  for (std::size_t i = 0; i < plan.problems.size(); ++i) {
    const double needed = required_bytes(plan.problems[i], executor);
    if (needed <= available) continue;
    throw UsageError(fmt::format("{}: {} needs {} of memory, {} has {} free", plan.problem_places[i],
                                 plan.problems[i].name, gib(needed), executor.device().name, gib(available)));
  }
}

void check_written_for(const Plan& plan, const DeviceInfo& device) {
  if (plan.written_for.empty() || lower(device.name).find(lower(plan.written_for)) != std::string::npos) {
    return;
  }
  spdlog::warn("config {} was written for {}, this device is {}", plan.name, plan.written_for, device.name);
}

std::string plan_text(const Plan& plan, const Variants& variants, const Executor& executor) {
  TextTable problems({{"problem", Align::left, 0, Cut::middle},
                      {"shape", Align::left, 0, Cut::middle},
                      {"GFLOP", Align::right},
                      {"traffic", Align::right},
                      {"memory", Align::right}});
  for (const Problem& problem : plan.problems) {
    problems.add({problem.name, problem_id(problem), fmt::format("{:.4g}", flops(problem) * 1e-9),
                  format_bytes(compulsory_bytes(problem)), format_bytes(required_bytes(problem, executor))});
  }
  TextTable table({{"variant", Align::left, 0, Cut::middle},
                   {"problems", Align::right},
                   {"reason", Align::left, 0, Cut::end}});
  for (const Variant* variant : variants) {
    std::size_t compiled = 0;
    std::size_t runs = 0;
    std::string why;
    for (const Problem& problem : plan.problems) {
      if (!is_compiled_for(*variant, problem)) continue;
      ++compiled;
      const std::string reason = ask_support(*variant, problem, target_of(executor.device())).reason;
      runs += reason.empty() ? 1 : 0;
      if (why.empty()) why = reason;
    }
    table.add({variant->id(), fmt::format("{} of {}", runs, compiled), why});
  }
  const TableLayout layout{.width = output_width()};
  return fmt::format("{}: {} problems, {} variants on {} ({})\n\n{}\n{}{}", plan.name, plan.problems.size(),
                     variants.size(), executor.device().name, to_string(executor.device().backend),
                     problems.text(layout), table.text(layout), weights_text(plan));
}

Json plan_json(const Plan& plan, const Variants& variants, const Executor& executor,
               std::span<const Pick> picks) {
  const DeviceInfo& device = executor.device();
  Json json = {{"name", plan.name},
               {"device", {{"name", device.name}, {"backend", to_string(device.backend)}}},
               {"problems", Json::array()},
               {"variants", Json::array()}};
  const std::vector<WeightShares> shares = weight_shares(plan);
  for (std::size_t i = 0; i < plan.problems.size(); ++i) {
    const Problem& problem = plan.problems[i];
    Json entry = {{"problem", to_json(problem)},
                  {"flops", flops(problem)},
                  {"bytes", compulsory_bytes(problem)},
                  {"required_bytes", required_bytes(problem, executor)}};
    if (!shares.empty()) entry["shares"] = to_json(shares[i]);
    if (!picks.empty()) entry["auto"] = {{"variant", picks[i].variant->id()}, {"reason", picks[i].reason}};
    json["problems"].push_back(std::move(entry));
  }
  for (const Variant* variant : variants) {
    Json entry = {{"id", variant->id()}, {"runs", Json::array()}, {"refuses", Json::object()}};
    for (const Problem& problem : plan.problems) {
      if (!is_compiled_for(*variant, problem)) continue;
      const std::string reason = ask_support(*variant, problem, target_of(device)).reason;
      if (reason.empty()) {
        entry["runs"].push_back(problem.name);
      } else {
        entry["refuses"][problem.name] = reason;
      }
    }
    json["variants"].push_back(std::move(entry));
  }
  return json;
}

}  // namespace flashcore
