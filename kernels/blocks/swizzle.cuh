// Shared-memory tiles whose rows have their 16-byte chunks permuted by XOR, so that both ldmatrix (eight
// rows, one chunk each) and 16-byte stores along a row touch every bank once.
//
// Rows of a multiple of 128 bytes all start at bank 0: the chunk is XORed with row % 8. Rows of 64 or 192
// bytes start at bank 0 and bank 16 in turn: the chunk is XORed with (row / 2) % 4.
// tests/unit/kernels/swizzle_test.cpp counts the conflicts of every access pattern.
#pragma once

#include <cstdint>

namespace flashcore::kernels {

inline constexpr int kChunkElements = 8;  // of two bytes
inline constexpr int kChunkBytes = 16;

template <int kBytes>
struct SwizzledRows {
  static_assert(kBytes % 64 == 0, "rows are multiples of 64 bytes");
  static constexpr int kChunks = kBytes / kChunkBytes;  // in a row
  static constexpr int kRowBytes = kBytes;
  static constexpr int kXorChunks = kChunks % 8 == 0 ? 8 : 4;  // chunks that change places among themselves

  static constexpr int bytes(int rows) { return rows * kRowBytes; }

  // Byte offset of a chunk. The tile starts on a 128-byte boundary.
  static constexpr std::uint32_t offset(int row, int chunk) {
    const int key = kXorChunks == 8 ? row & 7 : row >> 1 & 3;
    return static_cast<std::uint32_t>(row * kRowBytes + (chunk ^ key) * kChunkBytes);
  }

  // The address 2·pairs chunks to the right of `address`, which belongs to chunk 0 or 1 of some row: one XOR
  // with a constant and an immediate, for any row.
  static constexpr std::uint32_t right(std::uint32_t address, int pairs) {
    const auto within = static_cast<std::uint32_t>(2 * pairs % kXorChunks * kChunkBytes);
    const auto beyond = static_cast<std::uint32_t>(2 * pairs / kXorChunks * kXorChunks * kChunkBytes);
    return (address ^ within) + beyond;
  }

  // The address `rows` rows below; rows must be a multiple of 8, so that the permutation stays.
  static constexpr std::uint32_t below(std::uint32_t address, int rows) {
    return address + static_cast<std::uint32_t>(rows * kRowBytes);
  }
};

// [rows, head_dim] of two-byte elements.
template <int kHeadDim>
using SwizzledTile = SwizzledRows<2 * kHeadDim>;

// Row and chunk that each lane of an ldmatrix.x4 names, for the operands of mma.m16n8k16. A chunk has eight
// columns of two bytes; the sixteen one-byte columns of mma.m16n8k32 lie in the same bytes.
struct MatrixLane {
  int row;
  int chunk;
};

// A operand, 16 rows x 16 columns from row-major memory; also, transposed, the B operand of two 8-column
// tiles from memory [16 rows of k, 16 columns of n] (V in P·V).
constexpr MatrixLane matrix_lane_a(int lane) { return {.row = lane & 15, .chunk = lane >> 4}; }

// B operand of two 8-column tiles from memory [16 rows of n, 16 columns of k] (K in Q·Kᵀ).
constexpr MatrixLane matrix_lane_b(int lane) {
  return {.row = (lane & 7) + (lane >> 4) * 8, .chunk = lane >> 3 & 1};
}

}  // namespace flashcore::kernels
