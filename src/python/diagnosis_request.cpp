#include "python/diagnosis_request.hpp"

#include <fmt/format.h>

#include <array>
#include <memory>

#include "attention/problem_fields.hpp"
#include "base/error.hpp"
#include "base/json_text.hpp"
#include "check/cpu_check_device.hpp"
#include "config/plan.hpp"
#include "diagnose/child_diagnosis.hpp"
#include "diagnose/diagnosis.hpp"
#include "execute/launcher.hpp"
#include "python/callable_family.hpp"
#include "python/problem_text.hpp"
#include "registry/registry.hpp"
#include "render/diagnosis_output.hpp"

namespace nb = nanobind;

namespace flashcore {
namespace {

DeviceRequest request_for(Backend backend, const std::string& device) {
  DeviceRequest request = parse_device(device, "device");
  using Kind = DeviceRequest::Kind;
  const Kind own = backend == Backend::cpu ? Kind::cpu : Kind::cuda;
  if (request.kind == Kind::automatic) request.kind = own;
  if (request.kind != own) throw UsageError(fmt::format("device: it runs on {}", device_phrase(backend)));
  return request;
}

Json first_bad(const Json& diagnosis) {
  for (const Json& finding : diagnosis["findings"]) {
    if (finding["probe"] != diagnosis["faults"][0]["shown_by"]) continue;
    if (const auto found = finding.find("first_bad"); found != finding.end()) return *found;
  }
  return nullptr;
}

std::string diagnosis_json(const Diagnosis& diagnosis) {
  Json json = to_json(diagnosis);
  json["text"] = to_text(diagnosis, false);
  json["crashed"] = diagnosis.crashed();
  if (diagnosis.healthy()) return json_text(json);
  json["failing"] = problem_flag(diagnosis.failing_problem());
  json["first_bad"] = first_bad(json);
  return json_text(json);
}

Diagnosis diagnose_in_child(const SubjectName& subject, const Variant& variant, const Problem& problem) {
  const DiagnosisChild child{.arguments = subject.command,
                             .timeout_s = subject.timeout_s,
                             .program = subject.command.front(),
                             .timeout_flag = "timeout"};
  return receive_diagnosis(child, variant, problem, [](Probe) {
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
  });
}

// Buffers of a problem, for as long as Python has arrays of them.
struct OwnedBuffers {
  Launcher launcher;
  std::unique_ptr<ProblemBuffers> buffers;
};

nb::capsule owner_of(auto* object) {
  return {object, [](void* pointer) noexcept { delete static_cast<decltype(object)>(pointer); }};
}

ArrayPlace place_of(const DeviceRequest& request, Backend backend, const std::string& framework) {
  return {.backend = backend, .device = request.index, .framework = framework};
}

}  // namespace

std::string diagnose_text(const SubjectName& subject, const std::string& problem, std::uint64_t seed,
                          const std::string& device) {
  const Problem asked = read_problem(problem);
  if (!subject.adapter.is_none()) {
    CallableFamily family(subject.adapter);
    const Variant& variant = family.variant_for(asked);
    if (!subject.command.empty()) return diagnosis_json(diagnose_in_child(subject, variant, asked));
    const Launcher launcher = open_launcher(request_for(variant.backend, device));
    return diagnosis_json(diagnose(launcher, variant, asked, seed));
  }
  const Variant* variant = find_variant(subject.variant);
  if (variant == nullptr) throw UsageError(fmt::format("no variant has the id {}", subject.variant));
  const Launcher launcher = open_launcher(request_for(variant->backend, device));
  return diagnosis_json(diagnose(launcher, *variant, asked, seed));
}

nb::dict make_inputs(const std::string& problem, std::uint64_t seed, const std::string& device,
                     const std::string& framework) {
  const Problem asked = read_problem(problem);
  const DeviceRequest request = parse_device(device, "device");
  auto* owned = new OwnedBuffers{open_launcher(request), nullptr};
  const nb::capsule owner = owner_of(owned);
  owned->buffers =
      std::make_unique<ProblemBuffers>(asked, seed, kernels::InputKind::normal, owned->launcher.device());
  owned->launcher.device().wait("making inputs");
  AttentionArgs args = owned->buffers->args({});
  args.out = nullptr;
  args.lse = nullptr;
  const ArrayPlace place = place_of(request, owned->launcher.info().backend, framework);
  return tensors_of(args, asked.dtype, place, owner);
}

nb::tuple make_reference(const std::string& problem, const InputArrays& inputs,
                         const std::string& framework) {
  const Problem asked = read_problem(problem);
  const DeviceRequest request = inputs.device();
  const Backend backend = request.kind == DeviceRequest::Kind::cpu ? Backend::cpu : Backend::cuda;
  const Launcher launcher = open_launcher(request);
  AttentionArgs args = attention_args(asked);
  inputs.set(asked, backend, args);
  const TensorShape shape = query_shape(asked);
  auto* out = new Memory(launcher.device().allocate(shape.elements() * 4));
  const nb::capsule out_owner = owner_of(out);
  auto* lse = new Memory(launcher.device().allocate(lse_elements(asked) * 4));
  const nb::capsule lse_owner = owner_of(lse);
  launcher.device().run_reference(args, asked.dtype, ReferenceKind::reference, out->as<float>(),
                                  lse->as<float>());
  launcher.device().wait("running the reference");
  const auto size = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  const std::array<std::size_t, 4> sizes = {size(shape.batch), size(shape.heads), size(shape.rows),
                                            size(shape.head_dim)};
  const ArrayPlace place = place_of(request, backend, framework);
  return nb::make_tuple(float_array(out->as<float>(), sizes, place, out_owner),
                        float_array(lse->as<float>(), std::span(sizes).first(3), place, lse_owner));
}

}  // namespace flashcore
