#include "unit/support/sequence_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "kernels/common/cpu_numeric.hpp"
#include "kernels/reference/cpu_reference.hpp"

namespace flashcore {
namespace {

// Rows of Q and O, or of K and V: [outer, heads, rows, columns] by strides.
Strides row_strides(std::int64_t heads, std::int64_t rows, std::int64_t columns, bool heads_first) {
  if (heads_first) return {.batch = heads * rows * columns, .head = rows * columns, .row = columns};
  return {.batch = heads * rows * columns, .head = columns, .row = heads * columns};
}

}  // namespace

SequenceBatch::SequenceBatch(const SequenceCase& shape, Dtype dtype, std::int32_t head_dim,
                             std::uint32_t seed)
    : shape_(shape), dtype_(dtype), random_(seed) {
  set_sizes(head_dim);
  lay_out_keys();
  fill();
  compute_reference();
  poison_outputs();
}

void SequenceBatch::become(const SequenceBatch& other) {
  const auto take = [](auto& array, const auto& from) {
    if (array.size() != from.size()) throw std::invalid_argument("the batches have arrays of other sizes");
    std::ranges::copy(from, array.begin());
  };
  take(q, other.q);
  take(k, other.k);
  take(v, other.v);
  take(out, other.out);
  take(lse, other.lse);
  take(sinks, other.sinks);
  take(k_descale, other.k_descale);
  take(v_descale, other.v_descale);
  take(cu_seqlens_q, other.cu_seqlens_q);
  take(cu_seqlens_k, other.cu_seqlens_k);
  take(seqused_k, other.seqused_k);
  take(page_table, other.page_table);
  shape_ = other.shape_;
  expected_ = other.expected_;
  expected_lse_ = other.expected_lse_;
  allowed_ = other.allowed_;
}

void SequenceBatch::poison_outputs() {
  std::ranges::fill(out, kPoison);
  std::ranges::fill(lse, std::numeric_limits<float>::quiet_NaN());
}

void SequenceBatch::set_sizes(std::int32_t head_dim) {
  args_.heads_q = shape_.heads_q;
  args_.heads_kv = shape_.heads_kv;
  args_.head_dim = args_.head_dim_v = head_dim;
  args_.scale = 1 / std::sqrt(static_cast<float>(head_dim));
  args_.softcap = shape_.softcap;
  args_.mask = {.left = shape_.left, .right = shape_.right};
  args_.out_dtype = dtype_;
  args_.kv_dtype = shape_.e4m3_kv ? Dtype::e4m3 : dtype_;
  args_.sequences = {.batch = static_cast<std::int32_t>(batch()),
                     .seq_q = std::max(std::ranges::max(shape_.queries), shape_.longest_q),
                     .seq_kv = std::max(std::ranges::max(shape_.keys), shape_.longest_kv)};
  cu_seqlens_q.assign(1, 0);
  for (const std::int32_t queries : shape_.queries) cu_seqlens_q.push_back(cu_seqlens_q.back() + queries);
  const std::int64_t rows = shape_.rectangular_q ? args_.sequences.seq_q
                                                 : std::max(cu_seqlens_q.back() + kSpareRows, shape_.rows_q);
  args_.q_stride = row_strides(shape_.heads_q, rows, head_dim, shape_.heads_first);
  if (!shape_.rectangular_q) {
    args_.q_stride.batch = 0;
    args_.sequences.total_q = rows;
    args_.sequences.cu_seqlens_q = cu_seqlens_q.data();
  }
  args_.out_stride = args_.q_stride;
  const std::int64_t all_rows = shape_.heads_q * rows * (shape_.rectangular_q ? batch() : 1);
  q.assign(static_cast<std::size_t>(all_rows * head_dim), kPoison);
  out.resize(q.size());
  lse.resize(static_cast<std::size_t>(all_rows));
  args_.q = q.data();
  args_.out = out.data();
  if (shape_.lse) args_.lse = lse.data();
}

void SequenceBatch::lay_out_keys() {
  std::int64_t rows = 0;  // of one page, or of all sequences
  std::int64_t outer = 1;
  if (shape_.page_size > 0) {
    lay_out_pages();
    rows = shape_.page_size;
    outer = page_count();
  } else {
    cu_seqlens_k.assign(1, 0);
    for (const std::int32_t keys : shape_.keys)
      cu_seqlens_k.push_back(cu_seqlens_k.back() + keys + shape_.spare_keys);
    rows = std::max<std::int64_t>(cu_seqlens_k.back() + 1, shape_.rows_kv);
    args_.sequences.cu_seqlens_k = cu_seqlens_k.data();
    args_.sequences.total_k = rows;
  }
  if (shape_.page_size > 0 || shape_.spare_keys > 0) {
    seqused_k = shape_.keys;
    args_.sequences.seqused_k = seqused_k.data();
  }
  args_.kv.k = row_strides(shape_.heads_kv, rows, args_.head_dim, shape_.heads_first);
  args_.kv.v = row_strides(shape_.heads_kv, rows, args_.head_dim, !shape_.heads_first);
  if (shape_.page_size == 0) args_.kv.k.batch = args_.kv.v.batch = 0;
  const std::int64_t elements = outer * shape_.heads_kv * rows * args_.head_dim;
  k.assign(static_cast<std::size_t>(elements) * size_bytes(args_.kv_dtype), kPoison & 0xFF);
  v = k;
  args_.k = k.data();
  args_.v = v.data();
}

std::int64_t SequenceBatch::page_count() const {
  std::int64_t used = 0;
  for (const std::int32_t keys : shape_.keys) used += (keys + shape_.page_size - 1) / shape_.page_size;
  return std::max(used + kSpareEntries, shape_.pages);
}

// Pages in random order. Entries past the last page of a sequence have any value.
void SequenceBatch::lay_out_pages() {
  const std::int64_t size = shape_.page_size;
  args_.kv.page_size = shape_.page_size;
  args_.kv.pages = page_count();
  args_.kv.page_table_stride = (args_.sequences.seq_kv + size - 1) / size + kSpareEntries;
  page_table.assign(static_cast<std::size_t>(batch() * args_.kv.page_table_stride),
                    std::numeric_limits<std::int32_t>::min() / 2);
  std::vector<std::int32_t> pages(static_cast<std::size_t>(page_count()));
  std::iota(pages.begin(), pages.end(), 0);
  std::ranges::shuffle(pages, random_);
  for (std::int64_t i = 0; i < batch(); ++i) {
    const std::int64_t count = (shape_.keys[static_cast<std::size_t>(i)] + size - 1) / size;
    for (std::int64_t page = 0; page < count; ++page) {
      page_table[static_cast<std::size_t>(i * args_.kv.page_table_stride + page)] = pages.back();
      pages.pop_back();
    }
  }
  args_.kv.page_table = page_table.data();
}

void SequenceBatch::fill_query(std::int64_t offset) {
  std::normal_distribution<float> normal;
  kernels::visit_output_dtype(dtype_, [&]<class T>(T) {
    for (std::int32_t d = 0; d < args_.head_dim; ++d)
      q[static_cast<std::size_t>(offset + d)] = kernels::from_float<T>(normal(random_)).bits;
  });
}

void SequenceBatch::fill_key(std::vector<std::uint8_t>& tensor, std::int64_t offset, float descale) {
  std::normal_distribution<float> normal;
  kernels::visit_dtype(args_.kv_dtype, [&]<class T>(T) {
    for (std::int32_t d = 0; d < args_.head_dim; ++d) {
      const T element = kernels::from_float<T>(normal(random_) / descale);
      std::memcpy(&tensor[static_cast<std::size_t>(offset + d) * sizeof(T)], &element, sizeof(T));
    }
  });
}

// Values are the same whatever the factors, but for their rounding. No two neighbours, nor K and V of a head, have factors
// near each other.
void SequenceBatch::choose_factors() {
  constexpr float kFactors[] = {0.011f, 1.7f, 0.15f, 6, 0.04f};
  if (!shape_.e4m3_kv) return;
  for (std::int64_t head = 0; head < batch() * shape_.heads_kv; ++head) {
    k_descale.push_back(kFactors[head % 5]);
    v_descale.push_back(kFactors[(head + 3) % 5]);
  }
  args_.k_descale = k_descale.data();
  args_.v_descale = v_descale.data();
}

// True if some query sees one of the keys [first, last].
bool SequenceBatch::is_seen(std::int64_t sequence, std::int64_t first, std::int64_t last) const {
  const std::int32_t queries = args_.sequences.queries(sequence);
  if (queries == 0) return false;
  const KeyRange any = args_.mask.keys_of_any(0, queries - 1, queries, args_.sequences.keys(sequence));
  return first < any.end && last >= any.begin;
}

void SequenceBatch::fill() {
  choose_factors();
  for (std::int64_t i = 0; i < batch(); ++i) {
    for (std::int64_t row = 0; row < args_.sequences.queries(i); ++row) {
      for (std::int64_t head = 0; head < args_.heads_q; ++head)
        fill_query(args_.query_offset(args_.q_stride, i, head, row));
    }
    const std::int64_t size = std::max(shape_.page_size, 1);
    for (std::int64_t key = 0; key < args_.sequences.keys(i); ++key) {
      if (!is_seen(i, key / size * size, key / size * size + size - 1)) continue;
      for (std::int64_t head = 0; head < args_.heads_kv; ++head) {
        fill_key(k, args_.key_offset(args_.kv.k, i, head, key),
                 kernels::descale_of(args_.k_descale, args_, i, head));
        fill_key(v, args_.key_offset(args_.kv.v, i, head, key),
                 kernels::descale_of(args_.v_descale, args_, i, head));
      }
    }
  }
  if (!shape_.sinks) return;
  for (std::int32_t head = 0; head < args_.heads_q; ++head)
    sinks.push_back(shape_.sink_values[static_cast<std::size_t>(head) % shape_.sink_values.size()]);
  args_.sinks = sinks.data();
}

void SequenceBatch::compute_reference() {
  const auto rows = static_cast<std::size_t>(cu_seqlens_q.back() * args_.heads_q);
  expected_.resize(rows * static_cast<std::size_t>(args_.head_dim));
  expected_lse_.resize(rows);
  std::vector<float> unfused(expected_.size());
  kernels::reference_attention<double>(args_, dtype_, expected_.data(), expected_lse_.data());
  kernels::unfused_attention(args_, dtype_, unfused.data());
  double error = 0;
  double largest = 0;
  for (std::size_t i = 0; i < unfused.size(); ++i) {
    error = std::max(error, std::abs(unfused[i] - expected_[i]));
    largest = std::max(largest, std::abs(expected_[i]));
  }
  allowed_ = 2 * error + std::min(1e-5, 1e-3 * largest);
}

double SequenceBatch::out_value(std::size_t at) const {
  if (dtype_ == Dtype::bf16) return kernels::to_float(kernels::Bf16{out[at]});
  return kernels::to_float(kernels::Fp16{out[at]});
}

std::string SequenceBatch::failure_of_row(std::int64_t sequence, std::int64_t head, std::int64_t row,
                                          std::size_t reference_row) const {
  const std::string where = fmt::format("sequence {}, head {}, row {}", sequence, head, row);
  const auto first = static_cast<std::size_t>(args_.query_offset(args_.out_stride, sequence, head, row));
  const auto columns = static_cast<std::size_t>(args_.head_dim);
  for (std::size_t d = 0; d < columns; ++d) {
    const double wanted = expected_[reference_row * columns + d];
    const double got = out_value(first + d);
    if (!(std::abs(got - wanted) <= allowed_))
      return fmt::format("{}, column {}: {} instead of {}, allowed {}", where, d, got, wanted, allowed_);
  }
  if (!shape_.lse) return "";
  const double wanted = expected_lse_[reference_row];
  const double got = lse[static_cast<std::size_t>(args_.lse_index(sequence, head, row))];
  if (got != wanted && !(std::abs(got - wanted) <= 2e-3))
    return fmt::format("{}: lse {} instead of {}", where, got, wanted);
  return "";
}

std::string SequenceBatch::failure() const {
  std::vector<bool> belongs(out.size());
  std::vector<bool> belongs_lse(lse.size());
  std::size_t reference_row = 0;
  for (std::int64_t i = 0; i < batch(); ++i) {
    for (std::int64_t head = 0; head < args_.heads_q; ++head) {
      for (std::int64_t row = 0; row < args_.sequences.queries(i); ++row, ++reference_row) {
        if (std::string reason = failure_of_row(i, head, row, reference_row); !reason.empty()) return reason;
        const std::int64_t first = args_.query_offset(args_.out_stride, i, head, row);
        std::fill_n(belongs.begin() + first, args_.head_dim, true);
        if (shape_.lse) belongs_lse[static_cast<std::size_t>(args_.lse_index(i, head, row))] = true;
      }
    }
  }
  for (std::size_t at = 0; at < out.size(); ++at) {
    if (!belongs[at] && out[at] != kPoison)
      return fmt::format("O: element {}, which is of no sequence, was written", at);
  }
  for (std::size_t at = 0; at < lse.size(); ++at) {
    if (!belongs_lse[at] && !std::isnan(lse[at]))
      return fmt::format("lse: element {}, which is of no sequence, was written", at);
  }
  return "";
}

}  // namespace flashcore
