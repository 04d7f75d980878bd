#include "registry/supports.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "attention/problem_fields.hpp"
#include "base/compiled_architectures.hpp"
#include "base/error.hpp"

namespace flashcore {
namespace {

bool lists(std::span<const std::string_view> names, std::string_view name) {
  return std::ranges::count(names, name) > 0;
}

bool supports_field(const Variant& variant, const ProblemField& field, const Problem& problem) {
  if (field.support == Support::every_family) return !lists(variant.missing_fields, field.name);
  return lists(variant.problem_fields, field.name) ||
         lists(variant.problem_fields, fmt::format("{}={}", field.name, value_text(field, problem)));
}

// The first field that the problem uses and the variant does not support.
const ProblemField* find_unknown_field(const Variant& variant, const Problem& problem) {
  for (const ProblemField& field : problem_fields()) {
    if (!is_default(field, problem) && !supports_field(variant, field, problem)) return &field;
  }
  return nullptr;
}

std::string reason_of_kernel(const Variant& variant, const AttentionArgs& args, const DeviceLimits& limits) {
  const char* reason = variant.kernels->unsupported(variant.index, args, limits);
  return reason == nullptr ? "" : reason;
}

// A kernel of this program may have less than the device can do: PTX for 8.0 has no instruction of 9.0 on any device.
// Plug-ins and peers bring their own code.
std::string reason_of_code(const Variant& variant, const AttentionArgs& args, const Target& target) {
  const int device = target.limits.compute_capability;
  if (variant.backend != Backend::cuda || variant.role != Role::ladder || target.architectures.empty())
    return "";
  const std::optional<int> code = code_capability(target.architectures, device);
  if (!code) return no_code_reason(target.architectures, device);
  if (*code == device) return "";
  DeviceLimits limits = target.limits;
  limits.compute_capability = *code;
  const std::string reason = reason_of_kernel(variant, args, limits);
  return reason.empty()
             ? ""
             : fmt::format("its code for this device is compiled for {}: {}", capability_text(*code), reason);
}

// A problem that variants of this spec are made for.
Problem problem_for(const VariantSpec& spec) {
  constexpr std::int32_t kLength = 512;
  Problem problem{.seq_q = kLength,
                  .seq_kv = kLength,
                  .head_dim = spec.head_dim,
                  .dtype = spec.dtype,
                  .scale = default_scale(spec.head_dim)};
  if (spec.tile.ragged != 0) problem.lengths = Lengths{.q = {kLength}, .kv = {kLength}};
  if (spec.tile.paged != 0) problem.kv = {.layout = KvKind::paged, .page_size = 16};
  if (spec.tile.kv_bits != 0) problem.kv_dtype = Dtype::e4m3;
  problem.layout = default_layout(problem);
  normalize(problem);
  return problem;
}

template <class... Asked>
SupportAnswer answer_of(const Variant& variant, const Asked&... asked) {
  try {
    return {unsupported_reason(variant, asked...)};
  } catch (const EnvironmentError& error) {
    return {fmt::format("{}: {}", to_string(error.status), error.what()), true};
  }
}

}  // namespace

bool is_compiled_for(const Variant& variant, const Problem& problem) {
  return variant.spec.dtype == problem.dtype && variant.spec.head_dim == problem.head_dim;
}

std::vector<const Variant*> compiled_for(const Problem& problem, std::span<const Variant* const> variants) {
  std::vector<const Variant*> matching;
  std::ranges::copy_if(variants, std::back_inserter(matching),
                       [&](const Variant* variant) { return is_compiled_for(*variant, problem); });
  if (matching.empty()) matching.assign(variants.begin(), variants.end());
  return matching;
}

std::string unsupported_reason(const Variant& variant, const Problem& problem, const AttentionArgs& args,
                               const Target& target) {
  if (variant.backend != target.backend) return fmt::format("runs on {}", device_phrase(variant.backend));
  if (variant.spec.dtype != problem.dtype) return "compiled for another dtype";
  if (variant.spec.head_dim != problem.head_dim) return "compiled for another head_dim";
  if (const ProblemField* field = find_unknown_field(variant, problem)) {
    return fmt::format("the family does not support {} = {}", field->name, value_text(*field, problem));
  }
  if (args.has_lse_layout() && !lists(variant.problem_fields, kLseLayout)) {
    return "the family writes the log-sum-exp as a natural logarithm without gaps only";
  }
  if (variant.kernels == nullptr) return "";
  const std::string reason = reason_of_kernel(variant, args, target.limits);
  return reason.empty() ? reason_of_code(variant, args, target) : reason;
}

std::string unsupported_reason(const Variant& variant, const Problem& problem, const Target& target) {
  alignas(256) static float some = 0;  // only its address counts: that there is a log-sum-exp, or a sink
  AttentionArgs args = attention_args(problem);
  if (problem.lse) args.lse = &some;
  if (problem.sinks) args.sinks = &some;
  return unsupported_reason(variant, problem, args, target);
}

std::string unsupported_reason(const Variant& variant, const Target& target) {
  return unsupported_reason(variant, problem_for(variant.spec), target);
}

SupportAnswer ask_support(const Variant& variant, const Problem& problem, const AttentionArgs& args,
                          const Target& target) {
  return answer_of(variant, problem, args, target);
}

SupportAnswer ask_support(const Variant& variant, const Problem& problem, const Target& target) {
  return answer_of(variant, problem, target);
}

SupportAnswer ask_support(const Variant& variant, const Target& target) { return answer_of(variant, target); }

}  // namespace flashcore
