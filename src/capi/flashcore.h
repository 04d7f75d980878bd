/* The C interface of FlashCore: the forward pass of fused attention from any language, and the table that a
 * plug-in exports.
 *
 * flashcore_attention states rectangular problems: equal lengths, K and V in one piece. flashcore_attention_v2
 * in flashcore_v2.h states ragged batches, paged caches and sinks, too. flashcore_plugin.h has plug-ins. This header
 * includes both.
 *
 * The headers are plain C11 and include only standard headers. No function throws, prints or exits. A function
 * that can fail returns a flashcore_status. After a failure, flashcore_last_error() returns one line of text
 * for the calling thread, which names the wrong argument or field. Sizes and strides are in elements, memory
 * is in bytes.
 *
 * Several threads may call these functions at the same time, except flashcore_load_plugin(): during that call
 * no other call may run. A change of a struct's layout changes the library's soname; structs that start with
 * struct_size may grow at their end.
 */
#ifndef FLASHCORE_H
#define FLASHCORE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define FLASHCORE_API __attribute__((visibility("default")))
#else
#define FLASHCORE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* C naming style, not this project's C++ style. NOLINTBEGIN(readability-identifier-naming) */

typedef enum flashcore_status {
  FLASHCORE_OK = 0,
  FLASHCORE_INVALID_ARGUMENT = 1, /* a null pointer, a wrong size or stride, or a missing workspace */
  FLASHCORE_UNKNOWN_VARIANT = 2,  /* no variant has this id */
  FLASHCORE_UNSUPPORTED = 3,      /* the variant cannot run these arguments on this device */
  FLASHCORE_DEVICE_ERROR = 4,     /* the device does not exist, or a launch failed */
  FLASHCORE_OUT_OF_MEMORY = 5,
  FLASHCORE_INTERNAL_ERROR = 6
} flashcore_status;

enum {
  FLASHCORE_FP16 = 0,
  FLASHCORE_BF16 = 1,
  FLASHCORE_E4M3 = 2, /* one byte, no infinity */
  FLASHCORE_FP32 = 3  /* of flashcore_merge() only */
};
enum { FLASHCORE_CPU = 0, FLASHCORE_CUDA = 1 };

/* The CPU as `device` argument; the tensors are in host memory. CUDA devices have the numbers 0, 1, ... */
enum { FLASHCORE_HOST = -1 };

/* In elements, not negative. The head_dim axis is contiguous. Strides of q, k and v may be 0. Two elements of out must
 * not share memory: among its axes of more than one place, each stride is at least the span of the axes with smaller
 * strides. */
typedef struct flashcore_strides {
  int64_t batch;
  int64_t head;
  int64_t row;
} flashcore_strides;

/* out = softmax(mask(softcap(scale * Q * K^T))) * V for each batch and query head.
 *
 *   q, out  [batch, heads_q, seq_q, head_dim]     k, v  [batch, heads_kv, seq_kv, head_dim]
 *
 * Query head h reads KV head h / (heads_q / heads_kv). The mask is aligned bottom-right: the diagonal of
 * query i is key i + seq_kv - seq_q. The query sees this key, window_left keys before it and window_right
 * keys after it. A query that sees no key has out = 0 and lse = -infinity. Call flashcore_attention_init()
 * before you set members.
 */
typedef struct flashcore_attention {
  const void* q; /* each pointer is aligned to its elements */
  const void* k;
  const void* v;
  void* out;
  float* lse;      /* log-sum-exp (natural log), contiguous [batch, heads_q, seq_q]; null: not computed */
  void* workspace; /* flashcore_workspace_bytes() bytes, 256-byte aligned; may be null if that is 0 */
  flashcore_strides q_stride;
  flashcore_strides k_stride;
  flashcore_strides v_stride;
  flashcore_strides out_stride;
  int32_t dtype; /* dtype of q, k and v */
  int32_t batch;
  int32_t heads_q;
  int32_t heads_kv; /* must divide heads_q */
  int32_t seq_q;
  int32_t seq_kv;
  int32_t head_dim;
  int32_t window_left;  /* -1: all keys */
  int32_t window_right; /* -1: all keys, 0: causal */
  float scale;          /* factor of the scores; usually 1 / sqrt(head_dim) */
  float softcap;        /* 0: none; otherwise a score becomes softcap * tanh(score / softcap) */
  int32_t out_dtype;    /* dtype of out. -1: the same as dtype, but FLASHCORE_BF16 if dtype is FLASHCORE_E4M3.
                         * Only FLASHCORE_E4M3 allows a choice: FLASHCORE_BF16 or FLASHCORE_FP16 */

  /* Descale factors for FLASHCORE_E4M3: contiguous [batch, heads_kv], in the same memory as the tensors;
   * null: 1. The value of an element is the element times the factor of its head. All query heads of a KV
   * head share one factor of q. */
  const float* q_descale;
  const float* k_descale;
  const float* v_descale;
} flashcore_attention;

/* One kernel with a fixed dtype, head_dim and tile. The texts are valid while the library is loaded. */
typedef struct flashcore_variant {
  const char* id; /* "wmma/fp16_d64_q32_kv32_w4_s1" */
  const char* family;
  const char* summary;
  int32_t backend; /* FLASHCORE_CPU or FLASHCORE_CUDA */
  int32_t dtype;
  int32_t head_dim;
  int32_t smem_bytes; /* dynamic shared memory per block */
} flashcore_variant;

