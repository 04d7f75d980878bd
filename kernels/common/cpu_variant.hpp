// Turns a CPU kernel class into CompiledKernels, at the dtypes and head_dims that all CPU families have. A family is
// a class with
//
//   static constexpr const char* kFamily;     its name
//   static constexpr const char* kSummary;    the idea in a few words
//   template <Dtype> static int launch(const AttentionArgs&, const Tile&);   0 or an errno value
#pragma once

#include <array>
#include <cstddef>

#include "variant/compiled_kernel.hpp"

namespace flashcore::kernels {

template <class Family, VariantSpec S>
struct CpuVariant {
  static int launch(const AttentionArgs& args, void*) {
    return Family::template launch<S.dtype>(args, S.tile);
  }
  static constexpr CompiledKernel make() {
    return {.family = Family::kFamily,
            .summary = Family::kSummary,
            .spec = S,
            .backend = Backend::cpu,
            .launch = launch};
  }
};

template <class Family, int kHeadDim, Tile... kTiles>
constexpr auto cpu_head_dim_table() {
  return std::array{CpuVariant<Family, VariantSpec{Dtype::fp16, kHeadDim, kTiles}>::make()...,
                    CpuVariant<Family, VariantSpec{Dtype::bf16, kHeadDim, kTiles}>::make()...,
                    CpuVariant<Family, VariantSpec{Dtype::e4m3, kHeadDim, kTiles}>::make()...};
}

// Every dtype and head_dim at every tile.
template <class Family, Tile... kTiles>
constexpr auto cpu_table() {
  constexpr std::array kTables{
      cpu_head_dim_table<Family, 32, kTiles...>(), cpu_head_dim_table<Family, 64, kTiles...>(),
      cpu_head_dim_table<Family, 96, kTiles...>(), cpu_head_dim_table<Family, 128, kTiles...>(),
      cpu_head_dim_table<Family, 256, kTiles...>()};
  constexpr std::size_t kTableSize = kTables[0].size();
  std::array<CompiledKernel, kTables.size() * kTableSize> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = kTables[i / kTableSize][i % kTableSize];
  return all;
}

}  // namespace flashcore::kernels
