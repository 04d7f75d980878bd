/* A plug-in with a family of its own: simple CPU attention in bf16.
 *
 *   cc -std=c11 -shared -fPIC example_plugin.c -lm -o libexample.so
 *   flashcore-bench --plugin ./libexample.so list --family example
 *
 * It computes one query row at a time, in three passes: scores and their maximum, exponentials and their sum,
 * P * V. The variants differ in block_kv: the last two passes alternate after this number of keys.
 */
#include <errno.h>
#include <flashcore.h>
#include <math.h>
#include <stdlib.h>

#include "bfloat16.h"

/* The rows that one query reads and writes. */
typedef struct Row {
  const uint16_t* q;
  const uint16_t* k; /* of its KV head */
  const uint16_t* v;
  uint16_t* out;
  float* lse; /* null: not computed */
  int32_t key_begin, key_end;
} Row;

static int32_t clamp_key(int64_t key, int32_t low, int32_t high) {
  return (int32_t)(key < low ? low : key > high ? high : key);
}

static Row row_at(const flashcore_attention* args, int32_t batch, int32_t head, int32_t query) {
  const int32_t head_kv = head / (args->heads_q / args->heads_kv);
  const int64_t diagonal = (int64_t)query + args->seq_kv - args->seq_q;
  const int64_t first = args->window_left < 0 ? 0 : diagonal - args->window_left;
  const int64_t last = args->window_right < 0 ? args->seq_kv - 1 : diagonal + args->window_right;
  Row row;
  row.q = (const uint16_t*)args->q + batch * args->q_stride.batch + head * args->q_stride.head +
          query * args->q_stride.row;
  row.k = (const uint16_t*)args->k + batch * args->k_stride.batch + head_kv * args->k_stride.head;
  row.v = (const uint16_t*)args->v + batch * args->v_stride.batch + head_kv * args->v_stride.head;
  row.out = (uint16_t*)args->out + batch * args->out_stride.batch + head * args->out_stride.head +
            query * args->out_stride.row;
  row.lse =
      args->lse == NULL ? NULL : args->lse + ((int64_t)batch * args->heads_q + head) * args->seq_q + query;
  row.key_begin = clamp_key(first, 0, args->seq_kv);
  row.key_end = clamp_key(last + 1, row.key_begin, args->seq_kv);
  return row;
}

static float score_key(const flashcore_attention* args, const Row* row, int32_t key) {
  const uint16_t* k = row->k + key * args->k_stride.row;
  float dot = 0;
  for (int32_t d = 0; d < args->head_dim; ++d) {
    dot += float_from_bfloat16(row->q[d]) * float_from_bfloat16(k[d]);
  }
  const float score = args->scale * dot;
  return args->softcap > 0 ? args->softcap * tanhf(score / args->softcap) : score;
}

/* Adds the rows of V for keys [begin, end), weighted by p, to acc. */
static void add_values(const flashcore_attention* args, const Row* row, const float* p, int32_t begin,
                       int32_t end, float* acc) {
  for (int32_t key = begin; key < end; ++key) {
    const uint16_t* v = row->v + key * args->v_stride.row;
    for (int32_t d = 0; d < args->head_dim; ++d) acc[d] += p[key] * float_from_bfloat16(v[d]);
  }
}

/* score [seq_kv] and acc [head_dim] are scratch memory. */
static void attend(const flashcore_attention* args, const Row* row, int32_t block_kv, float* score,
                   float* acc) {
  float row_max = -INFINITY;
  for (int32_t key = row->key_begin; key < row->key_end; ++key) {
    score[key] = score_key(args, row, key);
    row_max = fmaxf(row_max, score[key]);
  }
  float row_sum = 0;
  for (int32_t d = 0; d < args->head_dim; ++d) acc[d] = 0;
  for (int32_t block = row->key_begin; block < row->key_end; block += block_kv) {
    const int32_t end = clamp_key((int64_t)block + block_kv, block, row->key_end);
    for (int32_t key = block; key < end; ++key) {
      score[key] = expf(score[key] - row_max);
      row_sum += score[key];
    }
    add_values(args, row, score, block, end, acc);
  }
  const float normalise = row_sum > 0 ? 1.0f / row_sum : 0.0f;
  for (int32_t d = 0; d < args->head_dim; ++d) row->out[d] = bfloat16_from_float(acc[d] * normalise);
  if (row->lse != NULL) *row->lse = row_sum > 0 ? row_max + logf(row_sum) : -INFINITY;
}

static const flashcore_plugin_variant kVariants[] = {
    {.dtype = FLASHCORE_BF16, .head_dim = 64, .block_kv = 32},
    {.dtype = FLASHCORE_BF16, .head_dim = 64, .block_kv = 64},
    {.dtype = FLASHCORE_BF16, .head_dim = 128, .block_kv = 32},
};

static int launch(size_t variant, const flashcore_attention* args, void* stream) {
  (void)stream;
  float* scratch = malloc(((size_t)args->seq_kv + (size_t)args->head_dim) * sizeof(float));
  if (scratch == NULL) return ENOMEM;
  for (int32_t batch = 0; batch < args->batch; ++batch) {
    for (int32_t head = 0; head < args->heads_q; ++head) {
      for (int32_t query = 0; query < args->seq_q; ++query) {
        const Row row = row_at(args, batch, head, query);
        attend(args, &row, kVariants[variant].block_kv, scratch, scratch + args->seq_kv);
      }
    }
  }
  free(scratch);
  return 0;
}

/* Rejects arguments that the variant cannot run. */
static const char* unsupported(size_t variant, const flashcore_attention* args,
                               const flashcore_device_limits* limits) {
  (void)variant;
  (void)limits;
  return args->seq_kv > 65536 ? "keeps the scores of a row in memory: at most 65536 keys" : NULL;
}

FLASHCORE_API const flashcore_plugin* flashcore_plugin_v1(void) {
  static const flashcore_plugin kPlugin = {
      .abi_version = FLASHCORE_PLUGIN_ABI_VERSION,
      .backend = FLASHCORE_CPU,
      .family = "example",
      .summary = "an example plug-in: one query row at a time",
      .variants = kVariants,
      .num_variants = sizeof(kVariants) / sizeof(kVariants[0]),
      .unsupported = unsupported,
      .launch = launch,
  };
  return &kPlugin;
}
