// The broken kernels as variants, which check, diagnosis and registry take.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "broken/attention.hpp"
#include "broken/breaks.hpp"
#include "variant/compiled_kernel.hpp"

namespace flashcore::broken {

inline std::size_t workspace_bytes(const AttentionArgs&) { return kWorkspaceBytes; }

inline constexpr std::string_view kProblemFields[] = {"lengths", "kv", "sinks"};

// One broken kernel, but for its launch.
inline CompiledKernel make_kernel(Break which, Backend backend) {
  return {.family = describe(which).family.data(),
          .summary = describe(which).summary,
          .spec = {Dtype::fp16, kHeadDim,
                   Tile{.block_q = kBlockQ, .block_kv = kBlockKv, .num_warps = 4, .num_stages = kStages}},
          .backend = backend,
          .problem_fields = kProblemFields,
          .workspace_bytes = which == Break::overruns_workspace ? &workspace_bytes : nullptr};
}

// One variant of every Break, in order; they live as long as the process. launch_of takes an
// std::integral_constant of the Break and gives the function that launches it.
template <class LaunchOf>
std::vector<Variant> make_variants(Backend backend, LaunchOf launch_of) {
  static const auto kernels = [&]<int... kIndices>(std::integer_sequence<int, kIndices...>) {
    std::vector<CompiledKernel> all = {make_kernel(static_cast<Break>(kIndices), backend)...};
    ((all[kIndices].launch = launch_of(std::integral_constant<Break, static_cast<Break>(kIndices)>())), ...);
    return all;
  }
  (std::make_integer_sequence<int, kBreakCount>());
  static const CompiledFamily family(kernels);
  return family.variants();
}

}  // namespace flashcore::broken
