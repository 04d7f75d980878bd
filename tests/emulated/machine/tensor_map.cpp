#include "emulated/machine/tensor_map.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "emulated/machine/failure.hpp"

namespace flashcore::emulated {
namespace {

constexpr std::uint64_t kMagic = 0x74656e736f726d61;
static_assert(sizeof(TensorMap) <= sizeof(CUtensorMap));

// The driver's own rules for strides: positive multiples of 16 bytes below 2^40.
bool is_stride(cuuint64_t stride) { return stride > 0 && stride % 16 == 0 && stride < cuuint64_t{1} << 40; }

// The size of the types that are emulated; 0 for all others.
std::int32_t element_bytes(CUtensorMapDataType type) {
  if (type == CU_TENSOR_MAP_DATA_TYPE_FLOAT16 || type == CU_TENSOR_MAP_DATA_TYPE_BFLOAT16) return 2;
  return type == CU_TENSOR_MAP_DATA_TYPE_UINT8 ? 1 : 0;
}

}  // namespace

unsigned char* TensorMap::element(BoxCoordinate at) const {
  const int place[] = {at.column, at.row, at.head, at.batch};
  for (int i = 0; i < 4; ++i) {
    if (place[i] < 0 || place[i] >= sizes[i]) return nullptr;
  }
  return data + std::int64_t{at.column} * element_bytes + at.row * row_stride + at.head * head_stride +
         at.batch * batch_stride;
}

TensorMap decode(const CUtensorMap& map) {
  TensorMap decoded;
  std::memcpy(&decoded, &map, sizeof(decoded));
  if (decoded.magic != kMagic) fail("a bulk copy by a tensor map that was not encoded");
  return decoded;
}

CUresult encode_tensor_map(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* data,
                           const cuuint64_t* sizes, const cuuint64_t* strides, const cuuint32_t* box,
                           const cuuint32_t* element_strides, CUtensorMapInterleave interleave,
                           CUtensorMapSwizzle swizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill fill) {
  const std::int32_t bytes = element_bytes(type);
  if (bytes == 0 || rank != 4 || interleave != CU_TENSOR_MAP_INTERLEAVE_NONE ||
      swizzle != CU_TENSOR_MAP_SWIZZLE_128B || fill != CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) {
    return CUDA_ERROR_NOT_SUPPORTED;
  }
  const bool one_panel = box[0] * static_cast<cuuint32_t>(bytes) == TensorMap::kRowBytes && box[3] == 1;
  const auto fits = [](cuuint32_t length) { return length > 0 && length <= 256; };
  if (!one_panel || !fits(box[1]) || !fits(box[2]) || std::bit_cast<std::uintptr_t>(data) % 16 != 0 ||
      !std::all_of(strides, strides + 3, is_stride) ||
      !std::all_of(element_strides, element_strides + 4, [](cuuint32_t stride) { return stride == 1; })) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  TensorMap encoded{.magic = kMagic,
                    .data = static_cast<unsigned char*>(data),
                    .sizes = {},
                    .row_stride = static_cast<std::int64_t>(strides[0]),
                    .head_stride = static_cast<std::int64_t>(strides[1]),
                    .batch_stride = static_cast<std::int64_t>(strides[2]),
                    .box_rows = static_cast<std::int32_t>(box[1]),
                    .box_heads = static_cast<std::int32_t>(box[2]),
                    .element_bytes = bytes};
  std::copy_n(sizes, 4, encoded.sizes);
  std::memcpy(map, &encoded, sizeof(encoded));
  return CUDA_SUCCESS;
}

}  // namespace flashcore::emulated
