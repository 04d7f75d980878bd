// Swizzled panels in shared memory, and the matrix descriptors by which Hopper's tensor cores address them.
//
// A panel is [rows, 64] elements of two bytes or [rows, 128] of one, row after row (128 bytes each).
// The copy engine and the tensor cores permute the eight 16-byte chunks of a row by its row number modulo 8
// (128-byte swizzle), so that eight rows at one column fall into eight different bank groups. A panel starts
// on a 1024-byte boundary: the permutation is a function of address bits. PTX ISA, "Asynchronous warpgroup
// level matrix shared memory layout".
#pragma once

#include <cstdint>

#include "kernels/blocks/swizzle.cuh"

namespace flashcore::kernels {

inline constexpr int kPanelRowBytes = 128;
constexpr int panel_columns(int element_bytes) { return kPanelRowBytes / element_bytes; }
inline constexpr int kPanelColumns = panel_columns(2);
inline constexpr int kSwizzleAtomRows = 8;
inline constexpr int kSwizzleAtomBytes = kSwizzleAtomRows * kPanelRowBytes;

// Byte offset, within a panel, of the 16-byte chunk `chunk` (0 to 7) of row `row`.
constexpr std::uint32_t swizzled_chunk_offset(std::uint32_t row, std::uint32_t chunk) {
  return SwizzledRows<kPanelRowBytes>::offset(static_cast<int>(row), static_cast<int>(chunk));
}

// The 64-bit matrix descriptor of wgmma (PTX ISA, "Matrix descriptor format"): bits 0-13 start
// address, 16-29 leading-dimension byte offset, 32-45 stride-dimension byte offset, all three in units of 16
// bytes; 49-51 base offset, 0 for panels on a 1024-byte boundary; 62-63 swizzle mode, 1 for 128 bytes.
constexpr std::uint64_t matrix_descriptor(std::uint32_t smem_address, std::uint32_t leading_bytes,
                                          std::uint32_t stride_bytes) {
  constexpr std::uint64_t kSwizzle128Bytes = 1;
  constexpr auto field = [](std::uint32_t bytes) { return std::uint64_t{(bytes & 0x3FFFF) >> 4}; };
  return field(smem_address) | field(leading_bytes) << 16 | field(stride_bytes) << 32 |
         kSwizzle128Bytes << 62;
}

// The descriptor `bytes` further on. The sum stays within the address field: shared memory ends below 2^18.
constexpr std::uint64_t advance(std::uint64_t descriptor, std::uint32_t bytes) {
  return descriptor + (bytes >> 4);
}

// Operand whose rows run along M or N and whose columns run along K ("K-major"): Q and K of Q·Kᵀ.
// Eight-row groups follow each other at the stride; the leading dimension is not used in this mode.
constexpr std::uint64_t k_major_descriptor(std::uint32_t panel_address) {
  return matrix_descriptor(panel_address, 16, kSwizzleAtomBytes);
}

// One wgmma takes 32 bytes of the rows of a K-major panel: 16 elements of two bytes or 32 of one.
constexpr int k_step_elements(int element_bytes) { return 32 / element_bytes; }
constexpr std::uint32_t k_major_step_bytes() { return 32; }

// Operand whose rows run along K and whose columns run along N ("MN-major", transposed): V of P·V. The stride
// leads to the next eight rows of K, the leading dimension to the next 64 columns of N, a panel further.
constexpr std::uint64_t mn_major_descriptor(std::uint32_t panel_address, std::uint32_t panel_bytes) {
  return matrix_descriptor(panel_address, panel_bytes, kSwizzleAtomBytes);
}

// One wgmma takes 16 rows of an MN-major panel.
constexpr std::uint32_t mn_major_step_bytes() { return 16 * kPanelRowBytes; }

}  // namespace flashcore::kernels
