// One attention problem: sizes, dtype, mask and memory layout. Values only.
//
// attention/problem_fields.hpp describes each member once: names, ranges, identity and words are derived from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "attention/args.hpp"
#include "attention/dtype.hpp"
#include "attention/mask.hpp"

namespace flashcore {

// Where elements lie. `padded` is bhsd with unused elements after each row, head and batch: kernels must
// honour strides and leave the gaps untouched.
enum class Layout : int { bhsd, bshd, padded };
inline constexpr std::string_view kLayoutWords[] = {"bhsd", "bshd", "padded"};
constexpr Words words(Layout) { return kLayoutWords; }

struct Problem {
  std::string name = {};
  std::int64_t batch = 1;
  std::int64_t heads_q = 1;
  std::int64_t heads_kv = 1;
  std::int64_t seq_q = 1;
  std::int64_t seq_kv = 1;
  std::int64_t head_dim = 64;
  std::optional<std::int64_t> head_dim_v = {};  // of V and O; head_dim when absent
  Dtype dtype = Dtype::fp16;
  std::optional<Dtype> kv_dtype = {};   // of K and V; dtype when absent
  std::optional<Dtype> out_dtype = {};  // what output_dtype() is to be, for dtypes that leave a choice
  bool causal = false;
  double scale = 0;                // softmax scale; default_scale(head_dim) unless the config says otherwise
  std::int64_t window_left = -1;   // -1: unlimited
  std::int64_t window_right = -1;  // -1: unlimited; causal makes it 0
  MaskKind mask = MaskKind::window;
  std::int64_t chunk = 0;  // keys of a chunk, for MaskKind::chunk
  double softcap = 0;      // 0: none
  Layout layout = Layout::bhsd;
  bool lse = false;  // ask for the log-sum-exp output

  bool operator==(const Problem&) const = default;
};

double default_scale(std::int64_t head_dim);  // 1 / sqrt(head_dim)

// The dtype of O.
Dtype output_dtype(const Problem& problem);

// Makes equal what means the same: an optional member is set where there is a choice, and empty where it says
// what would hold without it.
void normalize(Problem& problem);

// Throws UsageError with `where` (a JSON pointer or a flag) when a member is out of its range or a combination has
// no meaning: heads_q a multiple of heads_kv, every tensor below 2^60 bytes, an out_dtype that goes with the
// dtype, a chunk for a chunked mask and for no other.
void validate(const Problem& problem, std::string_view where);

// The problem's mask; nothing else derives one from causal and the windows.
Mask mask_of(const Problem& problem);

// One tensor's place in memory.
struct TensorShape {
  std::int64_t batch, heads, rows, head_dim;
  Strides stride;
  std::int64_t span_elements;  // from the first element to one past the last, gaps included

  std::int64_t elements() const { return batch * heads * rows * head_dim; }
};

TensorShape query_shape(const Problem& problem);      // Q and O
TensorShape key_value_shape(const Problem& problem);  // K and V

// Sizes, strides, mask and dtypes of a problem; pointers stay null.
AttentionArgs attention_args(const Problem& problem);

// Query-key pairs that the mask lets through, over one batch and head.
std::int64_t unmasked_pairs(const Problem& problem);

// The FLOP convention: 4 · batch · heads_q · seq_q · seq_kv · head_dim, halved when causal with seq_q =
// seq_kv and no window; any other mask counts its unmasked pairs exactly.
double flops(const Problem& problem);

// Compulsory traffic: Q, K and V read once, O (and log-sum-exp if asked for) written once.
double compulsory_bytes(const Problem& problem);

}  // namespace flashcore
