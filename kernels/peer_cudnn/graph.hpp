// An operation graph of cuDNN under construction: tensors, and the operations that this family needs.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <vector>

#include "kernels/peer_cudnn/descriptor.hpp"

namespace flashcore::kernels::cudnn {

using Dims = std::array<std::int64_t, 4>;  // [batch, heads, rows, columns]

constexpr Dims packed_strides(const Dims& dims) {
  return {dims[1] * dims[2] * dims[3], dims[2] * dims[3], dims[3], 1};
}

struct Tensor {
  const Descriptor* descriptor;
  Dims dims;
};

// A number that travels by value: the variant pack points at `bytes` in host memory.
struct Scalar {
  std::int64_t uid;
  std::array<std::byte, 8> bytes;
};

class GraphBuilder {
 public:
  explicit GraphBuilder(const Api& api) : api_(api) {}

  // A tensor in device memory, 16-byte aligned; `uid` names it in the variant pack.
  Tensor memory(std::int64_t uid, const Dims& dims, const Dims& strides, cudnnDataType_t type) {
    return add_tensor(uid, dims, strides, type, Place::memory);
  }

  // A tensor that lives between operations only; its strides have no meaning.
  Tensor intermediate(const Dims& dims, cudnnDataType_t type) {
    return add_tensor(next_uid_++, dims, packed_strides(dims), type, Place::intermediate);
  }

  template <class T>
  Tensor scalar(T value, cudnnDataType_t type) {
    Scalar& scalar = scalars_.emplace_back(Scalar{next_uid_++, {}});
    std::memcpy(scalar.bytes.data(), &value, sizeof(value));
    return add_tensor(scalar.uid, {1, 1, 1, 1}, {1, 1, 1, 1}, type, Place::by_value);
  }
  Tensor scalar(float value) { return scalar(value, CUDNN_DATA_FLOAT); }
  Tensor scalar(std::int32_t value) { return scalar(value, CUDNN_DATA_INT32); }

  // out[.., m, n] = a[.., m, k] · b[.., k, n]; fewer heads in b than in a are broadcast.
  void matmul(const Tensor& a, const Tensor& b, const Tensor& out) {
    Descriptor& math = add_descriptor(CUDNN_BACKEND_MATMUL_DESCRIPTOR, "matmul");
    math.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_DATA_FLOAT);
    math.finalize();
    Descriptor& operation = add_operation(CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR, "matmul operation");
    operation.set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, *a.descriptor);
    operation.set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, *b.descriptor);
    operation.set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, *out.descriptor);
    operation.set(CUDNN_ATTR_OPERATION_MATMUL_DESC, math);
    operation.finalize();
  }

  // Reduces the columns: out [.., rows, 1].
  void reduce(cudnnReduceTensorOp_t op, const Tensor& x, const Tensor& out) {
    Descriptor& math = add_descriptor(CUDNN_BACKEND_REDUCTION_DESCRIPTOR, "reduction");
    math.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_DATA_FLOAT);
    math.set(CUDNN_ATTR_REDUCTION_OPERATOR, op);
    math.finalize();
    Descriptor& operation =
        add_operation(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR, "reduction operation");
    operation.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, *x.descriptor);
    operation.set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, *out.descriptor);
    operation.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, math);
    operation.finalize();
  }

  // out = mode(x), mode(x, b), or for BINARY_SELECT: t ? x : b. `compute` is the type it is computed in.
  void pointwise(cudnnPointwiseMode_t mode, std::initializer_list<Tensor> inputs, const Tensor& out,
                 cudnnDataType_t compute = CUDNN_DATA_FLOAT) {
    connect(finalized(pointwise_math(mode, compute)), inputs, out);
  }

  // The index along an axis of `shape_of`, as INT32.
  Tensor index_along(std::int64_t axis, const Tensor& shape_of) {
    Descriptor& math = pointwise_math(CUDNN_POINTWISE_GEN_INDEX, CUDNN_DATA_FLOAT);
    math.set(CUDNN_ATTR_POINTWISE_AXIS, axis);
    const Tensor out = intermediate(shape_of.dims, CUDNN_DATA_INT32);
    connect(finalized(math), {shape_of}, out);
    return out;
  }

  const std::vector<cudnnBackendDescriptor_t>& operations() const { return operations_; }
  std::deque<Scalar>& scalars() { return scalars_; }

 private:
  enum class Place { memory, intermediate, by_value };

  static Descriptor& finalized(Descriptor& descriptor) {
    descriptor.finalize();
    return descriptor;
  }

  Descriptor& add_descriptor(cudnnBackendDescriptorType_t type, const char* what) {
    return descriptors_.emplace_back(api_, type, what);
  }

  Descriptor& add_operation(cudnnBackendDescriptorType_t type, const char* what) {
    Descriptor& operation = add_descriptor(type, what);
    operations_.push_back(operation.raw());
    return operation;
  }

  Tensor add_tensor(std::int64_t uid, const Dims& dims, const Dims& strides, cudnnDataType_t type,
                    Place place) {
    constexpr std::int64_t kAlignmentBytes = 16;
    Descriptor& tensor = add_descriptor(CUDNN_BACKEND_TENSOR_DESCRIPTOR, "tensor");
    tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, uid);
    tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
    tensor.set_all(CUDNN_ATTR_TENSOR_DIMENSIONS, dims);
    tensor.set_all(CUDNN_ATTR_TENSOR_STRIDES, strides);
    tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, kAlignmentBytes);
    tensor.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, place == Place::intermediate);
    tensor.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, place == Place::by_value);
    tensor.finalize();
    return {&tensor, dims};
  }

  Descriptor& pointwise_math(cudnnPointwiseMode_t mode, cudnnDataType_t compute) {
    Descriptor& math = add_descriptor(CUDNN_BACKEND_POINTWISE_DESCRIPTOR, "pointwise");
    math.set(CUDNN_ATTR_POINTWISE_MODE, mode);
    math.set(CUDNN_ATTR_POINTWISE_MATH_PREC, compute);
    return math;
  }

  void connect(const Descriptor& math, std::initializer_list<Tensor> inputs, const Tensor& out) {
    constexpr cudnnBackendAttributeName_t kInputs[] = {CUDNN_ATTR_OPERATION_POINTWISE_XDESC,
                                                       CUDNN_ATTR_OPERATION_POINTWISE_BDESC,
                                                       CUDNN_ATTR_OPERATION_POINTWISE_TDESC};
    Descriptor& operation =
        add_operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR, "pointwise operation");
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, math);
    const cudnnBackendAttributeName_t* name = kInputs;
    for (const Tensor& input : inputs) operation.set(*name++, *input.descriptor);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, *out.descriptor);
    operation.finalize();
  }

  const Api& api_;
  std::deque<Descriptor> descriptors_;  // a deque: tensors point into it
  std::vector<cudnnBackendDescriptor_t> operations_;
  std::deque<Scalar> scalars_;
  std::int64_t next_uid_ = 100;  // below: the tensors in memory
};

}  // namespace flashcore::kernels::cudnn
