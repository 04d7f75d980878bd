/* Version 2 of the arguments: ragged batches, paged caches and sinks. flashcore.h includes this file.
 *
 * The structs here start with struct_size, which the caller sets to their size. A library of a later minor version
 * gives members that a shorter struct lacks their defaults. A longer struct is accepted if the members that the library
 * does not know are 0.
 */
#ifndef FLASHCORE_V2_H
#define FLASHCORE_V2_H

#ifndef FLASHCORE_H
#error "include flashcore.h"
#endif

/* NOLINTBEGIN(readability-identifier-naming): as in flashcore.h */

/* Which keys a query sees. The mask of each sequence is aligned bottom-right: the diagonal of query i is key
 * i + keys - queries of the same sequence. */
enum {
  FLASHCORE_MASK_WINDOW = 0, /* from window_left keys before the diagonal to window_right keys after it */
  FLASHCORE_MASK_CHUNK = 1,  /* of these, those in the diagonal's own chunk of `chunk` keys */
  FLASHCORE_MASK_BITS = 2    /* of these, those whose bit of mask_bits is 1 */
};

/* The base of a log-sum-exp. */
enum { FLASHCORE_LSE_NATURAL = 0, FLASHCORE_LSE_BASE2 = 1 };

/* What a variant can run. The bits of a plug-in say which problems it is given; flashcore_variant_capabilities() has
 * those of any variant. Without any of them: full attention over rectangular batches, with the dtype and head_dim of
 * the variant. */
enum {
  FLASHCORE_CAN_CAUSAL = 1 << 0,
  FLASHCORE_CAN_WINDOWS = 1 << 1,    /* windows other than causal */
  FLASHCORE_CAN_SOFTCAP = 1 << 2,    /* softcap > 0 */
  FLASHCORE_CAN_LSE = 1 << 3,        /* writes lse */
  FLASHCORE_CAN_LSE_LAYOUT = 1 << 4, /* by lse_stride and lse_base */
  FLASHCORE_CAN_RAGGED = 1 << 5,     /* total_q, total_k, cu_seqlens_* and seqused_* */
  FLASHCORE_CAN_PAGED = 1 << 6,      /* page_table, any page_size */
  FLASHCORE_CAN_SINKS = 1 << 7,
  FLASHCORE_CAN_HEAD_DIM_V = 1 << 8,     /* head_dim_v that differs from head_dim */
  FLASHCORE_CAN_KV_DTYPE = 1 << 9,       /* kv_dtype that differs from dtype */
  FLASHCORE_CAN_CHUNKS = 1 << 10,        /* FLASHCORE_MASK_CHUNK */
  FLASHCORE_CAN_MASK_BITS = 1 << 11,     /* FLASHCORE_MASK_BITS */
  FLASHCORE_CAN_PLAN_ON_DEVICE = 1 << 12 /* its plan can be captured into a graph, or it needs none */
};

/* out = softmax(mask(softcap(scale * Q * K^T)), sinks) * V for each sequence and query head.
 *
 *   q    [batch, heads_q, max_seqlen_q, head_dim]      out  [batch, heads_q, max_seqlen_q, head_dim_v]
 *   k    [batch, heads_kv, max_seqlen_k, head_dim]     v    [batch, heads_kv, max_seqlen_k, head_dim_v]
 *   lse  [batch, heads_q, max_seqlen_q]
 *
 * Ragged queries (total_q > 0) have no batch axis: q is [heads_q, total_q, head_dim], out and lse are alike, and
 * cu_seqlens_q says which rows belong to a sequence. The same holds for k and v with total_k and cu_seqlens_k. Paged
 * caches (page_size > 0) are [num_pages, heads_kv, page_size, head_dim] for k and the same for v; their stride.batch is
 * that of a page. The order of the axes in memory is free, because all of them have strides: NHD ([pages, page_size,
 * heads_kv, head_dim]), HND ([pages, heads_kv, page_size, head_dim]) and K and V in one allocation all fit.
 *
 * All arrays are in the memory of the device. The library does not read them for CUDA, so that a captured launch can
 * be replayed with other lengths, tables, factors and sinks. Sizes in this struct stay; they are maxima. For
 * FLASHCORE_HOST, a launch refuses lengths and tables that exceed them.
 *
 * Query head h reads KV head h / (heads_q / heads_kv). A query that sees no key has out = 0, and lse = its sink or
 * -infinity. This holds for sequences without keys, too. Rows of out and lse that belong to no sequence are not
 * written. The memory of out, lse, workspace and plan, from the first element to the last, must not overlap.
 *
 * Call flashcore_attention_v2_init() before you set members.
 */
