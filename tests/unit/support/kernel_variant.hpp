// Variants of kernels that exist only in a test.
#pragma once

#include <deque>
#include <span>

#include "variant/compiled_kernel.hpp"

namespace flashcore::testing {

// The variant of one kernel, valid for as long as the process lives.
inline Variant variant_of(const CompiledKernel& kernel) {
  static std::deque<CompiledKernel> kernels;
  static std::deque<CompiledFamily> families;
  kernels.push_back(kernel);
  return families.emplace_back(std::span<const CompiledKernel>(&kernels.back(), 1)).variants().front();
}

// A kernel that is described like the variant and has no functions yet.
inline CompiledKernel described_like(const Variant& variant) {
  return {.family = variant.family.data(),
          .summary = variant.summary.data(),
          .spec = variant.spec,
          .backend = variant.backend,
          .role = variant.role};
}

// The variant with another launch.
inline Variant with_launch(const Variant& variant, int (*launch)(const AttentionArgs&, void*)) {
  CompiledKernel kernel = described_like(variant);
  kernel.launch = launch;
  return variant_of(kernel);
}

}  // namespace flashcore::testing
