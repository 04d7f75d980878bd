// The parameters of the wgmma kernels for batches of sequences, and how the host fills them: from sizes, strides and
// pointers only, so that a captured launch can be replayed with other lengths.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

#include "kernels/blocks/sequence_args.cuh"
#include "kernels/wgmma/params.cuh"

namespace flashcore::kernels {

// Of the order, only longest_first, batch_heads and group are used; the bounds belong to a sequence, not to the launch.
struct RaggedWgmmaParams : WgmmaParams {
  SequenceTables tables;
  // Queries in the 64 rows of a consumer. Packed, they have all heads of a group: where 64 is no multiple of the group,
  // the last rows stay empty.
  int box_queries;
  int q_bytes;  // that Q of one consumer has
  // What one sequence adds to the batch coordinate: 0 where all sequences lie in one tensor.
  int q_batch_step;
  int kv_batch_step;
  int box_keys;      // rows of K or V that one copy brings
  float sink_scale;  // from a sink to a raw score
};

// Rows of K and V in a copy of a paged cache, all of one page.
constexpr int box_keys_of(int page_size, int block_kv) { return std::gcd(page_size, block_kv); }

// The strides of a tensor whose sequences follow each other by rows. The copy engine wants a batch stride, though it is
// multiplied by 0.
constexpr Strides with_batch_stride(Strides stride, bool one_tensor) {
  if (one_tensor) stride.batch = stride.head;
  return stride;
}

// The tensors of a launch for the copy engine: Q and O, [batch, heads, rows, columns] or rows of all sequences; K and V
// alike, or [pages, heads, page_size, columns].
struct RaggedTensors {
  PanelTensor q, k, v, out;

  RaggedTensors(const AttentionArgs& args, Dtype dtype, int box_queries, int box_keys, bool pack_gqa) {
    const Sequences& s = args.sequences;
    const auto rows = [&](const void* data, const Strides& stride, int heads, std::int64_t total,
                          int longest) {
      return PanelTensor{.data = data,
                         .stride = with_batch_stride(stride, total > 0),
                         .batch = total > 0 ? 1 : s.batch,
                         .heads = heads,
                         .rows = total > 0 ? static_cast<int>(total) : longest,
                         .columns = args.head_dim,
                         .dtype = dtype};
    };
    q = rows(args.q, args.q_stride, args.heads_q, s.total_q, s.seq_q);
    out = rows(args.out, args.out_stride, args.heads_q, s.total_q, s.seq_q);
    k = rows(args.k, args.kv.k, args.heads_kv, s.total_k, s.seq_kv);
    v = rows(args.v, args.kv.v, args.heads_kv, s.total_k, s.seq_kv);
    for (PanelTensor* tensor : {&k, &v}) {
      tensor->box_rows = box_keys;
      if (!args.kv.is_paged()) continue;
      tensor->batch = static_cast<int>(args.kv.pages);
      tensor->rows = args.kv.page_size;
    }
    for (PanelTensor* tensor : {&q, &out}) {
      tensor->box_rows = box_queries;
      if (pack_gqa) tensor->box_heads = args.heads_q / args.heads_kv;
    }
  }
};

// Fills all but the tensor maps.
template <class L>
void set_sizes_and_scales(const AttentionArgs& args, int* next_tile, RaggedWgmmaParams& params) {
  using Rows = QueryRows<L::kPackGqa>;
  const int group = args.heads_q / args.heads_kv;
  params.args = args;
  params.tables = SequenceTables(args);
  params.order = {};
  params.order.longest_first = params.args.window.hides_later_keys();
  params.order.batch_heads = FastDivisor(Rows::heads(params.args));
  params.order.group = FastDivisor(group);
  params.bounds = {};
  const float cap_or_scale = args.softcap > 0 ? args.softcap : args.scale;
  params.log2_scale = cap_or_scale * kLog2E;
  params.softcap_scale = args.softcap > 0 ? args.scale / args.softcap : 0.0f;
  params.sink_scale = 1 / cap_or_scale;
  params.next_tile = next_tile;
  params.box_queries = kWarpgroupRows / (L::kPackGqa ? group : 1);
  params.q_bytes = params.box_queries * (L::kPackGqa ? group : 1) * L::kPanels * kPanelRowBytes;
  params.q_batch_step = args.sequences.total_q > 0 ? 0 : 1;
  params.kv_batch_step = args.sequences.total_k > 0 ? 0 : 1;
  params.box_keys = args.kv.is_paged() ? box_keys_of(args.kv.page_size, L::kBlockKv) : L::kBlockKv;
}

}  // namespace flashcore::kernels
