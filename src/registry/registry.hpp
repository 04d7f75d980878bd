// All variants of this program: the compiled ones in ladder order (the order of kernels/manifest.def), then
// the plug-ins' in the order of loading.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "variant/variant.hpp"

namespace flashcore {

// The pointers stay valid until the program ends. add_family() appends to the list.
const std::vector<const Variant*>& all_variants();

// The variant with this id, or null.
const Variant* find_variant(std::string_view id);

// A family in kernels/manifest.def or of a plug-in. A build without nvcc declares the CUDA families but does
// not compile them.
struct DeclaredFamily {
  std::string_view name;
  Backend backend = Backend::cpu;
  bool compiled_in = false;
};

// In ladder order, each family once.
const std::vector<DeclaredFamily>& declared_families();

// Appends a family that was loaded at run time; it must have at least one variant. The variants and
// everything they point to must stay valid until the program ends. No other thread may read the registry
// during the call.
void add_family(std::span<const Variant> variants);

}  // namespace flashcore
