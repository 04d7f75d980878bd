// libflashcore: the functions of flashcore_v2.h. No exception leaves this file.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "capi/convert.hpp"
#include "library/calls.hpp"
#include "library/merge.hpp"
#include "plugin/capabilities.hpp"
#include "registry/registry.hpp"

namespace flashcore {
namespace {

// Writes a struct that the caller may know only up to its struct_size.
template <class Struct>
void write_sized(Struct* to, const Struct& from) {
  const std::size_t size = to->struct_size;
  std::memcpy(to, &from, std::min(size, sizeof(Struct)));
  if (size > sizeof(Struct))
    std::memset(reinterpret_cast<std::byte*>(to) + sizeof(Struct), 0, size - sizeof(Struct));
  to->struct_size = static_cast<std::uint32_t>(size);
}

}  // namespace
}  // namespace flashcore

using namespace flashcore;

extern "C" {

void flashcore_attention_v2_init(flashcore_attention_v2* args, size_t struct_size) {
  if (args == nullptr || struct_size < sizeof(args->struct_size)) return;
  args->struct_size = static_cast<std::uint32_t>(struct_size);
  flashcore_attention_v2 initial = {};
  initial.kv_dtype = kDtypeOfQ;
  initial.out_dtype = kDefaultOutDtype;
  initial.window_left = initial.window_right = -1;
  write_sized(args, initial);
}

const char* flashcore_default_variant_v2(const flashcore_attention_v2* args, int32_t device) {
  return default_text(args, device);
}

const char* flashcore_choose_variant_v2(const flashcore_attention_v2* args, int32_t device,
                                        const char** reason) {
  return choice_text(args, device, reason);
}

const char* flashcore_unsupported_v2(const char* variant, const flashcore_attention_v2* args,
                                     int32_t device) {
  return unsupported_text(variant, args, device);
}

flashcore_status flashcore_workspace_bytes_v2(const char* variant, const flashcore_attention_v2* args,
                                              int32_t device, size_t* bytes) {
  return guard([&] {
    require(bytes != nullptr, "bytes: is null");
    const Request request = checked_request(args);
    *bytes = supported_variant(variant, request, device).workspace_bytes(request.args);
  });
}

flashcore_status flashcore_query_resources_v2(const char* variant, const flashcore_attention_v2* args,
                                              int32_t device, flashcore_resources_v2* resources) {
  return guard([&] {
    require(resources != nullptr, "resources: is null");
    constexpr std::size_t kLeast =
        offsetof(flashcore_resources_v2, registers) + sizeof(flashcore_resources_v2::registers);
    require(resources->struct_size >= kLeast,
            "resources/struct_size: must be sizeof(flashcore_resources_v2)");
    write_sized(resources, to_c_v2(query_resources(variant, checked_request(args), device)));
  });
}

flashcore_status flashcore_launch_v2(const char* variant, const flashcore_attention_v2* args, int32_t device,
                                     void* stream) {
  return guard([&] { launch(variant, checked_request(args), device, stream); });
}

flashcore_status flashcore_variant_capabilities(const char* id, uint64_t* capabilities) {
  return guard([&] {
    require(capabilities != nullptr, "capabilities: is null");
    *capabilities = static_cast<std::uint64_t>(capabilities_of(*all_variants()[find_index(id)]));
  });
}

flashcore_status flashcore_plan_bytes(const char* variant, const flashcore_attention_v2* args, int32_t device,
                                      size_t* bytes) {
  return guard([&] {
    require(bytes != nullptr, "bytes: is null");
    const Request request = checked_request(args);
    *bytes = supported_variant(variant, request, device).plan_bytes(request.args);
  });
}

flashcore_status flashcore_plan(const char* variant, const flashcore_attention_v2* args, int32_t device,
                                void* stream) {
  return guard([&] { make_plan(variant, checked_request(args), device, stream); });
}

flashcore_status flashcore_merge(const flashcore_merge_args* args, int32_t device, void* /*stream*/) {
  return guard([&] {
    if (device != FLASHCORE_HOST) {
      throw ApiError{FLASHCORE_UNSUPPORTED,
                     "flashcore_merge: this version merges on the CPU only (device FLASHCORE_HOST)"};
    }
    merge_on_cpu(args);
  });
}

}  // extern "C"
