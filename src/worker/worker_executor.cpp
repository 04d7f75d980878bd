#include "worker/worker_executor.hpp"

#include "base/json_fields.hpp"
#include "results/device_json.hpp"
#include "results/notes_json.hpp"
#include "results/record_json.hpp"
#include "worker/described_plugin.hpp"
#include "worker/problem_worker.hpp"

namespace flashcore {
namespace {

Json request(Call call) { return {{"call", to_string(call)}}; }

Json request(Call call, const Variant& variant) {
  return {{"call", to_string(call)}, {"variant", variant.id()}};
}

std::string text_from_json(const JsonReader& reader) { return reader.string(); }

}  // namespace

WorkerExecutor::WorkerExecutor(WorkerOptions options)
    : session_(std::make_unique<ProblemWorker>(std::move(options))),
      device_(session_->link().hello().device) {}

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
  end_descriptions();
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

Check WorkerExecutor::verify_replays(const Variant& variant, const CheckPolicy& policy, int deals) {
  Json question = request(Call::verify_replays, variant);
  question["policy"] = to_json(policy);
  question["deals"] = deals;
  return session_->ask(variant, question, [this](const JsonReader& result) {
    return check_from_json(result, session_->problem());
  });
}

BatchInvariance WorkerExecutor::test_batch_invariance(const Variant& variant) {
  if (hello().protocol < kProtocolWithBatches) return {};
  constexpr double kManyLaunches = 10;  // it has as many launches as several checks
  return session_->ask(variant, request(Call::test_batch_invariance, variant), batch_invariance_from_json,
                       kManyLaunches);
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
