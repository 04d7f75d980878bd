// Decides whether a variant can run a problem on a device. No other code decides it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "attention/problem.hpp"
#include "base/build_info.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// The properties of a device that support depends on, and what this program's CUDA kernels are compiled for
// (base/compiled_architectures.hpp).
struct Target {
  Backend backend = Backend::cpu;
  DeviceLimits limits = {};
  std::string_view architectures = build_info().cuda_architectures;
};

// True if the variant was compiled for the problem's dtype and head_dim. Runs skip all other variants without
// a record.
bool is_compiled_for(const Variant& variant, const Problem& problem);

// The variants compiled for the problem. If there is none, all variants, so that each gets a record with the
// reason.
std::vector<const Variant*> compiled_for(const Problem& problem, std::span<const Variant* const> variants);

// The reason why the variant cannot run the problem on the target; empty if it can. `args` holds the
// problem's sizes and strides; a null pointer counts as aligned. A variant without Variant::kernels passes
// this check; the worker that has its kernels checks again.
std::string unsupported_reason(const Variant& variant, const Problem& problem, const AttentionArgs& args,
                               const Target& target);

// The same for aligned buffers in the problem's layout.
std::string unsupported_reason(const Variant& variant, const Problem& problem, const Target& target);

// The same for a small problem of the variant's dtype and head_dim: can the variant run on the target at all?
std::string unsupported_reason(const Variant& variant, const Target& target);

// The same, where a failure of the variant's own code is a reason, too: a plug-in's code may crash the process that
// is asked, or not return.
struct SupportAnswer {
  std::string reason;
  bool failed = false;
};
SupportAnswer ask_support(const Variant& variant, const Problem& problem, const AttentionArgs& args,
                          const Target& target);
SupportAnswer ask_support(const Variant& variant, const Problem& problem, const Target& target);
SupportAnswer ask_support(const Variant& variant, const Target& target);

}  // namespace flashcore
