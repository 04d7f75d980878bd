/* The C interface of FlashCore: fused attention, forward, from any language; and the table by which a shared
 * object brings a family of its own.
 *
 * Plain C11, no header but the standard ones. Nothing here throws, prints or exits. Functions that can fail
 * return a flashcore_status; flashcore_last_error() then holds one line of text for the calling thread that
 * names the argument or field at fault. Sizes are elements, strides are elements, memory is bytes.
 *
 * Calls may come from several threads at once, but for flashcore_load_plugin(), which must not run beside any
 * other call. Struct layouts are part of the library's soname.
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

/* C names, not those of this project's C++. NOLINTBEGIN(readability-identifier-naming) */

typedef enum flashcore_status {
  FLASHCORE_OK = 0,
  FLASHCORE_INVALID_ARGUMENT = 1, /* a null, a size, a stride, a missing workspace */
  FLASHCORE_UNKNOWN_VARIANT = 2,  /* no variant has this id */
  FLASHCORE_UNSUPPORTED = 3,      /* the variant cannot run these arguments on this device */
  FLASHCORE_DEVICE_ERROR = 4,     /* no such device, or a launch failed */
  FLASHCORE_OUT_OF_MEMORY = 5,
  FLASHCORE_INTERNAL_ERROR = 6
} flashcore_status;

enum { FLASHCORE_FP16 = 0, FLASHCORE_BF16 = 1, FLASHCORE_E4M3 = 2 /* one byte; has no infinity */ };
enum { FLASHCORE_CPU = 0, FLASHCORE_CUDA = 1 };

/* As `device`: the tensors lie in host memory. A CUDA device is its number, 0 and up. */
enum { FLASHCORE_HOST = -1 };

/* Distances in elements; the head_dim axis is contiguous. */
typedef struct flashcore_strides {
  int64_t batch;
  int64_t head;
  int64_t row;
} flashcore_strides;

/* out = softmax(mask(softcap(scale * Q * K^T))) * V for each batch and query head.
 *
 *   q, out  [batch, heads_q, seq_q, head_dim]     k, v  [batch, heads_kv, seq_kv, head_dim]
 *
 * Query head h reads KV head h / (heads_q / heads_kv). The mask is aligned bottom-right: query i stands at
 * key i + seq_kv - seq_q and sees window_left keys before and window_right keys after it. A query that sees
 * no key has out = 0 and lse = -infinity. Fill it with flashcore_attention_init() first.
 */
typedef struct flashcore_attention {
  const void* q;
  const void* k;
  const void* v;
  void* out;
  float* lse;      /* [batch, heads_q, seq_q] without gaps, natural log of the sum of exp; null: not wanted */
  void* workspace; /* flashcore_workspace_bytes() bytes, 256-byte aligned; null when that is 0 */
  flashcore_strides q_stride;
  flashcore_strides k_stride;
  flashcore_strides v_stride;
  flashcore_strides out_stride;
  int32_t dtype; /* of q, k and v */
  int32_t batch;
  int32_t heads_q;
  int32_t heads_kv; /* divides heads_q */
  int32_t seq_q;
  int32_t seq_kv;
  int32_t head_dim;
  int32_t window_left;  /* -1: all keys */
  int32_t window_right; /* -1: all keys, 0: causal */
  float scale;          /* of the scores, before softmax; usually 1 / sqrt(head_dim) */
  float softcap;        /* 0: none; else a score becomes softcap * tanh(score / softcap) */
  int32_t out_dtype;    /* of out; -1: dtype, or FLASHCORE_BF16 where that is FLASHCORE_E4M3, which may also
                         * have FLASHCORE_FP16 */

  /* FLASHCORE_E4M3 only: a tensor's values are its elements times the factor of their head, [batch, heads_kv]
   * without gaps, that of q for all query heads of a KV head; null: 1. They lie where the tensors lie. */
  const float* q_descale;
  const float* k_descale;
  const float* v_descale;
} flashcore_attention;

