// Scaled dot-product attention, forward, as the graph that cuDNN's fused attention engines recognise:
//
//   S = Q · Kᵀ,  S = scale · S,  [softcap],  [mask],  P = exp(S − rowmax(S)) / rowsum,  O = P · V
//
// with FP32 between the operations, P in the dtype of V, and log-sum-exp = rowmax + log(rowsum).
// Source: cuDNN developer guide, "Fused Flash Attention fprop" among the supported graph patterns.
#pragma once

#include <limits>

#include "attention/dtype.hpp"
#include "kernels/common/kernel_args.hpp"
#include "kernels/peer_cudnn/graph.hpp"

namespace flashcore::kernels::cudnn {

// Identifiers of the tensors in device memory.
enum Uid : std::int64_t { kQueryUid = 1, kKeyUid, kValueUid, kOutputUid, kLogSumExpUid };

// The window of KernelArgs for cuDNN: bounds that hide nothing are dropped, so that for example a single
// causal query at the end of its keys is plain attention.
struct Band {
  bool left = false;
  bool right = false;

  explicit Band(const KernelArgs& args)
      : left(args.window.left >= 0 && args.window.left < args.seq_kv - 1),
        right(args.window.right >= 0 && args.window.right < args.seq_q - 1) {}
};

class SdpaGraph {
 public:
  SdpaGraph(const Api& api, const KernelArgs& args, Dtype dtype)
      : graph_(api),
        args_(args),
        type_(dtype == Dtype::fp16 ? CUDNN_DATA_HALF : CUDNN_DATA_BFLOAT16),
        // Engines before 9.10 expect the lowest finite value in masked places.
        masked_score_(api.get_version() < 91000 ? std::numeric_limits<float>::lowest()
                                                : -std::numeric_limits<float>::infinity()) {
    Tensor score = scores();
    if (args.softcap > 0) score = softcap(score);
    const Band band(args);
    if (band.right) score = mask_right(score);
    if (band.left) score = mask_left(score);
    weighted_values(softmax(score));
  }

  const std::vector<cudnnBackendDescriptor_t>& operations() const { return graph_.operations(); }
  std::deque<Scalar>& scalars() { return graph_.scalars(); }

 private:
  Tensor like(const Tensor& tensor, cudnnDataType_t type = CUDNN_DATA_FLOAT) {
    return graph_.intermediate(tensor.dims, type);
  }

  Tensor pointwise(cudnnPointwiseMode_t mode, std::initializer_list<Tensor> inputs) {
    const Tensor out = like(*inputs.begin());
    graph_.pointwise(mode, inputs, out);
    return out;
  }

  // scale · Q·Kᵀ  [batch, heads_q, seq_q, seq_kv]
  Tensor scores() {
    const Strides& q = args_.q_stride;
    const Strides& k = args_.k_stride;
    const Tensor query = graph_.memory(kQueryUid, {args_.batch, args_.heads_q, args_.seq_q, args_.head_dim},
                                       {q.batch, q.head, q.row, 1}, type_);
    const Tensor key_transposed =
        graph_.memory(kKeyUid, {args_.batch, args_.heads_kv, args_.head_dim, args_.seq_kv},
                      {k.batch, k.head, 1, k.row}, type_);
    const Tensor dots =
        graph_.intermediate({args_.batch, args_.heads_q, args_.seq_q, args_.seq_kv}, CUDNN_DATA_FLOAT);
    graph_.matmul(query, key_transposed, dots);
    return pointwise(CUDNN_POINTWISE_MUL, {dots, graph_.scalar(args_.scale)});
  }

  Tensor softcap(const Tensor& score) {
    const Tensor cap = graph_.scalar(args_.softcap);
    const Tensor ratio = pointwise(CUDNN_POINTWISE_DIV, {score, cap});
    const Tensor bent = pointwise(CUDNN_POINTWISE_TANH_FWD, {ratio});
    return pointwise(CUDNN_POINTWISE_MUL, {bent, cap});
  }

  Tensor add_int32(cudnnPointwiseMode_t mode, const Tensor& x, std::int32_t value) {
    const Tensor out = like(x, CUDNN_DATA_INT32);
    graph_.pointwise(mode, {x, graph_.scalar(value)}, out, CUDNN_DATA_INT32);
    return out;
  }