/* The device resources of a variant. A value is 0 on the CPU and if it is unknown. */
typedef struct flashcore_resources {
  int32_t registers;          /* per thread */
  int32_t static_smem_bytes;  /* per block */
  int32_t dynamic_smem_bytes; /* per block */
  int32_t spill_bytes;        /* local memory per thread */
  int32_t threads;            /* per block */
  int32_t blocks_per_sm;
  int64_t grid_blocks;
} flashcore_resources;

/* "0.1.0" */
FLASHCORE_API const char* flashcore_version(void);

/* A JSON object with the "environment" of result files for this build and device, without the config and the
 * command line: time, version, git commit, compilers, CUDA, device, host. Null with an error text if the
 * device does not exist. Valid until this thread's next call. */
FLASHCORE_API const char* flashcore_environment(int32_t device);

/* The error text of this thread's last failed call, or an empty text. Valid until its next call. */
FLASHCORE_API const char* flashcore_last_error(void);

/* The text of a status: "unknown variant". */
FLASHCORE_API const char* flashcore_status_text(int status);

/* The variants in ladder order, from the baselines up; plug-ins come last. flashcore_variant_at() fails with
 * FLASHCORE_INVALID_ARGUMENT if index is not less than flashcore_variant_count(). */
FLASHCORE_API size_t flashcore_variant_count(void);
FLASHCORE_API flashcore_status flashcore_variant_at(size_t index, flashcore_variant* variant);

/* Fails with FLASHCORE_UNKNOWN_VARIANT if no variant has this id. The error text then has the nearest id. */
FLASHCORE_API flashcore_status flashcore_find_variant(const char* id, flashcore_variant* variant);

/* The names of numeric attributes by index: "head_dim", "block_q", "block_kv", "num_warps", ...; null
 * after the last one. flashcore_variant_attribute() gives a variant's value, 0 if its family has no such
 * attribute. */
FLASHCORE_API const char* flashcore_attribute_name(size_t index);
FLASHCORE_API flashcore_status flashcore_variant_attribute(const char* id, const char* name, int32_t* value);

/* Sets both windows and out_dtype to -1 and everything else to zero or null; dtype is then FLASHCORE_FP16. Does nothing
 * if `args` is null. */
FLASHCORE_API void flashcore_attention_init(flashcore_attention* args);

/* `variant` below is an id. Null and "auto" mean the result of flashcore_choose_variant(). */

/* Loads a tuned table of flashcore-bench tune or merge for this process and replaces an earlier one. An entry
 * is used only with the device, driver and machine code that it was tuned with. */
FLASHCORE_API flashcore_status flashcore_load_tuned_table(const char* path);

/* The id of the variant for these arguments on this device without a tuned table: the first variant that
 * can run them in the last family of the ladder that can. Peers (families named peer_*) are never chosen.
 * Null with an error text if no variant can run them. Null pointers in the arguments count as aligned. */
FLASHCORE_API const char* flashcore_default_variant(const flashcore_attention* args, int32_t device);

/* The id of the variant for "auto". In this order: the winner of the tuned table for these sizes, mask and
 * layout; one of at most eight variants by the times of the nearest tuned problems with the same dtype, head_dim
 * and kind of mask; the result of flashcore_default_variant(). Null with an error text if no variant can run the
 * arguments. If `reason` is not null, it receives a text that names the rule ("auto: exact, ...", "auto:
 * interpolated from ...", "auto: default, ..."), valid until this thread's next call.
 *
 * Each thread remembers its latest choices: to ask again for the same arguments takes a fraction of a microsecond
 * (docs/tuning.md), so that it can be asked inside a step. Only sizes, strides, the mask and the alignment of
 * pointers count. No memory is read: of a ragged batch, the longest sequence counts for all. */
FLASHCORE_API const char* flashcore_choose_variant(const flashcore_attention* args, int32_t device,
                                                   const char** reason);

/* The reason why the variant cannot run these arguments on this device, or null if it can. Invalid arguments
 * are a reason, too. The text is valid until this thread's next call. Tensor pointers may be null. */
FLASHCORE_API const char* flashcore_unsupported(const char* variant, const flashcore_attention* args,
                                                int32_t device);

/* The size of args->workspace that a launch needs; 0 for most variants. Tensor pointers may be null. */
FLASHCORE_API flashcore_status flashcore_workspace_bytes(const char* variant, const flashcore_attention* args,
                                                         int32_t device, size_t* bytes);

/* The resources of the variant for these arguments. */
FLASHCORE_API flashcore_status flashcore_query_resources(const char* variant, const flashcore_attention* args,
                                                         int32_t device, flashcore_resources* resources);

/* Computes out, and lse if it is not null. CUDA: enqueues on `stream` (a cudaStream_t; null: the default
 * stream) and returns. `device` must be the calling thread's current device. After one ordinary launch, a
 * launch may be captured into a graph. CPU: computes before it returns and ignores `stream`. */
FLASHCORE_API flashcore_status flashcore_launch(const char* variant, const flashcore_attention* args,
                                                int32_t device, void* stream);

/* Loads a plug-in (flashcore_plugin.h). Its variants stay available until the process ends. */
FLASHCORE_API flashcore_status flashcore_load_plugin(const char* path);

#include "flashcore_v2.h"
/* It uses the arguments of flashcore_v2.h. */
#include "flashcore_plugin.h"

/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
}
#endif

#endif
