#include "worker/worker_executor.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>
#include <set>
#include <type_traits>

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

std::string text_from_json(const JsonReader& reader) { return reader.string(); }

// What a reader of results makes.
template <class Read>
using Result = std::invoke_result_t<Read, const JsonReader&>;

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

  // A request without a variant. It may take longer than one about a variant. `read` makes a value of the result.
  template <class Read>
  Result<Read> ask(const Json& question, Read read) {
    blame_stray_line();
    ensure_worker();
    const JsonDocument answer = exchange(question, WorkerLink::kSetupFactor * link_.options().timeout_s);
    return read_result(answer, read);
  }

  // A variant that ended a worker is not run on this problem again.
  template <class Read>
  Result<Read> ask(const Variant& variant, const Json& question, Read read) {
    blame_stray_line();
    if (const auto found = failed_.find(&variant); found != failed_.end())
      throw EnvironmentError(found->second);
    ensure_worker();
    last_ = &variant;
    try {
      const JsonDocument answer = exchange(question, link_.options().timeout_s);
      note_left(variant, answer);
      return read_result(answer, read);
    } catch (const EnvironmentError& error) {
      // Foreign code that fails may have left its device in any state.
      if (variant.role == Role::plugin && variant.backend == Backend::cuda) link_.drop();
      if (!link_.is_up()) failed_.emplace(&variant, error);
      throw;
    }
  }

  const std::set<std::string>& left_behind(const Variant& variant) const {
    static const std::set<std::string> nothing;
    const auto found = left_.find(&variant);
    return found == left_.end() ? nothing : found->second;
  }

  // Microseconds that the last request took, without the start of a worker.
  double request_us() const { return request_us_; }

  const Inspection& inspection(const Variant& variant) {
    if (const auto found = inspections_.find(&variant); found != inspections_.end()) return found->second;
    return inspections_[&variant] = ask(variant, request(Call::inspect, variant), inspection_from_json);
  }

 private:
  void send_problem() {
    Json question = request(Call::prepare);
    question["problem"] = to_json(*problem_);
    question["seed"] = static_cast<std::int64_t>(seed_);
    question["inputs"] = to_string(inputs_);
    link_.ask(question, WorkerLink::kSetupFactor * link_.options().timeout_s);
  }

  JsonDocument exchange(const Json& question, double timeout_s) {
    const auto begin = std::chrono::steady_clock::now();
    JsonDocument answer = link_.ask(question, timeout_s);
    request_us_ = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
    return answer;
  }

  // A result of another form is not the worker's: the worker is not used again.
  template <class Read>
  Result<Read> read_result(const JsonDocument& answer, Read read) {
    try {
      return read(JsonReader(answer)["result"]);
    } catch (const UsageError& error) {
      link_.drop();
      throw ProtocolError(error.what());
    }
  }

  // Remembers what the variant left behind. A worker in which something stays is not used again.
  void note_left(const Variant& variant, const JsonDocument& answer) {
    const JsonReader reader(answer);
    try {
      for (const std::string_view key : {kLeftKey, kStaysKey}) {
        const auto found = find_field(reader, key);
        if (!found) continue;
        const bool stays = key == kStaysKey;
        for (const JsonReader& text : elements(*found)) {
          left_[&variant].insert(stays
                                     ? fmt::format("a launch left {}: a new worker took over", text.string())
                                     : fmt::format("a launch changed {}: restored", text.string()));
        }
        if (stays) link_.drop();
      }
    } catch (const UsageError& error) {
      link_.drop();
      throw ProtocolError(error.what());
    }
  }

  // A line that came after the answer about a variant is from something that the variant has left running.
  void blame_stray_line() {
    if (!link_.has_stray_line()) return;
    link_.drop();
    if (last_ != nullptr) {
      failed_.emplace(
          last_,
          ProtocolError("the worker sent a line that answers no request after the variant had returned"));
    }
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
  double request_us_ = 0;
  const Variant* last_ = nullptr;                      // the last variant that the worker was asked about
  std::optional<std::string> restart_error_;           // why the restart failed; for the current problem
  std::map<const Variant*, EnvironmentError> failed_;  // variants that ended a worker, on the current problem
  std::map<const Variant*, Inspection> inspections_;
  std::map<const Variant*, std::set<std::string>> left_;  // what variants left behind, on the current problem
};

