// Turns a CPU kernel class into CompiledKernels, at the dtypes and head_dims that all CPU families have. A
// family is a class with
//
//   static constexpr const char* kFamily;     its name
//   static constexpr const char* kSummary;    the idea in a few words
//   template <Dtype> static int launch(const AttentionArgs&, const Tile&);   0 or an errno value
//
// and optionally
//
//   static constexpr std::string_view kProblemFields[];   opt-in fields of problems that it supports
//   static const char* unsupported(const AttentionArgs&);  why it cannot run some problems; null if it can
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <utility>

#include "variant/compiled_kernel.hpp"

namespace flashcore::kernels {

template <class Family, VariantSpec S>
struct CpuVariant {
  static const char* unsupported(const AttentionArgs& args, const DeviceLimits&) {
    if (args.kv_dtype != S.dtype && args.kv_dtype != Dtype::e4m3)
      return "K and V must have the dtype of Q, or be e4m3";
    if constexpr (requires { Family::unsupported(args); }) return Family::unsupported(args);
    return nullptr;
  }
  static int launch(const AttentionArgs& args, void*) {
    return Family::template launch<S.dtype>(args, S.tile);
  }
  static constexpr CompiledKernel make() {
    return {.family = Family::kFamily,
            .summary = Family::kSummary,
            .spec = S,
            .backend = Backend::cpu,
            .problem_fields = problem_fields_of<Family>(),
            .unsupported = unsupported,
            .launch = launch};
  }
};

inline constexpr int kCpuHeadDims[] = {32, 64, 96, 128, 256};

// Every tile of an array at one dtype and head_dim.
template <class Family, Dtype kDtype, int kHeadDim, const auto& kTiles>
constexpr auto cpu_tile_table() {
  return []<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    return std::array{CpuVariant<Family, VariantSpec{kDtype, kHeadDim, kTiles[kIndex]}>::make()...};
  }
  (std::make_index_sequence<std::size(kTiles)>());
}

// Every dtype and head_dim at every tile, by head_dim first.
template <class Family, const auto& kTiles>
constexpr auto cpu_table() {
  constexpr std::size_t kPerDtype = std::size(kTiles);
  std::array<CompiledKernel, std::size(kCpuHeadDims) * 3 * kPerDtype> all{};
  auto next = all.begin();
  const auto append = [&next](const auto& table) { next = std::copy(table.begin(), table.end(), next); };
  [&append]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
    ((append(cpu_tile_table<Family, Dtype::fp16, kCpuHeadDims[kIndex], kTiles>()),
      append(cpu_tile_table<Family, Dtype::bf16, kCpuHeadDims[kIndex], kTiles>()),
      append(cpu_tile_table<Family, Dtype::e4m3, kCpuHeadDims[kIndex], kTiles>())),
     ...);
  }
  (std::make_index_sequence<std::size(kCpuHeadDims)>());
  return all;
}

}  // namespace flashcore::kernels
