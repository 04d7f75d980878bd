// Every variant compiled into this program, in ladder order (that of kernels/manifest.def).
#pragma once

#include <string_view>
#include <vector>

#include "core/variant.hpp"

namespace flashcore {

// Built once; the pointers stay valid for the life of the program.
const std::vector<const Variant*>& all_variants();

// The variant with this id, or null.
const Variant* find_variant(std::string_view id);

// A family as kernels/manifest.def names it; without nvcc the CUDA ones are declared but not compiled in.
struct DeclaredFamily {
  std::string_view name;
  Backend backend = Backend::cpu;
  bool compiled_in = false;
};

// In ladder order, each once.
const std::vector<DeclaredFamily>& declared_families();

}  // namespace flashcore
