// libflashcore: the functions of flashcore.h. No exception leaves this file.
#include "capi/flashcore.h"

#include <fmt/format.h>

#include <iterator>

#include "base/build_info.hpp"
#include "base/json_text.hpp"
#include "capi/convert.hpp"
#include "device/device.hpp"
#include "library/auto_variant.hpp"
#include "library/calls.hpp"
#include "library/device_limits.hpp"
#include "library/variant_index.hpp"
#include "plugin/plugin.hpp"
#include "registry/registry.hpp"
#include "results/environment.hpp"

namespace flashcore {
namespace {

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
  const flashcore_status status = guard([&] { thread_texts().environment = environment_text(device); });
  return status == FLASHCORE_OK ? thread_texts().environment.c_str() : nullptr;
}

const char* flashcore_last_error(void) { return thread_texts().error.c_str(); }

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
  return default_text(args, device);
}

flashcore_status flashcore_load_tuned_table(const char* path) {
  return guard([&] {
    require(path != nullptr, "path: is null");
    load_tuned_table(path);
  });
}

const char* flashcore_choose_variant(const flashcore_attention* args, int32_t device, const char** reason) {
  return choice_text(args, device, reason);
}

const char* flashcore_unsupported(const char* variant, const flashcore_attention* args, int32_t device) {
  return unsupported_text(variant, args, device);
}

flashcore_status flashcore_workspace_bytes(const char* variant, const flashcore_attention* args,
                                           int32_t device, size_t* bytes) {
  return guard([&] {
    require(bytes != nullptr, "bytes: is null");
    const Request request = checked_request(args);
    *bytes = supported_variant(variant, request, device).workspace_bytes(request.args);
  });
}

flashcore_status flashcore_query_resources(const char* variant, const flashcore_attention* args,
                                           int32_t device, flashcore_resources* resources) {
  return guard([&] {
    require(resources != nullptr, "resources: is null");
    *resources = to_c(query_resources(variant, checked_request(args), device));
  });
}

flashcore_status flashcore_launch(const char* variant, const flashcore_attention* args, int32_t device,
                                  void* stream) {
  return guard([&] { launch(variant, checked_request(args), device, stream); });
}

flashcore_status flashcore_load_plugin(const char* path) {
  return guard([&] {
    require(path != nullptr, "path: is null");
    load_plugin(path, "path");
    VariantIndex::instance().extend();
    ++choice_generation();
  });
}

}  // extern "C"
