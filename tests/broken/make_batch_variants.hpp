// The kernels of batch_breaks.hpp as variants.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "broken/batch_attention.hpp"
#include "variant/compiled_kernel.hpp"

namespace flashcore::broken {

inline constexpr std::string_view kBatchFields[] = {"lengths", "kv", "sinks"};

// They live as long as the process. launch_of takes an std::integral_constant of the BatchBreak and gives the function
// that launches it.
template <class LaunchOf>
std::vector<Variant> make_batch_variants(Backend backend, LaunchOf launch_of) {
  static const auto kernels = [&]<int... kIndices>(std::integer_sequence<int, kIndices...>) {
    return std::vector<CompiledKernel>{
        {.family = kBatchBreaks[kIndices].family.data(),
         .summary = kBatchBreaks[kIndices].summary,
         .spec = {Dtype::fp16, kHeadDim, {}},
         .backend = backend,
         .problem_fields = kBatchFields,
         .launch = launch_of(std::integral_constant<BatchBreak, static_cast<BatchBreak>(kIndices)>())}...};
  }
  (std::make_integer_sequence<int, kBatchBreakCount>());
  static const CompiledFamily family(kernels);
  return family.variants();
}

}  // namespace flashcore::broken
