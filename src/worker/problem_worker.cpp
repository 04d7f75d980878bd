#include "worker/problem_worker.hpp"

#include <fmt/format.h>

#include <chrono>

#include "base/json_fields.hpp"
#include "results/record_json.hpp"

namespace flashcore {

void ProblemWorker::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
  problem_ = problem;
  seed_ = seed;
  inputs_ = inputs;
  last_ = nullptr;
  failed_.clear();
  inspections_.clear();
  left_.clear();
  restart_error_.reset();
  if (link_.has_stray_line()) link_.drop();
  if (!link_.is_up()) link_.restart();
  try {
    send_problem();
  } catch (const EnvironmentError& error) {
    // What a variant of the last problem has left running ended the worker, and no variant of this one.
    if (link_.is_up() || error.status != Status::crashed) throw;
    link_.restart();
    send_problem();
  }
}

const std::set<std::string>& ProblemWorker::left_behind(const Variant& variant) const {
  static const std::set<std::string> nothing;
  const auto found = left_.find(&variant);
  return found == left_.end() ? nothing : found->second;
}

const Inspection& ProblemWorker::inspection(const Variant& variant) {
  if (const auto found = inspections_.find(&variant); found != inspections_.end()) return found->second;
  return inspections_[&variant] = ask(
             variant, {{"call", to_string(Call::inspect)}, {"variant", variant.id()}}, inspection_from_json);
}

void ProblemWorker::send_problem() {
  Json question = Json{{"call", to_string(Call::prepare)}};
  question["problem"] = to_json(*problem_);
  question["seed"] = static_cast<std::int64_t>(seed_);
  question["inputs"] = to_string(inputs_);
  link_.ask(question, WorkerLink::kSetupFactor * link_.options().timeout_s);
}

JsonDocument ProblemWorker::exchange(const Json& question, double timeout_s) {
  const auto begin = std::chrono::steady_clock::now();
  JsonDocument answer = link_.ask(question, timeout_s);
  request_us_ = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
  return answer;
}

void ProblemWorker::clear_after(const Variant& variant) {
  if (!Aftermath::is_needed(variant) || link_.hello().protocol < kProtocolWithIds) return;
  const JsonDocument answer = link_.ask({{"call", to_string(Call::clear)}}, link_.options().timeout_s);
  const auto note = [&](std::string_view key, std::string_view format) {
    return read_result(answer, [&](const JsonReader& result) {
      const std::vector<JsonReader> texts = elements(require_field(result, key));
      for (const JsonReader& text : texts)
        left_[&variant].insert(fmt::format(fmt::runtime(format), text.string()));
      return !texts.empty();
    });
  };
  note(kRestoredKey, "a launch changed {}: restored");
  if (note(kStaysKey, "a launch left {}: a new worker took over")) link_.drop();
}

void ProblemWorker::blame_stray_line() {
  if (!link_.has_stray_line()) return;
  link_.drop();
  if (last_ != nullptr) {
    failed_.emplace(
        last_,
        ProtocolError("the worker sent a line that answers no request after the variant had returned"));
  }
}

void ProblemWorker::ensure_worker() {
  if (link_.is_up()) return;
  if (restart_error_) throw EnvironmentError(*restart_error_);
  try {
    link_.restart();
    if (problem_) send_problem();
  } catch (const Error& error) {
    restart_error_ = fmt::format("the worker was lost and cannot be restarted: {}", error.what());
    throw EnvironmentError(*restart_error_);
  }
}

}  // namespace flashcore
