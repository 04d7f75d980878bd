// Can a variant run a problem on a device? The one place that answers.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "attention/problem.hpp"
#include "variant/variant.hpp"

namespace flashcore {

// The device as far as support depends on it.
struct Target {
  Backend backend = Backend::cpu;
  DeviceLimits limits = {};
};

// Compiled for the problem's dtype and head_dim; a problem of another dtype or head_dim is not its business.
bool is_compiled_for(const Variant& variant, const Problem& problem);

// The variants compiled for the problem; all of them where none is, so that each can say why not.
std::vector<const Variant*> compiled_for(const Problem& problem, std::span<const Variant* const> variants);

// Why the variant cannot run the problem there, or an empty text. `args` are those of the problem, with its strides;
// null pointers count as aligned. A variant that is only described (Variant::kernels) passes: its worker knows more.
std::string unsupported_reason(const Variant& variant, const Problem& problem, const AttentionArgs& args,
                               const Target& place);

// The same for well-aligned buffers in the problem's own layout.
std::string unsupported_reason(const Variant& variant, const Problem& problem, const Target& place);

// The same for a small problem of the variant's dtype and head_dim: can it run there at all?
std::string unsupported_reason(const Variant& variant, const Target& place);

}  // namespace flashcore
