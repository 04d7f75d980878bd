// libflashcore: the functions of flashcore.h. No exception leaves this file.
#include "capi/flashcore.h"

#include <fmt/format.h>

#include <new>
#include <string>

#include "attention/problem.hpp"
#include "base/build_info.hpp"
#include "base/error.hpp"
#include "base/json_text.hpp"
#include "base/text.hpp"
#include "capi/convert.hpp"
#include "device/device.hpp"
#include "library/arguments.hpp"
#include "library/auto_variant.hpp"
#include "library/device_limits.hpp"
#include "library/variant_index.hpp"
#include "plugin/plugin.hpp"
#include "registry/default_variant.hpp"
#include "registry/registry.hpp"
#include "registry/supports.hpp"
#include "results/environment.hpp"

namespace flashcore {
namespace {

thread_local std::string last_error;   // of this thread's last failed call
thread_local std::string last_reason;  // returned by flashcore_unsupported() or flashcore_choose_variant()
thread_local std::string last_environment;

flashcore_status set_error(flashcore_status status, std::string_view message) {
  last_error = printable(message);  // paths and JSON keys may contain control characters
  return status;
}

// Runs `work` and converts its exceptions to a status and this thread's error text.
template <class Work>
flashcore_status guard(Work work) noexcept {
  try {
    work();
    return FLASHCORE_OK;
  } catch (const ApiError& error) {
    return set_error(error.status, error.message);
  } catch (const UsageError& error) {
    return set_error(FLASHCORE_INVALID_ARGUMENT, error.what());
  } catch (const OutOfMemoryError& error) {
    return set_error(FLASHCORE_OUT_OF_MEMORY, error.what());
  } catch (const EnvironmentError& error) {
    return set_error(FLASHCORE_DEVICE_ERROR, error.what());
  } catch (const std::bad_alloc&) {
    last_error.clear();  // setting a text could throw again
    return FLASHCORE_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    return set_error(FLASHCORE_INTERNAL_ERROR, error.what());
  }
}

constexpr int kMaxShownId = 100;  // columns

// The index of a variant in all_variants().
std::size_t find_index(const char* id) {
  require(id != nullptr, "id: is null");
  const VariantIndex& variants = VariantIndex::instance();
  if (const auto index = variants.find(id)) return *index;
  const std::string_view nearest = variants.nearest(id);
  throw ApiError{FLASHCORE_UNKNOWN_VARIANT,
                 fmt::format("variant: {} does not exist{}", elide(id, kMaxShownId),
                             nearest.empty() ? "" : fmt::format(", did you mean {}?", nearest))};
}

flashcore_variant c_variant(std::size_t index) {
  const Variant& variant = *all_variants()[index];
  return {.id = VariantIndex::instance().id(index).c_str(),
          .family = variant.family.data(),
          .summary = variant.summary.data(),
          .backend = static_cast<std::int32_t>(variant.backend),
          .dtype = static_cast<std::int32_t>(variant.spec.dtype),
          .head_dim = variant.spec.head_dim,
          .smem_bytes = variant.smem_bytes};
}

Target target_of(std::int32_t device) {
  return {.backend = backend_of(device), .limits = device_info(device).limits};
}

[[noreturn]] void fail_unsupported(const Problem& problem) {
  throw ApiError{FLASHCORE_UNSUPPORTED,
                 fmt::format("no variant can run these arguments (head_dim {}, {}) on this device",
                             problem.head_dim, to_string(problem.dtype))};
}

// The choice for "auto". Throws ApiError if no variant can run the arguments.
Choice choose(const flashcore_attention* args, std::int32_t device) {
  const Problem problem = checked_problem(args);
  Choice choice = choose_variant(problem, from_c(*args), device);
  if (choice.variant == nullptr) fail_unsupported(problem);
  return choice;
}

// The id as a text that is valid while the library is loaded.
const char* id_text(const Variant& variant) {
  return VariantIndex::instance().id(find_index(variant.id().c_str())).c_str();
}

bool is_automatic(const char* variant) { return variant == nullptr || std::string_view(variant) == "auto"; }

// The variant by its id or "auto". Throws ApiError if it cannot run the arguments.
const Variant& supported_variant(const char* name, const flashcore_attention* args, std::int32_t device) {
  if (is_automatic(name)) return *choose(args, device).variant;
  const Problem problem = checked_problem(args);
  const Variant& variant = *all_variants()[find_index(name)];
  // Does not query a device of the other backend: it may not exist, and the backend is reason enough.
  const bool same_backend = variant.backend == backend_of(device);
  const Target target = same_backend ? target_of(device) : Target{.backend = backend_of(device)};
  if (const std::string reason = unsupported_reason(variant, problem, from_c(*args), target);
      !reason.empty()) {
    throw ApiError{FLASHCORE_UNSUPPORTED, fmt::format("{}: {}", name, reason)};
  }
  return variant;
}

void launch(const char* name, const flashcore_attention* c_args, std::int32_t device, void* stream) {
  const Variant& variant = supported_variant(name, c_args, device);
  check_pointers(*c_args);
  const AttentionArgs args = from_c(*c_args);
  if (const std::size_t needed = variant.workspace_bytes(args); needed > 0) {
    if (args.workspace == nullptr) {
      throw ApiError{FLASHCORE_INVALID_ARGUMENT,
                     fmt::format("args/workspace: is null, but {} needs {} bytes", variant.id(), needed)};
    }
    check_alignment(args.workspace, kWorkspaceAlignment, "workspace");
  }
  require_current(device);
  if (const int code = variant.launch(args, stream); code != 0) throw_launch_error(code, variant, device);
}

// The environment of result files without the fields that only a run has.
std::string environment_text(std::int32_t device) {
  Json json = make_environment(
      {.device = device_info(device), .host_cpu = device_info(FLASHCORE_HOST), .cuda = cuda_status()});
  json.erase("command_line");
  json.erase("config_hash");
  return json_text(json);
}

}  // namespace
}  // namespace flashcore

