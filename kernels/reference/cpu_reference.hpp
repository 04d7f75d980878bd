// The reference that outputs are compared with, and the unfused attention that sets the allowed error.
#pragma once

#include "attention/args.hpp"
#include "attention/dtype.hpp"

namespace flashcore::kernels {

// Attention computed in Real (float or double) from the elements of `args`, times their descale factors, any
// head_dim, mask and strides.
//   out  [batch, heads_q, seq_q, head_dim_v], contiguous, not rounded
//   lse  [batch, heads_q, seq_q] or null
// where seq_q is that of each sequence. seqused_q must be null.
// A query that sees no key, or whose scores are all -inf, has out = 0 and lse = -inf; one with a score that
// is NaN or +inf has NaN in all of out and in lse. args.out and args.lse are not used. Throws std::bad_alloc.
template <class Real>
void reference_attention(const AttentionArgs& args, Dtype dtype, Real* out, Real* lse);

extern template void reference_attention<float>(const AttentionArgs&, Dtype, float*, float*);
extern template void reference_attention<double>(const AttentionArgs&, Dtype, double*, double*);

// An unfused attention that keeps every tensor in dtype: scores, capped scores, probabilities and output are
// rounded, sums and the softmax are FP32. FlashAttention (Dao et al. 2022, its test suite) compares its own
// errors with the errors of such an attention. In e4m3, which is too narrow for scores, scores stay FP32, and
// probabilities are rounded after scaling: the largest of each row becomes 448, the largest e4m3 value. out
// is as above, with values of the output's dtype.
void unfused_attention(const AttentionArgs& args, Dtype dtype, float* out);

}  // namespace flashcore::kernels
