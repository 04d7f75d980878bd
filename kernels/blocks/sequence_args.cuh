// One sequence of a batch whose lengths, and tables of pages, are in device memory.
#pragma once

#include <cstdint>

#include "kernels/blocks/fast_divisor.cuh"
#include "kernels/common/indexing.hpp"
#include "kernels/common/kernel_args.hpp"

namespace flashcore::kernels {

// What such a launch has beside KernelArgs. The arrays are read on the device only, so that a captured launch can be
// replayed with other lengths.
struct SequenceTables {
  Sequences sequences;
  const std::int32_t* page_table = nullptr;
  std::int64_t page_table_stride = 0;
  FastDivisor page_size;         // 1 if the cache is not paged
  const float* sinks = nullptr;  // [heads_q], null: none

  SequenceTables() = default;
  explicit SequenceTables(const AttentionArgs& args)
      : sequences(args.sequences),
        page_table(args.kv.page_table),
        page_table_stride(args.kv.page_table_stride),
        page_size(args.kv.is_paged() ? args.kv.page_size : 1),
        sinks(args.sinks) {}
};

// The arguments of one sequence: seq_q and seq_kv are its own lengths, q and out begin with its first query. Elements
// have two bytes.
template <bool kPaged>
struct SequenceArgs : KernelArgs {
  const SequenceTables& tables;
  int sequence;
  int first_query;
  int first_key;           // 0 if paged
  KeyRange seen = {0, 0};  // keys that some row of the block's query tile sees; no other key is read

  // Reads memory that previous grids may have written.
  __device__ __forceinline__ SequenceArgs(const KernelArgs& launch, const SequenceTables& sequence_tables,
                                          int index)
      : KernelArgs(launch),
        tables(sequence_tables),
        sequence(index),
        first_query(static_cast<int>(tables.sequences.first_query(index))),
        first_key(kPaged ? 0 : static_cast<int>(tables.sequences.first_key(index))) {
    seq_q = tables.sequences.queries(index);
    seq_kv = tables.sequences.keys(index);
    q = static_cast<const std::uint16_t*>(q) + first_query * q_stride.row;
    out = static_cast<std::uint16_t*>(out) + first_query * out_stride.row;
  }

  __device__ __forceinline__ std::int64_t lse_index(int, int head, int row) const {
    if (tables.sequences.is_ragged()) return head * tables.sequences.total_q + first_query + row;
    return (std::int64_t{sequence} * heads_q + head) * tables.sequences.seq_q + row;
  }

  // Key i of the sequence is key_offset(i) elements behind keys_of_head().
  template <class T>
  __device__ __forceinline__ const T* keys_of_head(const T* tensor, const Strides& stride,
                                                   int head_kv) const {
    return head_pointer(tensor, stride, kPaged ? 0 : sequence, head_kv);
  }
  // Of a paged cache, reads the page table: only for keys that the sequence has.
  __device__ __forceinline__ std::int64_t key_offset(const Strides& stride, int key) const {
    if constexpr (kPaged) {
      const int place = tables.page_size.quotient(key);
      const std::int64_t page = tables.page_table[sequence * tables.page_table_stride + place];
      return page * stride.batch + (key - place * tables.page_size.divisor) * stride.row;
    } else {
      return (std::int64_t{first_key} + key) * stride.row;
    }
  }

  // The same in two parts, so that the page can be read before it is needed. `page` is not used if the cache is not
  // paged.
  __device__ __forceinline__ int page_of(int key) const {
    return tables.page_table[sequence * tables.page_table_stride + tables.page_size.quotient(key)];
  }
  __device__ __forceinline__ std::int64_t key_offset_in(const Strides& stride, int page, int key) const {
    if constexpr (kPaged) {
      return page * stride.batch + tables.page_size.remainder(key) * stride.row;
    } else {
      return (std::int64_t{first_key} + key) * stride.row;
    }
  }
};

}  // namespace flashcore::kernels
