// Tensor maps, as cuTensorMapEncodeTiled makes them for the emulated copy engine: four dimensions, boxes of
// 128 bytes of columns with the 128-byte swizzle.
#pragma once

#include <cuda.h>

#include <cstdint>

namespace flashcore::emulated {

struct BoxCoordinate {
  int column, row, head, batch;
};

// The contents of a CUtensorMap on this machine.
struct TensorMap {
  static constexpr std::uint32_t kRowBytes = 128;   // of a box in shared memory
  static constexpr std::uint32_t kChunkBytes = 16;  // the unit of the swizzle

  std::uint64_t magic;
  unsigned char* data;
  std::int64_t sizes[4];                               // columns, rows, heads, batches
  std::int64_t row_stride, head_stride, batch_stride;  // in bytes
  std::int32_t box_rows;
  std::int32_t box_heads;
  std::int32_t element_bytes;

  std::uint32_t box_bytes() const { return static_cast<std::uint32_t>(box_rows * box_heads) * kRowBytes; }
  // The element at these coordinates of the tensor; null outside of it.
  unsigned char* element(BoxCoordinate at) const;
};

// Throws when the map was not encoded.
TensorMap decode(const CUtensorMap& map);

// Replaces cuTensorMapEncodeTiled.
CUresult encode_tensor_map(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* data,
                           const cuuint64_t* sizes, const cuuint64_t* strides, const cuuint32_t* box,
                           const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                           CUtensorMapSwizzle swizzle, CUtensorMapL2promotion promotion,
                           CUtensorMapFloatOOBfill fill);

// Where the 128-byte swizzle puts the byte at this offset of the window: address bits 4 to 6 are XORed with
// bits 7 to 9 (PTX ISA, "Swizzling modes").
constexpr std::uint32_t swizzle_128(std::uint32_t offset) { return offset ^ (offset >> 7 & 7) << 4; }

}  // namespace flashcore::emulated
