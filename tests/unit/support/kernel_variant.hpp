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

// The family of one variant, whose launch is another.
class RelaunchedFamily : public Family {
 public:
  using Launch = int (*)(const AttentionArgs&, void*);

  RelaunchedFamily(const Variant& variant, Launch other) : variant_(variant), launch_(other) {}

  const char* unsupported(std::size_t, const AttentionArgs& args, const DeviceLimits& limits) const override {
    return variant_.kernels->unsupported(variant_.index, args, limits);
  }
  std::size_t workspace_bytes(std::size_t, const AttentionArgs& args) const override {
    return variant_.kernels->workspace_bytes(variant_.index, args);
  }
  int launch(std::size_t, const AttentionArgs& args, void* stream) const override {
    return launch_(args, stream);
  }
  bool knows_resources(std::size_t) const override { return false; }
  int resources(std::size_t, const AttentionArgs&, Resources&) const override { return -1; }
  const char* kernel_name(std::size_t) const override { return nullptr; }

 private:
  Variant variant_;
  Launch launch_;
};

// The variant with another launch, valid for as long as the process lives.
inline Variant with_launch(const Variant& variant, RelaunchedFamily::Launch launch) {
  static std::deque<RelaunchedFamily> families;
  Variant changed = variant;
  changed.kernels = &families.emplace_back(variant, launch);
  return changed;
}

}  // namespace flashcore::testing
