// Batches of sequences in host memory, as kernels for ragged batches and paged caches receive them. Whatever such a
// kernel must not read is NaN or names a page that does not exist.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "attention/args.hpp"

namespace flashcore {

struct SequenceCase {
  std::string name;
  std::vector<std::int32_t> queries, keys;  // of each sequence
  std::int32_t heads_q = 2;
  std::int32_t heads_kv = 1;
  std::int32_t page_size = 0;  // 0: K and V are contiguous
  // K and V in e4m3, with factors of sequences and heads that lie far apart.
  bool e4m3_kv = false;
  std::int32_t left = -1;  // of the window
  std::int32_t right = -1;
  float softcap = 0;
  bool sinks = false;
  std::vector<float> sink_values = {1.5f, 0.75f, 0, -0.75f, -1.5f};  // of the heads, in turn
  bool lse = true;
  // Q and O are [batch, heads_q, seq_q, head_dim]; all sequences have equal queries.
  bool rectangular_q = false;
  // In memory, heads of Q, K and O lie outside of rows, and heads of V inside; or the other way round.
  bool heads_first = false;
  std::int32_t spare_keys = 0;  // rows of each sequence in contiguous K and V that it does not use
  // Arrays and maxima are at least this large, so that other lengths fit into the same memory.
  std::int32_t longest_q = 0;
  std::int32_t longest_kv = 0;
  std::int64_t rows_q = 0;
  std::int64_t rows_kv = 0;
  std::int64_t pages = 0;
};

class SequenceBatch {
 public:
  static constexpr std::uint16_t kPoison = 0xFFFF;  // NaN in all dtypes

  SequenceBatch(const SequenceCase& shape, Dtype dtype, std::int32_t head_dim, std::uint32_t seed = 1);
  SequenceBatch(const SequenceBatch&) = delete;  // args_ points into this object

  const AttentionArgs& args() const { return args_; }
  Dtype dtype() const { return dtype_; }

  void poison_outputs();

  // Empty if the outputs agree with the reference, within the errors that an unfused attention of this dtype has, and
  // nothing else was written.
  std::string failure() const;

  // Takes the arrays of a batch with the same maxima and array sizes, which stay where they are in memory.
  void become(const SequenceBatch& other);

  std::vector<std::uint16_t> q, out;
  std::vector<std::uint8_t> k, v;
  std::vector<float> lse, sinks, k_descale, v_descale;
  std::vector<std::int32_t> cu_seqlens_q, cu_seqlens_k, seqused_k, page_table;

 private:
  static constexpr std::int64_t kSpareRows = 3;  // of Q and O
  static constexpr std::int64_t kSpareEntries = 2;

  std::int64_t batch() const { return static_cast<std::int64_t>(shape_.queries.size()); }
  void set_sizes(std::int32_t head_dim);
  void lay_out_keys();
  void lay_out_pages();
  std::int64_t page_count() const;
  void fill();
  void fill_query(std::int64_t offset);
  void fill_key(std::vector<std::uint8_t>& tensor, std::int64_t offset, float descale);
  void choose_factors();
  bool is_seen(std::int64_t sequence, std::int64_t first, std::int64_t last) const;
  void compute_reference();
  std::string failure_of_row(std::int64_t sequence, std::int64_t head, std::int64_t row,
                             std::size_t reference_row) const;
  double out_value(std::size_t at) const;

  SequenceCase shape_;
  Dtype dtype_;
  AttentionArgs args_;
  std::mt19937 random_;
  std::vector<double> expected_, expected_lse_;  // [sequence][head][row]
  double allowed_ = 0;                           // error of an element of O
};

}  // namespace flashcore
