#include "library/calls.hpp"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "library/auto_variant.hpp"
#include "library/device_limits.hpp"
#include "library/variant_index.hpp"
#include "registry/default_variant.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

constexpr int kMaxShownId = 100;  // columns

Target target_of(std::int32_t device) {
  return {.backend = backend_of(device), .limits = device_info(device).limits};
}

[[noreturn]] void fail_unsupported(const Problem& problem) {
  throw ApiError{FLASHCORE_UNSUPPORTED,
                 fmt::format("no variant can run these arguments (head_dim {}, {}) on this device",
                             problem.head_dim, to_string(problem.dtype))};
}

bool is_automatic(const char* variant) { return variant == nullptr || std::string_view(variant) == "auto"; }

// Memory of the caller that a launch of the variant needs.
void check_memory(const Variant& variant, const void* memory, std::size_t needed, std::string_view field,
                  std::string_view advice) {
  if (needed == 0) return;
  if (memory == nullptr) {
    throw ApiError{FLASHCORE_INVALID_ARGUMENT, fmt::format("args/{}: is null, but {} needs {} bytes{}", field,
                                                           variant.id(), needed, advice)};
  }
  check_alignment(memory, kWorkspaceAlignment, field);
}

void check_readable(const Request& request, std::int32_t device) {
  check_arrays(request.args);
  if (device == FLASHCORE_HOST) check_lengths(request.args);
}

}  // namespace

ThreadTexts& thread_texts() {
  thread_local ThreadTexts texts;
  return texts;
}

flashcore_status set_error(flashcore_status status, std::string_view message) {
  thread_texts().error = printable(message);  // paths and JSON keys may contain control characters
  return status;
}

std::size_t find_index(const char* id) {
  require(id != nullptr, "id: is null");
  const VariantIndex& variants = VariantIndex::instance();
  if (const auto index = variants.find(id)) return *index;
  const std::string_view nearest = variants.nearest(id);
  throw ApiError{FLASHCORE_UNKNOWN_VARIANT,
                 fmt::format("variant: {} does not exist{}", elide(id, kMaxShownId),
                             nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest))};
}

const char* id_text(const Variant& variant) {
  return VariantIndex::instance().id(find_index(variant.id().c_str())).c_str();
}

const Variant& chosen_default(const Request& request, std::int32_t device) {
  const Variant* found = default_variant(request.problem, request.args, target_of(device));
  if (found == nullptr) fail_unsupported(request.problem);
  return *found;
}

Choice choose(const Request& request, std::int32_t device) {
  Choice choice = choose_variant(request.problem, request.args, device);
  if (choice.variant == nullptr) fail_unsupported(request.problem);
  return choice;
}

const Variant& supported_variant(const char* name, const Request& request, std::int32_t device) {
  if (is_automatic(name)) return *choose(request, device).variant;
  const Variant& variant = *all_variants()[find_index(name)];
  // Does not query a device of the other backend: it may not exist, and the backend is reason enough.
  const bool same_backend = variant.backend == backend_of(device);
  const Target target = same_backend ? target_of(device) : Target{.backend = backend_of(device)};
  const std::string reason = unsupported_reason(variant, request.problem, request.args, target);
  if (!reason.empty()) throw ApiError{FLASHCORE_UNSUPPORTED, fmt::format("{}: {}", name, reason)};
  return variant;
}

Resources query_resources(const char* name, const Request& request, std::int32_t device) {
  const Variant& variant = supported_variant(name, request, device);
  Resources known;
  if (!variant.knows_resources()) return known;
  require_current(device);
  if (const int code = variant.resources(request.args, known); code != 0) {
    throw_launch_error(code, variant, device);
  }
  return known;
}

void make_plan(const char* name, const Request& request, std::int32_t device, void* stream) {
  const Variant& variant = supported_variant(name, request, device);
  check_readable(request, device);
  const std::size_t needed = variant.plan_bytes(request.args);
  if (needed == 0) return;
  check_memory(variant, request.args.plan, needed, "plan", "");
  require_current(device);
  if (const int code = variant.plan(request.args, stream); code != 0) {
    throw_launch_error(code, variant, device);
  }
}

void launch(const char* name, const Request& request, std::int32_t device, void* stream) {
  const AttentionArgs& args = request.args;
  const Variant& variant = supported_variant(name, request, device);
  check_pointers(args);
  check_readable(request, device);
  if (device == FLASHCORE_HOST) check_pages(args);
  check_memory(variant, args.workspace, variant.workspace_bytes(args), "workspace", "");
  check_memory(variant, args.plan, variant.plan_bytes(args), "plan", "; flashcore_plan() fills them in");
  require_current(device);
  if (const int code = variant.launch(args, stream); code != 0) throw_launch_error(code, variant, device);
}

}  // namespace flashcore
