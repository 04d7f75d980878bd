/* A plug-in of version 2: CPU attention in bf16 over ragged batches and paged caches, with sinks.
 *
 *   cc -std=c11 -shared -fPIC ragged_plugin.c -lm -o libragged.so
 *   flashcore-bench --plugin ./libragged.so list --family ragged
 *
 * It computes one query row at a time with the online softmax: out is rescaled whenever the maximum of the scores
 * grows. `capabilities` of its variants says what it can run; FlashCore refuses all other problems before it calls.
 */
#include <errno.h>
#include <flashcore.h>
#include <math.h>
#include <stdlib.h>

#include "bfloat16.h"

/* The first row of a sequence, and how many rows of it are used. */
typedef struct Rows {
  int64_t first;
  int32_t count;
} Rows;

static Rows rows_of(const int32_t* cu_seqlens, const int32_t* seqused, int32_t all, int64_t sequence) {
  Rows rows = {.first = 0, .count = all};
  if (cu_seqlens != NULL) {
    rows.first = cu_seqlens[sequence];
    rows.count = cu_seqlens[sequence + 1] - cu_seqlens[sequence];
  }
  if (seqused != NULL) rows.count = seqused[sequence];
  return rows;
}

/* Tensors without a batch axis need no stride for it. */
static int64_t query_offset(const flashcore_attention_v2* args, flashcore_strides stride, int64_t sequence,
                            int64_t head, int64_t row) {
  const int64_t batch = args->total_q > 0 ? 0 : sequence * stride.batch;
  return batch + head * stride.head + row * stride.row;
}

static int64_t key_offset(const flashcore_attention_v2* args, flashcore_strides stride, int64_t sequence,
                          int64_t head, int64_t first, int64_t key) {
  if (args->page_size > 0) {
    const int64_t page = args->page_table[sequence * args->page_table_stride + key / args->page_size];
    return page * stride.batch + head * stride.head + key % args->page_size * stride.row;
  }
  const int64_t batch = args->total_k > 0 ? 0 : sequence * stride.batch;
  return batch + head * stride.head + (first + key) * stride.row;
}

static float score_key(const flashcore_attention_v2* args, const uint16_t* q, const uint16_t* k) {
  float dot = 0;
  for (int32_t d = 0; d < args->head_dim; ++d) dot += float_from_bfloat16(q[d]) * float_from_bfloat16(k[d]);
  const float score = args->scale * dot;
  return args->softcap > 0 ? args->softcap * tanhf(score / args->softcap) : score;
}

/* The softmax of one row as far as it is computed: the output is acc / sum. */
typedef struct Softmax {
  float max; /* of the scores, -infinity before the first one */
  float sum; /* of exp(score - max) */
  float* acc;
} Softmax;

static void add_key(const flashcore_attention_v2* args, Softmax* softmax, float score, const uint16_t* v) {
  const float max = fmaxf(softmax->max, score);
  const float subtract = max == -INFINITY ? 0 : max; /* -infinity minus -infinity would be NaN */
  const float rescale = expf(softmax->max - subtract);
  const float p = expf(score - subtract);
  for (int32_t d = 0; d < args->head_dim_v; ++d) {
    softmax->acc[d] = rescale * softmax->acc[d] + p * float_from_bfloat16(v[d]);
  }
  softmax->sum = rescale * softmax->sum + p;
  softmax->max = max;
}

/* A sink is one more score in the sum, without a value. */
static Softmax start_row(const flashcore_attention_v2* args, int64_t head, float* acc) {
  Softmax softmax = {.max = -INFINITY, .sum = 0, .acc = acc};
  if (args->sinks != NULL) {
    softmax.max = args->sinks[head];
    softmax.sum = 1;
  }
  for (int32_t d = 0; d < args->head_dim_v; ++d) acc[d] = 0;
  return softmax;
}

