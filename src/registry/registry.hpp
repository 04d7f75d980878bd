// Every variant compiled into this program, in ladder order (that of kernels/manifest.def), then those of
// plug-ins in the order in which they were loaded.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "variant/variant.hpp"

namespace flashcore {

// The pointers stay valid for the life of the program; add_family() appends to the list.
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

// Appends the variants, at least one, of a family that came at run time. Variants and what they point to must
// live as long as the program. Not while another thread reads the registry.
void add_family(std::span<const Variant> variants);

}  // namespace flashcore
