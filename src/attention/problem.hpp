// One attention problem: sizes, dtype, mask and memory layout; no pointers. attention/problem_fields.hpp is
// the table of its members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attention/args.hpp"
#include "attention/dtype.hpp"
#include "attention/kv_cache.hpp"
#include "attention/lengths.hpp"
#include "attention/mask.hpp"

namespace flashcore {

// The order of the axes in memory. Of a ragged batch, Q, K, V and O have no batch axis, but the rows of all sequences; of
// a paged cache, the batch axis of K and V has pages. `padded` is bhsd with gaps after each row, head and batch; kernels must
// use the strides and must not write to the gaps. In the others, which are for checks, K and V of all heads or of all
// batches are the same memory (a stride of 0), or batches lie more than 2^31 elements apart.
enum class Layout : int { bhsd, bshd, padded, shared_heads, shared_batches, far_batches };
inline constexpr std::string_view kLayoutWords[] = {"bhsd",         "bshd",           "padded",
                                                    "shared_heads", "shared_batches", "far_batches"};
constexpr Words words(Layout) { return kLayoutWords; }

struct Problem {
  std::string name = {};
  // Where the lengths come from, in a line: "lognormal, 64 sequences, seed 1, …". Empty if the config states them.
  std::string source = {};
  // Of a ragged batch. `batch` is then the number of sequences, and seq_q and seq_kv are those of the longest.
  std::optional<Lengths> lengths = {};
  std::int64_t batch = 1;
  std::int64_t heads_q = 1;
  std::int64_t heads_kv = 1;
  std::int64_t seq_q = 1;
  std::int64_t seq_kv = 1;
  std::int64_t head_dim = 64;
  std::optional<std::int64_t> head_dim_v = {};  // head_dim of V and O; head_dim if absent
  Dtype dtype = Dtype::fp16;
  std::optional<Dtype> kv_dtype = {};   // dtype of K and V; dtype if absent
  std::optional<Dtype> out_dtype = {};  // dtype of O, for scaled dtypes only; see output_dtype()
  bool causal = false;
  double scale = 0;                // softmax scale; configs default to default_scale(head_dim)
  std::int64_t window_left = -1;   // -1: unlimited
  std::int64_t window_right = -1;  // -1: unlimited; 0 if causal
  MaskKind mask = MaskKind::window;
  std::int64_t chunk = 0;  // keys per chunk, for MaskKind::chunk
  double softcap = 0;      // 0: none
  bool sinks = false;      // each query head has a sink (AttentionArgs::sinks)
  Layout layout = Layout::bhsd;
  KvCache kv = {};
  bool lse = false;  // compute the log-sum-exp output, too
  // How often the problem counts against the others of its run: calls, or layers of a model.
  double weight = 1;

  // All members but `source` and `weight`: they say nothing about the computation.
  bool operator==(const Problem& other) const;
};

double default_scale(std::int64_t head_dim);  // 1 / sqrt(head_dim)

// The dtype of O.
Dtype output_dtype(const Problem& problem);

// True if all sequences have the same lengths and K and V are contiguous.
bool is_rectangular(const Problem& problem);

// The layout if the problem sets none: bshd, as serving engines have it, for ragged batches and paged caches.
Layout default_layout(const Problem& problem);

// Sets batch, seq_q and seq_kv from the lengths, if there are any.
void apply_lengths(Problem& problem);

// Gives equal problems equal members: out_dtype is set for scaled dtypes and absent for others; other
// optional members are absent at their default.
void normalize(Problem& problem);

// Throws UsageError that starts with `where` (a JSON pointer or a flag) unless all of these hold: every
// member is in its range, heads_q is a multiple of heads_kv, every tensor has fewer than 2^60 bytes,
// out_dtype is possible for the dtype, chunk is set if and only if the mask is MaskKind::chunk, lengths agree with batch,
// seq_q and seq_kv, and the layout is possible for ragged batches and paged caches.
void validate(const Problem& problem, std::string_view where);

// The only place that combines `causal` and the windows into a mask.
Mask mask_of(const Problem& problem);

// The shape and strides of one tensor.
struct TensorShape {
  std::int64_t batch, heads, rows, head_dim;
  Strides stride;
  std::int64_t span_elements;  // from the first element to the last, including gaps

  std::int64_t elements() const { return batch * heads * rows * head_dim; }
};

// Elements of a tensor's memory, from its first element on.
struct ElementRange {
  std::int64_t first, count;
};

// The memory that belongs to a tensor, with its gaps: all of the span, or one range per batch where batches lie far
// apart. Ranges begin and, except for the last, end at multiples of 64 elements from the first.
std::vector<ElementRange> memory_ranges(const TensorShape& shape);

// A ragged batch has more rows than its sequences need: batch is 1, and rows counts all of them. A paged cache has pages
// as its batch and page_size rows.
TensorShape query_shape(const Problem& problem);
TensorShape output_shape(const Problem& problem);
TensorShape key_shape(const Problem& problem);
TensorShape value_shape(const Problem& problem);

// Elements of the log-sum-exp output, even if the problem does not ask for it.
std::int64_t lse_elements(const Problem& problem);

// Columns of V and O.
std::int64_t value_columns(const Problem& problem);
// Dtype of K and V.
Dtype key_value_dtype(const Problem& problem);

// The problem's sizes, strides, mask and dtypes; all pointers are null.
AttentionArgs attention_args(const Problem& problem);

// The number of unmasked query-key pairs of one head, over all sequences.
std::int64_t unmasked_pairs(const Problem& problem);

// The rows of Q of one head that see a key, over all sequences.
std::int64_t rows_with_keys(const Problem& problem);

// FLOPs by the usual convention: 2 · heads_q · (head_dim + head_dim_v) · seq_q · seq_kv for each sequence, halved for a
// causal mask with seq_q = seq_kv and no window. For any other mask, seq_q · seq_kv is replaced by the exact number of
// unmasked pairs.
double flops(const Problem& problem);

// Compulsory memory traffic: Q, K and V are read once, O and the requested log-sum-exp are written once. Pages that
// sequences share are read once.
double compulsory_bytes(const Problem& problem);

}  // namespace flashcore