typedef struct flashcore_attention_v2 {
  uint32_t struct_size; /* sizeof(flashcore_attention_v2) of the caller */
  int32_t dtype;        /* of q */
  int32_t kv_dtype;     /* of k and v; -1: dtype */
  int32_t out_dtype;    /* as in flashcore_attention */

  const void* q; /* each pointer is aligned to its elements */
  const void* k;
  const void* v; /* may point into k: both only need strides */
  void* out;
  float* lse;      /* log-sum-exp; null: not computed */
  void* workspace; /* flashcore_workspace_bytes_v2() bytes, 256-byte aligned; may be null if that is 0 */
  void* plan;      /* flashcore_plan_bytes() bytes, 256-byte aligned, filled by flashcore_plan(); as above */
  flashcore_strides q_stride; /* stride.batch is not used where a tensor has no batch axis */
  flashcore_strides k_stride;
  flashcore_strides v_stride;
  flashcore_strides out_stride;
  flashcore_strides lse_stride; /* all 0: contiguous [batch, heads_q, max_seqlen_q] or [heads_q, total_q] */
  int32_t lse_base;             /* FLASHCORE_LSE_NATURAL or FLASHCORE_LSE_BASE2 */

  int32_t batch; /* sequences */
  int32_t heads_q;
  int32_t heads_kv; /* must divide heads_q */
  int32_t head_dim;
  int32_t head_dim_v;   /* of v and out; 0: head_dim */
  int32_t max_seqlen_q; /* queries of a sequence at most; exact without arrays of lengths */
  int32_t max_seqlen_k; /* keys of a sequence at most; exact without arrays of lengths */

  /* Lengths. cu_seqlens: [batch + 1], rising from 0; sequence i has the rows [cu_seqlens[i], cu_seqlens[i + 1]).
   * seqused: [batch], null: all rows; sequence i uses its first seqused[i] rows, and its mask is aligned to them. Rows
   * of q past seqused_q are not written to out. With a paged cache, cu_seqlens_k must be null, and seqused_k has the
   * keys. */
  int64_t total_q;             /* rows of q, out and lse; may exceed cu_seqlens_q[batch]; 0: not ragged */
  int64_t total_k;             /* rows of k and v; may exceed cu_seqlens_k[batch]; 0: not ragged */
  const int32_t* cu_seqlens_q; /* null if and only if total_q is 0 */
  const int32_t* cu_seqlens_k; /* null if and only if total_k is 0 */
  const int32_t* seqused_q;
  const int32_t* seqused_k;

  /* Pages. Key i of a sequence is row i % page_size of page page_table[sequence * page_table_stride + i / page_size].
   * Entries past a sequence's last key are not read. */
  const int32_t* page_table; /* [batch, pages of a sequence] */
  int64_t page_table_stride; /* entries from one sequence to the next */
  int64_t num_pages;         /* of the caches */
  int32_t page_size;         /* rows per page, at least 1; 0: not paged */

  int32_t mask;         /* FLASHCORE_MASK_* */
  int32_t window_left;  /* -1: all keys */
  int32_t window_right; /* -1: all keys, 0: causal */
  int32_t chunk;        /* keys per chunk; 0 unless mask is FLASHCORE_MASK_CHUNK */
  float scale;          /* factor of the scores; usually 1 / sqrt(head_dim) */
  float softcap;        /* 0: none; otherwise a score becomes softcap * tanh(score / softcap) */

  /* Bit key % 32 of the word at row query and column key / 32. Strides are those of words; columns are contiguous.
   * Rows are counted as in q, through all sequences if queries are ragged. Null unless mask is FLASHCORE_MASK_BITS. */
  const uint32_t* mask_bits; /* [batch, heads_q, max_seqlen_q, ceil(max_seqlen_k / 32)] */
  flashcore_strides mask_bits_stride;

  /* [heads_q], null: none. The softmax of a head counts one more score, its sink, a natural logarithm that is neither
   * scaled nor capped. It has no value, and it is part of lse. */
  const float* sinks;

  /* Descale factors for FLASHCORE_E4M3: contiguous [batch, heads_kv]; null: 1. As in flashcore_attention. */
  const float* q_descale;
  const float* k_descale;
  const float* v_descale;
} flashcore_attention_v2;

/* The device resources of a variant. A value is 0 on the CPU and if it is unknown. */
typedef struct flashcore_resources_v2 {
  uint32_t struct_size;
  int32_t registers;          /* per thread */
  int32_t static_smem_bytes;  /* per block */
  int32_t dynamic_smem_bytes; /* per block */
  int32_t spill_bytes;        /* local memory per thread */
  int32_t threads;            /* per block */
  int32_t blocks_per_sm;
  int64_t grid_blocks;
} flashcore_resources_v2;

/* Sets struct_size, sets kv_dtype, out_dtype and both windows to -1, and everything else to 0 or null. `struct_size` is
 * sizeof(*args). Does nothing if `args` is null or struct_size is less than 4. */
FLASHCORE_API void flashcore_attention_v2_init(flashcore_attention_v2* args, size_t struct_size);