WorkerExecutor::WorkerExecutor(WorkerOptions options)
    : session_(std::make_unique<Session>(std::move(options))), device_(session_->link().hello().device) {}

WorkerExecutor::~WorkerExecutor() = default;

const Hello& WorkerExecutor::hello() const { return session_->link().hello(); }

pid_t WorkerExecutor::process_id() const { return session_->link().process_id(); }

std::vector<std::string> WorkerExecutor::variant_ids() {
  return session_->ask(request(Call::variants), [](const JsonReader& result) {
    std::vector<std::string> ids;
    for (const JsonReader& id : elements(result)) ids.push_back(id.string());
    return ids;
  });
}

void WorkerExecutor::measure_ceilings() {
  try {
    device_ = session_->ask(request(Call::measure_ceilings), device_from_json);
  } catch (const Error& error) {
    device_.ceilings_problem = error.what();
  }
}

std::int64_t WorkerExecutor::required_bytes(const Problem& problem) const {
  Json question = request(Call::required_bytes);
  question["problem"] = to_json(problem);
  return session_->ask(question, decode<std::int64_t>);
}

void WorkerExecutor::prepare(const Problem& problem, std::uint64_t seed, kernels::InputKind inputs) {
  session_->prepare(problem, seed, inputs);
}

std::string WorkerExecutor::output_hash() const {
  return session_->ask(request(Call::output_hash), text_from_json);
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
  return session_->ask(variant, request(Call::why_direct, variant), text_from_json);
}

KernelNotes WorkerExecutor::notes(const Variant& variant) const {
  if (!variant.compiles()) return {};
  return session_->ask(variant, request(Call::notes, variant), notes_from_json);
}

std::vector<std::string> WorkerExecutor::left_behind(const Variant& variant) const {
  const std::set<std::string>& texts = session_->left_behind(variant);
  return {texts.begin(), texts.end()};
}

Check WorkerExecutor::verify(const Variant& variant, const CheckPolicy& policy) {
  Json question = request(Call::verify, variant);
  question["policy"] = to_json(policy);
  return session_->ask(variant, question, [this](const JsonReader& result) {
    return check_from_json(result, session_->problem());
  });
}

CheckedSample WorkerExecutor::verify_sample(const Variant& variant, TimingMode mode,
                                            const CheckPolicy& policy) {
  if (hello().protocol < kProtocolWithContrast) return {.check = verify(variant, policy), .sample = {}};
  Json question = request(Call::verify_sample, variant);
  question["clock"] = to_string(mode);
  question["policy"] = to_json(policy);
  return session_->ask(variant, question, [this](const JsonReader& result) {
    CheckedSample checked{.check = check_from_json(result, session_->problem()), .sample = {}};
    if (result.has(kSampleKey)) checked.sample = sample_from_json(result[kSampleKey]);
    return checked;
  });
}

Sample WorkerExecutor::sample(const Variant& variant, TimingMode mode) {
  Json question = request(Call::sample, variant);
  question["clock"] = to_string(mode);
  Sample sample = session_->ask(variant, question, sample_from_json);
  sample.request_us = session_->request_us();
  return sample;
}

std::optional<Control> WorkerExecutor::control(double us) {
  if (hello().protocol < kProtocolWithContrast) return {};
  Json question = request(Call::control);
  question["us"] = us;
  std::optional<Control> control = session_->ask(question, [](const JsonReader& result) {
    return result.value().is_null() ? std::nullopt : std::optional(control_from_json(result));
  });
  if (control) control->request_us = session_->request_us();
  return control;
}

Contrast WorkerExecutor::contrast(const Variant& variant, int pairs) {
  if (hello().protocol < kProtocolWithContrast) return {};
  Json question = request(Call::contrast, variant);
  question["pairs"] = pairs;
  return session_->ask(variant, question, contrast_from_json);
}

}  // namespace flashcore
