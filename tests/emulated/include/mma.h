// Replaces the toolkit's <mma.h>: the part of the WMMA interface that the kernels use (CUDA C++ Programming
// Guide, "Warp matrix functions"), on the emulated machine.
#pragma once

#include <cuda_runtime.h>

#include <bit>
#include <cstdint>
#include <type_traits>

#include "emulated/machine/wmma.hpp"

// NOLINTBEGIN(readability-identifier-naming): the names are CUDA's

namespace nvcuda::wmma {

struct matrix_a {};
struct matrix_b {};
struct accumulator {};
struct row_major {};
struct col_major {};
enum layout_t { mem_row_major, mem_col_major };

template <class Use, int kM, int kN, int kK, class T, class Layout = void>
struct fragment {
  static_assert(kM == 16 && kN == 16 && kK == 16, "other shapes are not emulated");
  T x[flashcore::emulated::kWmmaElements];
};

template <class T>
using Accumulator = fragment<accumulator, 16, 16, 16, T>;

template <class T>
void fill_fragment(Accumulator<T>& target, float value) {
  for (T& x : target.x) x = value;
}

template <class Use, class T, class Layout>
void load_matrix_sync(fragment<Use, 16, 16, 16, T, Layout>& target, const T* matrix, unsigned ldm) {
  flashcore::emulated::wmma_access(matrix);
  for (int i = 0; i < flashcore::emulated::kWmmaElements; ++i) {
    target.x[i] = matrix[flashcore::emulated::wmma_offset(i, ldm, std::is_same_v<Layout, row_major>)];
  }
}

template <class T>
void load_matrix_sync(Accumulator<T>& target, const T* matrix, unsigned ldm, layout_t layout) {
  flashcore::emulated::wmma_access(matrix);
  for (int i = 0; i < flashcore::emulated::kWmmaElements; ++i) {
    target.x[i] = matrix[flashcore::emulated::wmma_offset(i, ldm, layout == mem_row_major)];
  }
}

template <class T>
void store_matrix_sync(T* matrix, const Accumulator<T>& source, unsigned ldm, layout_t layout) {
  flashcore::emulated::wmma_access(matrix);
  for (int i = 0; i < flashcore::emulated::kWmmaElements; ++i) {
    matrix[flashcore::emulated::wmma_offset(i, ldm, layout == mem_row_major)] = source.x[i];
  }
}

template <class T, class LayoutA, class LayoutB>
void mma_sync(Accumulator<float>& d, const fragment<matrix_a, 16, 16, 16, T, LayoutA>& a,
              const fragment<matrix_b, 16, 16, 16, T, LayoutB>& b, const Accumulator<float>& c) {
  flashcore::emulated::wmma_multiply({.d = d.x,
                                      .a = reinterpret_cast<const std::uint16_t*>(a.x),
                                      .b = reinterpret_cast<const std::uint16_t*>(b.x),
                                      .c = c.x,
                                      .to_float = flashcore::emulated::element_to_float<T>});
}

}  // namespace nvcuda::wmma

// NOLINTEND(readability-identifier-naming)