using namespace flashcore;

extern "C" {

const char* flashcore_version(void) { return build_info().version.c_str(); }

const char* flashcore_environment(int32_t device) {
  const flashcore_status status = guard([&] { last_environment = environment_text(device); });
  return status == FLASHCORE_OK ? last_environment.c_str() : nullptr;
}

const char* flashcore_last_error(void) { return last_error.c_str(); }

const char* flashcore_status_text(int status) {
  constexpr const char* kTexts[] = {"ok",           "invalid argument", "unknown variant", "unsupported",
                                    "device error", "out of memory",    "internal error"};
  return status >= 0 && status < static_cast<int>(std::size(kTexts)) ? kTexts[status] : "unknown status";
}

size_t flashcore_variant_count(void) { return all_variants().size(); }

flashcore_status flashcore_variant_at(size_t index, flashcore_variant* variant) {
  return guard([&] {
    require(variant != nullptr, "variant: is null");
    require(index < all_variants().size(), "index: must be less than flashcore_variant_count()");
    *variant = c_variant(index);
  });
}

flashcore_status flashcore_find_variant(const char* id, flashcore_variant* variant) {
  return guard([&] {
    require(variant != nullptr, "variant: is null");
    *variant = c_variant(find_index(id));
  });
}

const char* flashcore_attribute_name(size_t index) {
  return index < std::size(kSpecFields) ? kSpecFields[index].name.data() : nullptr;
}

flashcore_status flashcore_variant_attribute(const char* id, const char* name, int32_t* value) {
  return guard([&] {
    require(name != nullptr, "name: is null");
    require(value != nullptr, "value: is null");
    const Variant& variant = *all_variants()[find_index(id)];
    for (const SpecField& field : kSpecFields) {
      if (field.name != name) continue;
      *value = field.get(variant.spec);
      return;
    }
    throw ApiError{FLASHCORE_INVALID_ARGUMENT, fmt::format("name: {} is not an attribute", name)};
  });
}

void flashcore_attention_init(flashcore_attention* args) {
  if (args == nullptr) return;
  *args = {};
  args->window_left = args->window_right = -1;
  args->out_dtype = kDefaultOutDtype;
}

const char* flashcore_default_variant(const flashcore_attention* args, int32_t device) {
  const char* id = nullptr;
  guard([&] {
    const Problem problem = checked_problem(args);
    const Variant* found = default_variant(problem, from_c(*args), target_of(device));
    if (found == nullptr) fail_unsupported(problem);
    id = id_text(*found);
  });
  return id;
}

flashcore_status flashcore_load_tuned_table(const char* path) {
  return guard([&] {
    require(path != nullptr, "path: is null");
    load_tuned_table(path);
  });
}

const char* flashcore_choose_variant(const flashcore_attention* args, int32_t device, const char** reason) {
  const char* id = nullptr;
  guard([&] {
    const Choice choice = choose(args, device);
    id = id_text(*choice.variant);
    last_reason = choice.reason;
    if (reason != nullptr) *reason = last_reason.c_str();
  });
  return id;
}

const char* flashcore_unsupported(const char* variant, const flashcore_attention* args, int32_t device) {
  const flashcore_status status = guard([&] { supported_variant(variant, args, device); });
  if (status == FLASHCORE_OK) return nullptr;
  last_reason = last_error;
  return last_reason.c_str();
}

flashcore_status flashcore_workspace_bytes(const char* variant, const flashcore_attention* args,
                                           int32_t device, size_t* bytes) {
  return guard([&] {
    require(bytes != nullptr, "bytes: is null");
    const Variant& found = supported_variant(variant, args, device);
    *bytes = found.workspace_bytes(from_c(*args));
  });
}

flashcore_status flashcore_query_resources(const char* variant, const flashcore_attention* args,
                                           int32_t device, flashcore_resources* resources) {
  return guard([&] {
    require(resources != nullptr, "resources: is null");
    const Variant& found = supported_variant(variant, args, device);
    Resources known;
    if (found.knows_resources()) {
      require_current(device);
      const int code = found.resources(from_c(*args), known);
      if (code != 0) throw_launch_error(code, found, device);
    }
    *resources = to_c(known);
  });
}

flashcore_status flashcore_launch(const char* variant, const flashcore_attention* args, int32_t device,
                                  void* stream) {
  return guard([&] { launch(variant, args, device, stream); });
}

flashcore_status flashcore_load_plugin(const char* path) {
  return guard([&] {
    require(path != nullptr, "path: is null");
    load_plugin(path, "path");
    VariantIndex::instance().extend();
  });
}

}  // extern "C"
