// Tensor maps: descriptions of tensors in global memory for the copy engine (CUDA Driver API, "Tensor Map
// Object Management").
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <utility>

#include "attention/args.hpp"
#include "attention/dtype.hpp"
#include "kernels/blocks/matrix_descriptor.hpp"

namespace flashcore::kernels {

// [batch, heads, rows, columns] by strides, copied in boxes of box_rows rows and the columns of one panel.
// With box_heads, a box has box_rows rows of box_heads heads, the heads of a row side by side: coordinates
// are then in the order of [batch, rows, heads, columns] as well.
struct PanelTensor {
  const void* data = nullptr;
  Strides stride;
  int batch = 0;
  int heads = 0;
  int rows = 0;
  int columns = 0;
  Dtype dtype = Dtype::fp16;
  int box_rows = 0;  // at most 256, times box_heads
  int box_heads = 0;
};

// Null, or the reason why no tensor map can describe rows with these strides: the engine takes positive
// multiples of 16 bytes below 2^40.
constexpr const char* unmappable(const Strides& stride, Dtype dtype) {
  const auto element_bytes = static_cast<std::int64_t>(size_bytes(dtype));
  const std::int64_t most_elements = (std::int64_t{1} << 40) / element_bytes;
  for (const std::int64_t s : {stride.batch, stride.head, stride.row}) {
    if (s <= 0 || s >= most_elements) return "strides must be positive and below 2^40 bytes for tensor maps";
    if (s * element_bytes % 16 != 0) {
      return element_bytes == 1 ? "strides must be multiples of 16 elements (16 bytes)"
                                : "strides must be multiples of 8 elements (16 bytes)";
    }
  }
  return nullptr;
}

// The copy engine has no type for e4m3 and copies it as bytes.
constexpr CUtensorMapDataType tensor_map_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp16:
      return CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    case Dtype::bf16:
      break;
    case Dtype::e4m3:
      return CU_TENSOR_MAP_DATA_TYPE_UINT8;
  }
  return CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
}

using TensorMapEncoder = decltype(&cuTensorMapEncodeTiled);

// cuTensorMapEncodeTiled of the driver that runs, found at run time so that nothing links to libcuda; null
// when the driver has none.
inline TensorMapEncoder tensor_map_encoder() {
  static const TensorMapEncoder encoder = [] {
    void* entry = nullptr;
    cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
    const cudaError_t error =
        cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault, &found);
#else
    const cudaError_t error =
        cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &entry, cudaEnableDefault, &found);
#endif
    if (error != cudaSuccess || found != cudaDriverEntryPointSuccess) entry = nullptr;
    return reinterpret_cast<TensorMapEncoder>(entry);
  }();
  return encoder;
}

// Fills `map`: 128-byte swizzle, zeros outside the tensor. cudaErrorNotSupported when the driver knows no
// tensor maps, cudaErrorInvalidValue when it refuses this tensor.
inline cudaError_t encode_tensor_map(CUtensorMap& map, const PanelTensor& tensor) {
  const TensorMapEncoder encode = tensor_map_encoder();
  if (encode == nullptr) return cudaErrorNotSupported;
  cuuint64_t sizes[4] = {static_cast<cuuint64_t>(tensor.columns), static_cast<cuuint64_t>(tensor.rows),
                         static_cast<cuuint64_t>(tensor.heads), static_cast<cuuint64_t>(tensor.batch)};
  const auto bytes = [&](std::int64_t elements) {
    return static_cast<cuuint64_t>(elements) * size_bytes(tensor.dtype);
  };
  cuuint64_t strides[3] = {bytes(tensor.stride.row), bytes(tensor.stride.head), bytes(tensor.stride.batch)};
  const int box_columns = panel_columns(static_cast<int>(size_bytes(tensor.dtype)));
  cuuint32_t box[4] = {static_cast<cuuint32_t>(box_columns), static_cast<cuuint32_t>(tensor.box_rows), 1, 1};
  if (tensor.box_heads > 0) {
    box[2] = static_cast<cuuint32_t>(tensor.box_heads);
    std::swap(sizes[1], sizes[2]);
    std::swap(strides[0], strides[1]);
    std::swap(box[1], box[2]);
  }
  const cuuint32_t element_strides[4] = {1, 1, 1, 1};
  const CUresult result =
      encode(&map, tensor_map_type(tensor.dtype), 4, const_cast<void*>(tensor.data), sizes, strides, box,
             element_strides, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  return result == CUDA_SUCCESS ? cudaSuccess : cudaErrorInvalidValue;
}

}  // namespace flashcore::kernels
