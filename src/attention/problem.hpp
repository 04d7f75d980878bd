// One attention problem: sizes, dtype, mask and memory layout. Values only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attention/args.hpp"
#include "attention/dtype.hpp"

namespace flashcore {

// Where elements lie. `padded` is bhsd with unused elements after each row, head and batch: kernels must
// honour strides and leave the gaps untouched.
enum class Layout : int { bhsd, bshd, padded };

inline constexpr Layout kAllLayouts[] = {Layout::bhsd, Layout::bshd, Layout::padded};

constexpr std::string_view to_string(Layout layout) {
  switch (layout) {
    case Layout::bhsd:
      return "bhsd";
    case Layout::bshd:
      return "bshd";
    case Layout::padded:
      return "padded";
  }
  return "?";
}

struct Problem {
  std::string name = {};
  std::int64_t batch = 1;
  std::int64_t heads_q = 1;
  std::int64_t heads_kv = 1;
  std::int64_t seq_q = 1;
  std::int64_t seq_kv = 1;
  std::int64_t head_dim = 64;
  Dtype dtype = Dtype::fp16;
  std::optional<Dtype> out_dtype = {};  // what output_dtype() is to be, for dtypes that leave a choice
  bool causal = false;
  double scale = 0;                // softmax scale; default_scale(head_dim) unless the config says otherwise
  std::int64_t window_left = -1;   // -1: unlimited
  std::int64_t window_right = -1;  // -1: unlimited; causal makes it 0
  double softcap = 0;              // 0: none
  Layout layout = Layout::bhsd;
  bool lse = false;  // ask for the log-sum-exp output

  bool operator==(const Problem&) const = default;
};

double default_scale(std::int64_t head_dim);  // 1 / sqrt(head_dim)

// The dtype of O.
Dtype output_dtype(const Problem& problem);

// Makes equal what means the same: out_dtype is set where there is a choice, and empty where there is none.
void settle_out_dtype(Problem& problem);

// A name made from the sizes, for problems that were given none: "b1_hq8_hkv8_q512_kv512_d64_fp16_causal".
std::string describe(const Problem& problem);

// Throws UsageError with `where` (a JSON pointer or a flag) when a size is out of range or a combination has
// no meaning: sizes in [1, 2^31), heads_q a multiple of heads_kv, every tensor below 2^60 bytes, an out_dtype
// that the dtype does not go with.
void validate(const Problem& problem, std::string_view where);

// One tensor's place in memory.
struct TensorShape {
  std::int64_t batch, heads, rows, head_dim;
  Strides stride;
  std::int64_t span_elements;  // from the first element to one past the last, gaps included

  std::int64_t elements() const { return batch * heads * rows * head_dim; }
};

TensorShape query_shape(const Problem& problem);      // Q and O
TensorShape key_value_shape(const Problem& problem);  // K and V

// Sizes, strides, mask and output dtype of a problem; pointers stay null.
ScaledAttentionArgs attention_args(const Problem& problem);

// Query-key pairs that the mask lets through, over one batch and head.
std::int64_t unmasked_pairs(const Problem& problem);

// The FLOP convention: 4 · batch · heads_q · seq_q · seq_kv · head_dim, halved when causal with seq_q =
// seq_kv and no window; any other mask counts its unmasked pairs exactly.
double flops(const Problem& problem);

// Compulsory traffic: Q, K and V read once, O (and log-sum-exp if asked for) written once.
double compulsory_bytes(const Problem& problem);

}  // namespace flashcore
