// The broken kernels as variants, which check, diagnosis and registry take.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "broken/attention.hpp"
#include "broken/breaks.hpp"
#include "variant/variant.hpp"

namespace flashcore::broken {

// The variant of one broken kernel, but for its functions.
inline Variant make_variant(Break which, Backend backend) {
  Variant variant;
  variant.family = describe(which).family;
  variant.spec = {Dtype::fp16, kHeadDim,
                  Tile{.block_q = kBlockQ, .block_kv = kBlockKv, .num_warps = 4, .num_stages = kStages}};
  variant.backend = backend;
  variant.summary = describe(which).summary;
  variant.unsupported = [](const AttentionArgs& args, const DeviceLimits&) {
    return args.head_dim == kHeadDim ? nullptr : "compiled for another head_dim";
  };
  return variant;
}

// One variant of every Break, in order. launch_of takes an std::integral_constant of the Break and gives the
// function that launches it.
template <class LaunchOf>
std::vector<Variant> make_variants(Backend backend, LaunchOf launch_of) {
  return [&]<int... kIndices>(std::integer_sequence<int, kIndices...>) {
    std::vector<Variant> variants = {make_variant(static_cast<Break>(kIndices), backend)...};
    ((variants[kIndices].launch = launch_of(std::integral_constant<Break, static_cast<Break>(kIndices)>())),
     ...);
    return variants;
  }
  (std::make_integer_sequence<int, kBreakCount>());
}

}  // namespace flashcore::broken
