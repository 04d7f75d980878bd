// A kernel compiled into this program (an entry of a table in kernels/), and the family of such kernels.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "variant/variant.hpp"

namespace flashcore {

// The functions have the meaning of Family's. Null means: supports all arguments; needs no workspace and
// no plan; resources are unknown; the kernel has no name; its code is unknown.
struct CompiledKernel {
  const char* family = "";
  const char* summary = "";
  VariantSpec spec;
  Backend backend = Backend::cpu;
  Role role = Role::ladder;
  int smem_bytes = 0;
  std::span<const std::string_view> problem_fields = {};
  const char* (*unsupported)(const AttentionArgs&, const DeviceLimits&) = nullptr;
  std::size_t (*workspace_bytes)(const AttentionArgs&) = nullptr;
  std::size_t (*plan_bytes)(const AttentionArgs&) = nullptr;
  int (*plan)(const AttentionArgs&, void* stream) = nullptr;
  int (*launch)(const AttentionArgs&, void* stream) = nullptr;
  int (*resources)(const AttentionArgs&, Resources&) = nullptr;
  int (*kernel_name)(const char*& mangled) = nullptr;
  std::string (*code_text)(const AttentionArgs&) = nullptr;

  std::string id() const { return variant_id(family, spec); }
};

// A family names the opt-in fields of problems that it supports in `static constexpr std::string_view kProblemFields[]`.
template <class Kernel>
constexpr std::span<const std::string_view> problem_fields_of() {
  if constexpr (requires { Kernel::kProblemFields; }) return Kernel::kProblemFields;
  return {};
}

class CompiledFamily final : public Family {
 public:
  explicit CompiledFamily(std::span<const CompiledKernel> kernels) : kernels_(kernels) {}

  // The variants point to this object, which must outlive them.
  std::vector<Variant> variants() const {
    std::vector<Variant> all;
    for (const CompiledKernel& kernel : kernels_) {
      all.push_back({.family = kernel.family,
                     .spec = kernel.spec,
                     .backend = kernel.backend,
                     .role = kernel.role,
                     .summary = kernel.summary,
                     .smem_bytes = kernel.smem_bytes,
                     .problem_fields = kernel.problem_fields,
                     .kernels = this,
                     .index = all.size()});
    }
    return all;
  }

  const char* unsupported(std::size_t variant, const AttentionArgs& args,
                          const DeviceLimits& limits) const override {
    const auto function = kernels_[variant].unsupported;
    return function == nullptr ? nullptr : function(args, limits);
  }
  std::size_t workspace_bytes(std::size_t variant, const AttentionArgs& args) const override {
    const auto function = kernels_[variant].workspace_bytes;
    return function == nullptr ? 0 : function(args);
  }
  std::size_t plan_bytes(std::size_t variant, const AttentionArgs& args) const override {
    const auto function = kernels_[variant].plan_bytes;
    return function == nullptr ? 0 : function(args);
  }
  int plan(std::size_t variant, const AttentionArgs& args, void* stream) const override {
    const auto function = kernels_[variant].plan;
    return function == nullptr ? 0 : function(args, stream);
  }
  int launch(std::size_t variant, const AttentionArgs& args, void* stream) const override {
    return kernels_[variant].launch(args, stream);
  }
  bool knows_resources(std::size_t variant) const override { return kernels_[variant].resources != nullptr; }
  int resources(std::size_t variant, const AttentionArgs& args, Resources& found) const override {
    return kernels_[variant].resources(args, found);
  }
  const char* kernel_name(std::size_t variant) const override {
    const auto function = kernels_[variant].kernel_name;
    const char* name = nullptr;
    return function == nullptr || function(name) != 0 ? nullptr : name;
  }
  std::string code_text(std::size_t variant, const AttentionArgs& args) const override {
    const auto function = kernels_[variant].code_text;
    return function == nullptr ? "" : function(args);
  }

 private:
  std::span<const CompiledKernel> kernels_;
};

}  // namespace flashcore