  // Scores where `larger` compares true with `smaller`, the masked value elsewhere.
  Tensor keep_where(const Tensor& score, cudnnPointwiseMode_t compare, const Tensor& larger,
                    const Tensor& smaller) {
    const Tensor visible = like(score, CUDNN_DATA_BOOLEAN);
    graph_.pointwise(compare, {larger, smaller}, visible, CUDNN_DATA_BOOLEAN);
    return pointwise(CUDNN_POINTWISE_BINARY_SELECT, {score, graph_.scalar(masked_score_), visible});
  }

  // row + seq_kv − seq_q + window.right ≥ column: the diagonal is aligned bottom-right. The engines
  // recognise the shift as two steps, and none at all for the square causal mask.
  Tensor mask_right(const Tensor& score) {
    Tensor row = graph_.index_along(2, score);
    const Tensor column = graph_.index_along(3, score);
    if (args_.seq_q != args_.seq_kv) {
      row = add_int32(CUDNN_POINTWISE_ADD, row, args_.seq_kv);
      row = add_int32(CUDNN_POINTWISE_SUB, row, args_.seq_q);
    }
    if (args_.window.right != 0) row = add_int32(CUDNN_POINTWISE_ADD, row, args_.window.right);
    return keep_where(score, CUDNN_POINTWISE_CMP_GE, row, column);
  }

  // column + window.left + 1 − (seq_kv − seq_q) > row, the shift in FP32 as the engines expect it.
  Tensor mask_left(const Tensor& score) {
    const Tensor row = graph_.index_along(2, score);
    const Tensor column = graph_.index_along(3, score);
    const Tensor shifted = like(score);
    const float shift = static_cast<float>(args_.window.left + 1 - args_.seq_kv + args_.seq_q);
    graph_.pointwise(CUDNN_POINTWISE_ADD, {column, graph_.scalar(shift)}, shifted);
    return keep_where(score, CUDNN_POINTWISE_CMP_GT, shifted, row);
  }

  Tensor softmax(const Tensor& score) {
    const Dims row_dims = {args_.batch, args_.heads_q, args_.seq_q, 1};
    const Tensor row_max = graph_.intermediate(row_dims, CUDNN_DATA_FLOAT);
    graph_.reduce(CUDNN_REDUCE_TENSOR_MAX, score, row_max);
    const Tensor below_max = pointwise(CUDNN_POINTWISE_SUB, {score, row_max});
    const Tensor weight = pointwise(CUDNN_POINTWISE_EXP, {below_max});
    const Tensor row_sum = graph_.intermediate(row_dims, CUDNN_DATA_FLOAT);
    graph_.reduce(CUDNN_REDUCE_TENSOR_ADD, weight, row_sum);
    // The engines recognise the pattern only with the log-sum-exp; when it is not wanted, it stays an
    // intermediate.
    const Tensor log_sum = pointwise(CUDNN_POINTWISE_LOG, {row_sum});
    const Tensor lse = args_.lse == nullptr ? like(row_max)
                                            : graph_.memory(kLogSumExpUid, row_dims, packed_strides(row_dims),
                                                            CUDNN_DATA_FLOAT);
    graph_.pointwise(CUDNN_POINTWISE_ADD, {row_max, log_sum}, lse);
    const Tensor p = like(score, type_);
    graph_.pointwise(CUDNN_POINTWISE_DIV, {weight, row_sum}, p);
    return p;
  }

  void weighted_values(const Tensor& p) {
    const Strides& v = args_.v_stride;
    const Strides& o = args_.out_stride;
    const Tensor value = graph_.memory(kValueUid, {args_.batch, args_.heads_kv, args_.seq_kv, args_.head_dim},
                                       {v.batch, v.head, v.row, 1}, type_);
    const Tensor out = graph_.memory(kOutputUid, {args_.batch, args_.heads_q, args_.seq_q, args_.head_dim},
                                     {o.batch, o.head, o.row, 1}, type_);
    graph_.matmul(p, value, out);
  }

  GraphBuilder graph_;
  KernelArgs args_;
  cudnnDataType_t type_;
  float masked_score_;
};

}  // namespace flashcore::kernels::cudnn