static void finish_row(const flashcore_attention_v2* args, const Softmax* softmax, int64_t sequence,
                       int64_t head, int64_t row) {
  uint16_t* out = (uint16_t*)args->out + query_offset(args, args->out_stride, sequence, head, row);
  const float normalise = softmax->sum == 0 ? 0.0f : 1.0f / softmax->sum;
  for (int32_t d = 0; d < args->head_dim_v; ++d) out[d] = bfloat16_from_float(softmax->acc[d] * normalise);
  if (args->lse == NULL) return;
  const float lse = softmax->sum == 0 ? -INFINITY : softmax->max + logf(softmax->sum);
  const float unit = args->lse_base == FLASHCORE_LSE_BASE2 ? 1.44269504f : 1.0f;
  args->lse[query_offset(args, args->lse_stride, sequence, head, row)] = unit * lse;
}

static void attend_head(const flashcore_attention_v2* args, int64_t sequence, int64_t head, float* acc) {
  const Rows queries = rows_of(args->cu_seqlens_q, args->seqused_q, args->max_seqlen_q, sequence);
  const Rows keys = rows_of(args->cu_seqlens_k, args->seqused_k, args->max_seqlen_k, sequence);
  const int64_t head_kv = head / (args->heads_q / args->heads_kv);
  for (int32_t query = 0; query < queries.count; ++query) {
    const int64_t row = queries.first + query;
    const uint16_t* q = (const uint16_t*)args->q + query_offset(args, args->q_stride, sequence, head, row);
    const int64_t diagonal = (int64_t)query + keys.count - queries.count;
    Softmax softmax = start_row(args, head, acc);
    for (int32_t key = 0; key < keys.count; ++key) {
      if (args->window_left >= 0 && key < diagonal - args->window_left) continue;
      if (args->window_right >= 0 && key > diagonal + args->window_right) break;
      const uint16_t* k =
          (const uint16_t*)args->k + key_offset(args, args->k_stride, sequence, head_kv, keys.first, key);
      const uint16_t* v =
          (const uint16_t*)args->v + key_offset(args, args->v_stride, sequence, head_kv, keys.first, key);
      add_key(args, &softmax, score_key(args, q, k), v);
    }
    finish_row(args, &softmax, sequence, head, row);
  }
}

static int launch(void* context, size_t variant, const flashcore_attention_v2* args, void* stream) {
  (void)context;
  (void)variant;
  (void)stream;
  float* acc = malloc((size_t)args->head_dim_v * sizeof(float));
  if (acc == NULL) return ENOMEM;
  for (int64_t sequence = 0; sequence < args->batch; ++sequence) {
    for (int64_t head = 0; head < args->heads_q; ++head) attend_head(args, sequence, head, acc);
  }
  free(acc);
  return 0;
}

enum {
  kCapabilities = FLASHCORE_CAN_CAUSAL | FLASHCORE_CAN_WINDOWS | FLASHCORE_CAN_SOFTCAP | FLASHCORE_CAN_LSE |
                  FLASHCORE_CAN_LSE_LAYOUT | FLASHCORE_CAN_RAGGED | FLASHCORE_CAN_PAGED |
                  FLASHCORE_CAN_SINKS | FLASHCORE_CAN_HEAD_DIM_V
};

static const flashcore_plugin_variant_v2 kVariants[] = {
    {.struct_size = sizeof(flashcore_plugin_variant_v2),
     .dtype = FLASHCORE_BF16,
     .capabilities = kCapabilities,
     .head_dim = 64},
    {.struct_size = sizeof(flashcore_plugin_variant_v2),
     .dtype = FLASHCORE_BF16,
     .capabilities = kCapabilities,
     .head_dim = 128},
};

FLASHCORE_API const flashcore_plugin_table_v2* flashcore_plugin_v2(void) {
  static const flashcore_plugin_table_v2 kTable = {
      .struct_size = sizeof(flashcore_plugin_table_v2),
      .backend = FLASHCORE_CPU,
      .family = "ragged",
      .summary = "an example plug-in: ragged batches, paged caches, sinks",
      .variants = kVariants,
      .num_variants = sizeof(kVariants) / sizeof(kVariants[0]),
      .launch = launch,
  };
  return &kTable;
}
