#include "registry/registry.hpp"

#include <deque>
#include <span>

#include "variant/compiled_kernel.hpp"

#define KERNEL_unproven(family, file)

namespace flashcore {

// One declaration per manifest line that this build compiles.
namespace kernels {
#define KERNEL_cpu(family, file) std::span<const CompiledKernel> family##_##file();
#ifdef FLASHCORE_HAVE_CUDA
#define KERNEL_cuda(family, file) std::span<const CompiledKernel> family##_##file();
#else
#define KERNEL_cuda(family, file)
#endif
#define KERNEL(family, file, backend) KERNEL_##backend(family, file)
#include "kernels/manifest.def"
#undef KERNEL
#undef KERNEL_cpu
#undef KERNEL_cuda
}  // namespace kernels

namespace {

// Calls every table explicitly. The linker would drop self-registering static objects of a static library.
std::vector<const Variant*> collect() {
  static std::deque<CompiledFamily> families;
  static std::deque<Variant> owned;
  std::vector<const Variant*> variants;
  const auto append = [&](std::span<const CompiledKernel> table) {
    for (const Variant& variant : families.emplace_back(table).variants()) {
      variants.push_back(&owned.emplace_back(variant));
    }
  };
#define KERNEL_cpu(family, file) append(kernels::family##_##file());
#ifdef FLASHCORE_HAVE_CUDA
#define KERNEL_cuda(family, file) append(kernels::family##_##file());
#else
#define KERNEL_cuda(family, file)
#endif
#define KERNEL(family, file, backend) KERNEL_##backend(family, file)
#include "kernels/manifest.def"
#undef KERNEL
#undef KERNEL_cpu
#undef KERNEL_cuda
  return variants;
}

std::vector<DeclaredFamily> collect_families() {
  std::vector<DeclaredFamily> families;
  const auto append = [&](std::string_view name, Backend backend) {
    if (!families.empty() && families.back().name == name) return;
#ifdef FLASHCORE_HAVE_CUDA
    families.push_back({name, backend, true});
#else
    families.push_back({name, backend, backend == Backend::cpu});
#endif
  };
#define KERNEL_cpu(family, file) append(#family, Backend::cpu);
#define KERNEL_cuda(family, file) append(#family, Backend::cuda);
#define KERNEL(family, file, backend) KERNEL_##backend(family, file)
#include "kernels/manifest.def"
#undef KERNEL
#undef KERNEL_cpu
#undef KERNEL_cuda
  return families;
}

// Both lists grow when a plug-in is loaded.
std::vector<const Variant*>& variant_list() {
  static std::vector<const Variant*> variants = collect();
  return variants;
}

std::vector<DeclaredFamily>& family_list() {
  static std::vector<DeclaredFamily> families = collect_families();
  return families;
}

}  // namespace

const std::vector<const Variant*>& all_variants() { return variant_list(); }

const Variant* find_variant(std::string_view id) {
  for (const Variant* variant : all_variants()) {
    if (variant->id() == id) return variant;
  }
  return nullptr;
}

const std::vector<DeclaredFamily>& declared_families() { return family_list(); }

void add_family(std::span<const Variant> variants) {
  for (const Variant& variant : variants) variant_list().push_back(&variant);
  family_list().push_back({variants.front().family, variants.front().backend, true});
}

}  // namespace flashcore