/* As the functions of the same names without _v2. Lengths are on the device and are not read by queries:
 * flashcore_choose_variant_v2() chooses by max_seqlen_q and max_seqlen_k, as if every sequence were the longest. Give it
 * the step's own maxima where they vary. Queries, that is all but flashcore_launch_v2() and
 * flashcore_plan(), take tensors, cu_seqlens, page_table and mask_bits that are null for present if the sizes say so.
 * seqused_q, seqused_k, sinks and lse that are null are absent. */
FLASHCORE_API const char* flashcore_default_variant_v2(const flashcore_attention_v2* args, int32_t device);
FLASHCORE_API const char* flashcore_choose_variant_v2(const flashcore_attention_v2* args, int32_t device,
                                                      const char** reason);
FLASHCORE_API const char* flashcore_unsupported_v2(const char* variant, const flashcore_attention_v2* args,
                                                   int32_t device);
FLASHCORE_API flashcore_status flashcore_workspace_bytes_v2(const char* variant,
                                                            const flashcore_attention_v2* args,
                                                            int32_t device, size_t* bytes);
/* The caller sets resources->struct_size. */
FLASHCORE_API flashcore_status flashcore_query_resources_v2(const char* variant,
                                                            const flashcore_attention_v2* args,
                                                            int32_t device,
                                                            flashcore_resources_v2* resources);
/* args->plan must have the plan of these lengths if flashcore_plan_bytes() is not 0. */
FLASHCORE_API flashcore_status flashcore_launch_v2(const char* variant, const flashcore_attention_v2* args,
                                                   int32_t device, void* stream);

/* The bits FLASHCORE_CAN_* of a variant. A variant may still refuse some arguments:
 * flashcore_unsupported_v2() has the last word. */
FLASHCORE_API flashcore_status flashcore_variant_capabilities(const char* id, uint64_t* capabilities);

/* A plan is what a variant derives from the lengths before its launches: how work is dealt to blocks, for example. It is
 * made once per step and serves all launches with the same sizes and lengths, that is all layers of a model.
 *
 * flashcore_plan_bytes() gives the size of args->plan, which depends on the sizes in args only; 0 if the variant has no
 * plan. flashcore_plan() writes into args->plan alone, and does nothing if that size is 0. Tensors may be null.
 * It enqueues on `stream`; a variant without FLASHCORE_CAN_PLAN_ON_DEVICE may also wait for it, so that the
 * plan is made before a graph is replayed and not captured into the graph. */
FLASHCORE_API flashcore_status flashcore_plan_bytes(const char* variant, const flashcore_attention_v2* args,
                                                    int32_t device, size_t* bytes);
FLASHCORE_API flashcore_status flashcore_plan(const char* variant, const flashcore_attention_v2* args,
                                              int32_t device, void* stream);

/* One partial result of attention: that over some of the keys. */
typedef struct flashcore_merge_part {
  const void* out;  /* [batch, heads, rows, head_dim] */
  const float* lse; /* [batch, heads, rows] */
  flashcore_strides out_stride;
  flashcore_strides lse_stride; /* all 0: contiguous */
} flashcore_merge_part;

/* Joins attention over disjoint keys, as cascades, split keys and context parallelism need it:
 *
 *   out = sum(exp(lse_i - lse) * out_i)     lse = log(sum(exp(lse_i)))
 *
 * A part whose lse is -infinity saw no key: its out is not read. A row without any key has out = 0 and
 * lse = -infinity. A NaN in the lse or the out of a part stays one. Sinks must be in one of the parts. Ragged
 * batches have batch = 1 and rows = total_q. out and lse may be those of a part with the same dtype and strides. */
typedef struct flashcore_merge_args {
  uint32_t struct_size;
  int32_t part_dtype; /* of out of all parts: FLASHCORE_FP16, FLASHCORE_BF16 or FLASHCORE_FP32 */
  int32_t out_dtype;  /* of out, one of the same */
  int32_t lse_base;   /* of all lse; FLASHCORE_LSE_NATURAL or FLASHCORE_LSE_BASE2 */
  int32_t batch;
  int32_t heads;
  int64_t rows;
  int32_t head_dim;
  int32_t num_parts;                 /* at least 1 */
  const flashcore_merge_part* parts; /* [num_parts], in host memory */
  void* out;                         /* [batch, heads, rows, head_dim] */
  float* lse;                        /* [batch, heads, rows]; null: not computed */
  flashcore_strides out_stride;
  flashcore_strides lse_stride; /* all 0: contiguous */
} flashcore_merge_args;

/* CPU: computes before it returns. CUDA: FLASHCORE_UNSUPPORTED in this version. */
FLASHCORE_API flashcore_status flashcore_merge(const flashcore_merge_args* args, int32_t device,
                                               void* stream);

/* NOLINTEND(readability-identifier-naming) */

#endif
