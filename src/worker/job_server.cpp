#include "worker/job_server.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/json_fields.hpp"
#include "results/device_json.hpp"
#include "results/notes_json.hpp"
#include "results/record_json.hpp"

namespace flashcore {
namespace {

// Calls that run a variant on the problem of the last `prepare`.
bool needs_problem(Call call) {
  constexpr Call kCalls[] = {
      Call::verify,      Call::verify_sample,        Call::verify_replays, Call::verify_negated,
      Call::sample,      Call::sample_poisoned,      Call::contrast,       Call::control,
      Call::output_hash, Call::test_batch_invariance};
  return std::ranges::find(kCalls, call) != std::end(kCalls);
}

TimingMode mode_of(const JsonReader& request) { return decode<TimingMode>(require_field(request, "clock")); }

CheckPolicy policy_of(const JsonReader& request) {
  return check_policy_from_json(require_field(request, "policy"));
}

}  // namespace

JobServer::JobServer(Executor& executor, std::span<const Variant* const> variants, FurtherVariants further)
    : executor_(executor), further_(std::move(further)) {
  for (const Variant* variant : variants) variants_.emplace(variant->id(), variant);
}

std::string JobServer::answer(std::string_view line) {
  return answerer_.answer(line, [this](const JsonReader& request) {
    return Json{{"result", perform(request)}};
  });
}

Json JobServer::clear() {
  LeftBehind left = aftermath_.clear();
  if (const std::string problem = executor_.settle(); !problem.empty()) left.stays.push_back(problem);
  return {{kRestoredKey, left.restored}, {kStaysKey, left.stays}};
}

Call JobServer::call_of(const JsonReader& request) const {
  const Call call = decode<Call>(require_field(request, "call"));
  if (needs_problem(call) && !problem_) request["call"].fail("needs a problem, which \"prepare\" sets");
  return call;
}

Json JobServer::measure_ceilings() {
  executor_.measure_ceilings();
  return device_to_json(executor_.device());
}

Json JobServer::perform(const JsonReader& request) {
  switch (call_of(request)) {
    case Call::variants:
      return ids();
    case Call::measure_ceilings:
      return measure_ceilings();
    case Call::required_bytes:
      return executor_.required_bytes(problem_from_json(require_field(request, "problem")));
    case Call::prepare:
      return prepare(request);
    case Call::inspect:
      return inspect(require_field(request, "variant").string());
    case Call::verify:
      return check_to_json(executor_.verify(variant(request), policy_of(request)), problem_.value());
    case Call::verify_sample:
    case Call::verify_negated:
      return verify_sample(request);
    case Call::verify_replays:
      return verify_replays(request);
    case Call::test_batch_invariance:
      return to_json(executor_.test_batch_invariance(variant(request)));
    case Call::sample:
      return take_sample(variant(request), mode_of(request));
    case Call::sample_poisoned:
      return encode(executor_.sample(variant(request), TimingMode::call).us);
    case Call::contrast:
      return to_json(executor_.contrast(variant(request), decode<int>(require_field(request, "pairs"))));
    case Call::control:
      return time_control(decode<double>(require_field(request, "us")));
    case Call::output_hash:
      return executor_.output_hash();
    case Call::why_direct:
      return executor_.why_direct(variant(request));
    case Call::notes:
      return notes_to_json(executor_.notes(variant(request)));
    case Call::clear:
      return clear();
  }
  return nullptr;
}

Json JobServer::ids() const {
  Json ids = Json::array();
  for (const auto& [id, variant] : variants_) ids.push_back(id);
  return ids;
}

Json JobServer::prepare(const JsonReader& request) {
  problem_.reset();
  const Problem problem = problem_from_json(require_field(request, "problem"));
  if (further_) {
    for (const Variant* variant : further_(problem)) variants_.insert_or_assign(variant->id(), variant);
  }
  executor_.prepare(problem, static_cast<std::uint64_t>(decode<std::int64_t>(require_field(request, "seed"))),
                    decode<kernels::InputKind>(require_field(request, "inputs")));
  problem_ = problem;
  return nullptr;
}

Json JobServer::time_control(double us) {
  const std::optional<Control> control = executor_.control(us);
  return control ? to_json(*control) : Json(nullptr);
}

Json JobServer::inspect(const std::string& id) const {
  const auto found = variants_.find(id);
  if (found == variants_.end())
    return to_json(Inspection{.unsupported = "the worker's build does not have the variant"});
  const Variant& variant = *found->second;
  Inspection inspection;
  if (problem_) inspection.unsupported = executor_.unsupported(variant);
  if (!inspection.unsupported.empty()) return to_json(inspection);
  if (problem_ && variant.knows_resources()) inspection.resources = executor_.resources(variant);
  inspection.code_hash = executor_.code_hash(variant);
  return to_json(inspection);
}

Json JobServer::verify_sample(const JsonReader& request) {
  const bool names_mode = decode<Call>(request["call"]) == Call::verify_sample;
  const TimingMode mode = names_mode ? mode_of(request) : TimingMode::call;
  const CheckedSample checked = executor_.verify_sample(variant(request), mode, policy_of(request));
  Json json = check_to_json(checked.check, problem_.value());
  if (checked.sample) json[kSampleKey] = to_json(*checked.sample);
  return json;
}

Json JobServer::verify_replays(const JsonReader& request) {
  const int deals = decode<int>(require_field(request, "deals"));
  return check_to_json(executor_.verify_replays(variant(request), policy_of(request), deals),
                       problem_.value());
}

Json JobServer::take_sample(const Variant& variant, TimingMode mode) {
  return to_json(executor_.sample(variant, mode));
}

const Variant& JobServer::variant(const JsonReader& request) const {
  const JsonReader id = require_field(request, "variant");
  const auto found = variants_.find(id.string());
  if (found == variants_.end()) id.fail("the worker's build does not have the variant");
  return *found->second;
}

}  // namespace flashcore