/* One kernel at one dtype, head_dim and tile. The texts live as long as the library. */
typedef struct flashcore_variant {
  const char* id; /* "wmma/fp16_d64_q32_kv32_w4_s1" */
  const char* family;
  const char* summary;
  int32_t backend; /* FLASHCORE_CPU or FLASHCORE_CUDA */
  int32_t dtype;
  int32_t head_dim;
  int32_t smem_bytes; /* dynamic shared memory a block */
} flashcore_variant;

/* What a compiled variant takes from the device; zeros on the CPU and where it is not known. */
typedef struct flashcore_resources {
  int32_t registers;          /* a thread */
  int32_t static_smem_bytes;  /* a block */
  int32_t dynamic_smem_bytes; /* a block */
  int32_t spill_bytes;        /* local memory a thread */
  int32_t threads;            /* a block */
  int32_t blocks_per_sm;
  int64_t grid_blocks;
} flashcore_resources;

/* "0.1.0" */
FLASHCORE_API const char* flashcore_version(void);

/* A JSON object: what result files have under "environment" of this build and device, but for their config
 * and command line: time, version, git commit, compilers, CUDA, device, host. Null, with an error text, when
 * there is no such device. Valid until this thread's next call. */
FLASHCORE_API const char* flashcore_environment(int32_t device);

/* What went wrong in this thread's last call that failed; empty when none has. Valid until its next call. */
FLASHCORE_API const char* flashcore_last_error(void);

/* A status in words: "unknown variant". */
FLASHCORE_API const char* flashcore_status_text(int status);

/* Variants stand in ladder order, from the baselines up; plug-ins come last. flashcore_variant_at() fails
 * with FLASHCORE_INVALID_ARGUMENT when index is not below flashcore_variant_count(). */
FLASHCORE_API size_t flashcore_variant_count(void);
FLASHCORE_API flashcore_status flashcore_variant_at(size_t index, flashcore_variant* variant);

/* FLASHCORE_UNKNOWN_VARIANT, with the nearest id in the text, when there is none of this id. */
FLASHCORE_API flashcore_status flashcore_find_variant(const char* id, flashcore_variant* variant);

/* The numeric attributes that make a tile: "head_dim", "block_q", "block_kv", "num_warps", ... by index, null
 * past the last; and a variant's value of one, 0 where its family has no such attribute. */
FLASHCORE_API const char* flashcore_attribute_name(size_t index);
FLASHCORE_API flashcore_status flashcore_variant_attribute(const char* id, const char* name, int32_t* value);

/* All zero or null, both windows and out_dtype -1, dtype FLASHCORE_FP16. */
FLASHCORE_API void flashcore_attention_init(flashcore_attention* args);

/* The functions below take a variant's id, or null or "auto" for flashcore_choose_variant()'s choice. */

/* Takes a tuned table, as flashcore-bench tune or merge writes it, for the choices of this process; one that
 * was loaded before goes. Its entries hold for the device, driver and machine code they were tuned with. */
FLASHCORE_API flashcore_status flashcore_load_tuned_table(const char* path);

/* The id of the variant that runs these arguments on this device when nothing was tuned: of the last family
 * of the ladder that can run them, the first variant that can. Peers (families named peer_*) are never it.
 * Null, with an error text, when there is none. Pointers that are null count as aligned. */
FLASHCORE_API const char* flashcore_default_variant(const flashcore_attention* args, int32_t device);

/* The id of the variant that "auto" means: by the tuned table, the winner for these sizes, mask and layout,
 * else for the nearest problem of the same dtype, head_dim and kind of mask; else
 * flashcore_default_variant()'s. Null, with an error text, when there is none. `reason` may be null; else it
 * gets a text that says which rule it was, valid until this thread's next call. Who launches often asks once
 * and keeps the id. */
FLASHCORE_API const char* flashcore_choose_variant(const flashcore_attention* args, int32_t device,
                                                   const char** reason);

/* Why the variant cannot run these arguments on this device, or null when it can. The text is valid until
 * this thread's next call. A mistake in the arguments is a reason too. Tensor pointers may be null. */
