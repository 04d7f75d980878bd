#include "worker/worker_executor.hpp"

#include <fmt/format.h>

#include <chrono>

#include "base/json_fields.hpp"
#include "results/device_json.hpp"
#include "results/notes_json.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

Json request(Call call) { return {{"call", to_string(call)}}; }

Json request(Call call, const Variant& variant) {
  return {{"call", to_string(call)}, {"variant", variant.id()}};
}

JsonReader result_of(const JsonDocument& answer) { return JsonReader(answer)["result"]; }

}  // namespace

class WorkerExecutor::Session {
 public:
  explicit Session(WorkerOptions options) : link_(std::move(options)) {}

  const WorkerLink& link() const { return link_; }
  const Problem& problem() const { return *problem_; }

  void prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
    problem_ = problem;
    seed_ = seed;
    inputs_ = inputs;
    failed_.clear();
    inspections_.clear();
    restart_error_.reset();
    if (!link_.is_up()) link_.restart();
    send_problem();
  }

  // A request without a variant. It may take longer than one about a variant.
  JsonDocument ask(const Json& question) {
    ensure_worker();
    return link_.ask(question, WorkerLink::kSetupFactor * link_.options().timeout_s);
  }

  // A variant that ended a worker is not run on this problem again.
  JsonDocument ask(const Variant& variant, const Json& question) {
    if (const auto found = failed_.find(&variant); found != failed_.end())
      throw EnvironmentError(found->second);
    ensure_worker();
    try {
      return link_.ask(question, link_.options().timeout_s);
    } catch (const EnvironmentError& error) {
      if (!link_.is_up()) failed_.emplace(&variant, error);
      throw;
    }
  }

  const Inspection& inspection(const Variant& variant) {
    if (const auto found = inspections_.find(&variant); found != inspections_.end()) return found->second;
    const JsonDocument answer = ask(variant, request(Call::inspect, variant));
    return inspections_[&variant] = inspection_from_json(result_of(answer));
  }

 private:
  void send_problem() {
    Json question = request(Call::prepare);
    question["problem"] = to_json(*problem_);
    question["seed"] = static_cast<std::int64_t>(seed_);
    question["inputs"] = to_string(inputs_);
    link_.ask(question, WorkerLink::kSetupFactor * link_.options().timeout_s);
  }

  // Restarts a lost worker. Tries only once per problem, because a failed restart would fail at every call.
  void ensure_worker() {
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

  WorkerLink link_;
  std::optional<Problem> problem_;
  std::uint64_t seed_ = 0;
  kernels::InputKind inputs_ = kernels::InputKind::normal;
  std::optional<std::string> restart_error_;           // why the restart failed; for the current problem
  std::map<const Variant*, EnvironmentError> failed_;  // variants that ended a worker, on the current problem
  std::map<const Variant*, Inspection> inspections_;
};

WorkerExecutor::WorkerExecutor(WorkerOptions options)
    : session_(std::make_unique<Session>(std::move(options))), device_(session_->link().hello().device) {}

WorkerExecutor::~WorkerExecutor() = default;

const Hello& WorkerExecutor::hello() const { return session_->link().hello(); }

pid_t WorkerExecutor::process_id() const { return session_->link().process_id(); }

std::vector<std::string> WorkerExecutor::variant_ids() {
  const JsonDocument answer = session_->ask(request(Call::variants));
  std::vector<std::string> ids;
  for (const JsonReader& id : elements(result_of(answer))) ids.push_back(id.string());
  return ids;
}

void WorkerExecutor::measure_ceilings() {
  try {
    const JsonDocument answer = session_->ask(request(Call::measure_ceilings));
    device_ = device_from_json(result_of(answer));
  } catch (const Error& error) {
    device_.ceilings_problem = error.what();
  }
}

std::int64_t WorkerExecutor::required_bytes(const Problem& problem) const {
  Json question = request(Call::required_bytes);
  question["problem"] = to_json(problem);
  const JsonDocument answer = session_->ask(question);
  return decode<std::int64_t>(result_of(answer));
}

void WorkerExecutor::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
  session_->prepare(problem, seed, inputs);
}

std::string WorkerExecutor::output_hash() const {
  const JsonDocument answer = session_->ask(request(Call::output_hash));
  return result_of(answer).string();
}

std::string WorkerExecutor::unsupported(const Variant& variant) const {
  return session_->inspection(variant).unsupported;
}

Resources WorkerExecutor::resources(const Variant& variant) const {
  return session_->inspection(variant).resources;
}

std::string WorkerExecutor::code_hash(const Variant& variant) const {
  return session_->inspection(variant).code_hash;
}

std::string WorkerExecutor::why_direct(const Variant& variant) const {
  if (!variant.compiles()) return "";
  const JsonDocument answer = session_->ask(variant, request(Call::why_direct, variant));
  return result_of(answer).string();
}

KernelNotes WorkerExecutor::notes(const Variant& variant) const {
  if (!variant.compiles()) return {};
  const JsonDocument answer = session_->ask(variant, request(Call::notes, variant));
  return notes_from_json(result_of(answer));
}

Check WorkerExecutor::verify(const Variant& variant, const CheckPolicy& policy) {
  Json question = request(Call::verify, variant);
  question["policy"] = to_json(policy);
  const JsonDocument answer = session_->ask(variant, question);
  return check_from_json(result_of(answer), session_->problem());
}

CheckedSample WorkerExecutor::verify_sample(const Variant& variant, TimingMode mode,
                                            const CheckPolicy& policy) {
  if (hello().protocol < kProtocolVersion) return {.check = verify(variant, policy), .sample = {}};
  Json question = request(Call::verify_sample, variant);
  question["clock"] = to_string(mode);
  question["policy"] = to_json(policy);
  const JsonDocument answer = session_->ask(variant, question);
  const JsonReader result = result_of(answer);
  CheckedSample checked{.check = check_from_json(result, session_->problem()), .sample = {}};
  if (result.has(kSampleKey)) checked.sample = sample_from_json(result[kSampleKey]);
  return checked;
}

Sample WorkerExecutor::sample(const Variant& variant, TimingMode mode) {
  Json question = request(Call::sample, variant);
  question["clock"] = to_string(mode);
  const auto begin = std::chrono::steady_clock::now();
  const JsonDocument answer = session_->ask(variant, question);
  const std::chrono::duration<double, std::micro> request = std::chrono::steady_clock::now() - begin;
  Sample sample = sample_from_json(result_of(answer));
  sample.request_us = request.count();
  return sample;
}

std::optional<Control> WorkerExecutor::control(double us) {
  if (hello().protocol < kProtocolVersion) return {};
  Json question = request(Call::control);
  question["us"] = us;
  const auto begin = std::chrono::steady_clock::now();
  const JsonDocument answer = session_->ask(question);
  const std::chrono::duration<double, std::micro> request = std::chrono::steady_clock::now() - begin;
  const JsonReader result = result_of(answer);
  if (result.value().is_null()) return {};
  Control control = control_from_json(result);
  control.request_us = request.count();
  return control;
}

Contrast WorkerExecutor::contrast(const Variant& variant, int pairs) {
  if (hello().protocol < kProtocolVersion) return {};
  Json question = request(Call::contrast, variant);
  question["pairs"] = pairs;
  const JsonDocument answer = session_->ask(variant, question);
  return contrast_from_json(result_of(answer));
}

}  // namespace flashcore