FLASHCORE_API const char* flashcore_unsupported(const char* variant, const flashcore_attention* args,
                                                int32_t device);

/* Bytes that args->workspace must have at launch; 0 for most. Tensor pointers may be null. */
FLASHCORE_API flashcore_status flashcore_workspace_bytes(const char* variant, const flashcore_attention* args,
                                                         int32_t device, size_t* bytes);

/* Registers, shared memory, spills and grid of the variant for these arguments. */
FLASHCORE_API flashcore_status flashcore_query_resources(const char* variant, const flashcore_attention* args,
                                                         int32_t device, flashcore_resources* resources);

/* Computes out, and lse when wanted. CUDA: enqueues on `stream` (a cudaStream_t, null: the default stream) of
 * the calling thread's current device, which must be `device`, and returns; may be captured into a graph once
 * it ran. CPU: returns when done, `stream` is ignored. */
FLASHCORE_API flashcore_status flashcore_launch(const char* variant, const flashcore_attention* args,
                                                int32_t device, void* stream);

/* Adds the family of a plug-in (below) to the variants of this process; it stays until the process ends. */
FLASHCORE_API flashcore_status flashcore_load_plugin(const char* path);

/* --- Plug-ins ------------------------------------------------------------------------------------------
 *
 * A shared object that exports
 *
 *   const flashcore_plugin* flashcore_plugin_v1(void);
 *
 * brings one family. The table, and all it points to, lives as long as the process. `variant` is an index
 * into variants. Functions may be called from any one thread at a time, and must not throw.
 */
#define FLASHCORE_PLUGIN_ABI_VERSION 1
#define FLASHCORE_PLUGIN_SYMBOL "flashcore_plugin_v1"

typedef struct flashcore_device_limits {
  int32_t compute_capability;       /* 10 * major + minor; 0 on the CPU */
  int32_t max_smem_bytes_per_block; /* the opt-in limit */
  int32_t num_sms;                  /* multiprocessors, or CPU cores */
} flashcore_device_limits;

/* 0 where the family has no such parameter; it is then left out of the id. */
typedef struct flashcore_plugin_variant {
  int32_t dtype;    /* FLASHCORE_E4M3 is to write out in either dtype */
  int32_t head_dim; /* at least 1 */
  int32_t block_q;  /* query rows a block works on */
  int32_t block_kv; /* keys brought in at a time */
  int32_t num_warps;
  int32_t num_stages;
  int32_t smem_bytes; /* dynamic shared memory a block */
} flashcore_plugin_variant;

typedef struct flashcore_plugin {
  int32_t abi_version; /* FLASHCORE_PLUGIN_ABI_VERSION */
  int32_t backend;     /* FLASHCORE_CPU or FLASHCORE_CUDA */
  const char* family;  /* lower-case letters, digits and underscores; none that exists already */
  const char* summary; /* the idea in a few words */
  const flashcore_plugin_variant* variants;
  size_t num_variants;

  /* Why the variant cannot run these arguments on this device, or null when it can; dtype and head_dim are
   * checked already, tensor pointers may be null, and so are descale factors. The text stays valid until the
   * next call. The function may be null: all can run. */
  const char* (*unsupported)(size_t variant, const flashcore_attention* args,
                             const flashcore_device_limits* limits);

  /* Bytes of args->workspace at launch. May be null: none. */
  size_t (*workspace_bytes)(size_t variant, const flashcore_attention* args);

  /* CUDA: enqueues on `stream`, a cudaStream_t, without waiting, and can be captured into a graph. CPU:
   * computes. Returns 0, or a cudaError_t (CUDA) or errno value (CPU). */
  int (*launch)(size_t variant, const flashcore_attention* args, void* stream);

  /* Fills in what it knows; returns as launch does. May be null; CUDA families alone are asked. */
  int (*resources)(size_t variant, const flashcore_attention* args, flashcore_resources* resources);
} flashcore_plugin;

/* NOLINTEND(readability-identifier-naming) */

#ifdef __cplusplus
}
#endif

#endif
