/* Plug-ins. flashcore.h includes this file.
 *
 * A plug-in is a shared object with one family. It exports one of
 *
 *   const flashcore_plugin* flashcore_plugin_v1(void);            rectangular problems
 *   const flashcore_plugin_table_v2* flashcore_plugin_v2(void);   all problems
 *
 * or both; then version 2 is used. The table and everything it points to must stay valid until the process ends.
 * `variant` is an index into variants. FlashCore calls the functions from any thread, but only one at a time.
 * They must not throw.
 */
#ifndef FLASHCORE_PLUGIN_H
#define FLASHCORE_PLUGIN_H

#ifndef FLASHCORE_V2_H
#error "include flashcore.h"
#endif

/* NOLINTBEGIN(readability-identifier-naming): as in flashcore.h */

/* --- Version 1 ----------------------------------------------------------------------------------------- */

#define FLASHCORE_PLUGIN_ABI_VERSION 1
#define FLASHCORE_PLUGIN_SYMBOL "flashcore_plugin_v1"

typedef struct flashcore_device_limits {
  int32_t compute_capability;       /* 10 * major + minor; 0 on the CPU */
  int32_t max_smem_bytes_per_block; /* the opt-in limit of CUDA */
  int32_t num_sms;                  /* streaming multiprocessors, or CPU cores */
} flashcore_device_limits;

/* 0 means that the family has no such parameter; ids omit it. */
typedef struct flashcore_plugin_variant {
  int32_t dtype;    /* a variant of FLASHCORE_E4M3 must support both values of out_dtype */
  int32_t head_dim; /* at least 1 */
  int32_t block_q;  /* query rows per block */
  int32_t block_kv; /* keys per iteration of the main loop */
  int32_t num_warps;
  int32_t num_stages;
  int32_t smem_bytes; /* dynamic shared memory per block */
} flashcore_plugin_variant;

typedef struct flashcore_plugin {
  int32_t abi_version; /* FLASHCORE_PLUGIN_ABI_VERSION */
  int32_t backend;     /* FLASHCORE_CPU or FLASHCORE_CUDA */
  const char* family;  /* a new name of lower-case letters, digits and underscores */
  const char* summary; /* the idea of the family in a few words */
  const flashcore_plugin_variant* variants;
  size_t num_variants;

  /* Returns the reason why the variant cannot run these arguments on this device, or null if it can. dtype
   * and head_dim always match the variant. Tensor pointers and descale factors may be null. The text must
   * stay valid until the next call. May be null: the variants support all arguments. */
  const char* (*unsupported)(size_t variant, const flashcore_attention* args,
                             const flashcore_device_limits* limits);

  /* Returns the size of args->workspace that launch() needs. May be null: no workspace. */
  size_t (*workspace_bytes)(size_t variant, const flashcore_attention* args);

  /* CUDA: enqueues on `stream` (a cudaStream_t) without waiting; a graph must be able to capture it. CPU:
   * computes before it returns. Returns 0 or an error code: a cudaError_t on CUDA, an errno value on the
   * CPU. */
  int (*launch)(size_t variant, const flashcore_attention* args, void* stream);

  /* Fills in the known members; returns like launch(). Called for CUDA families only. May be null. */
  int (*resources)(size_t variant, const flashcore_attention* args, flashcore_resources* resources);
} flashcore_plugin;

/* --- Version 2 -----------------------------------------------------------------------------------------
 *
 * Each struct starts with struct_size, which the one who fills it in sets to its size. Members are added at
 * the end only. FlashCore reads a table and its variants up to their struct_size; members beyond it are 0 or null. A plug-in
 * that is newer than the program must compare struct_size of the arguments before it reads members that were added
 * later.
 */
#define FLASHCORE_PLUGIN_SYMBOL_V2 "flashcore_plugin_v2"

typedef struct flashcore_device_limits_v2 {
  uint32_t struct_size;
  int32_t compute_capability;       /* 10 * major + minor; 0 on the CPU */
  int32_t max_smem_bytes_per_block; /* the opt-in limit of CUDA */
  int32_t num_sms;                  /* streaming multiprocessors, or CPU cores */
} flashcore_device_limits_v2;

/* 0 means that the family has no such parameter; ids omit it. All variants of a table have the same struct_size. */
typedef struct flashcore_plugin_variant_v2 {
  uint32_t struct_size;
  int32_t dtype;         /* of q; a variant of FLASHCORE_E4M3 must support both values of out_dtype */
  uint64_t capabilities; /* FLASHCORE_CAN_*: the variant is never given a problem that needs another one */
  int32_t head_dim;      /* at least 1 */
  int32_t block_q;       /* query rows per block */
  int32_t block_kv;      /* keys per iteration of the main loop */
  int32_t num_warps;
  int32_t num_stages;
  int32_t smem_bytes; /* dynamic shared memory per block */
} flashcore_plugin_variant_v2;

/* The functions receive `context` as it stands in the table, and arguments without defaults: kv_dtype, out_dtype,
 * head_dim_v and lse_stride have their values. Members up to launch() are required. */
typedef struct flashcore_plugin_table_v2 {
  uint32_t struct_size;
  int32_t backend;     /* FLASHCORE_CPU or FLASHCORE_CUDA */
  const char* family;  /* a new name of lower-case letters, digits and underscores */
  const char* summary; /* the idea of the family in a few words */
  const flashcore_plugin_variant_v2* variants;
  size_t num_variants;
  void* context;

  /* CUDA: enqueues on `stream` (a cudaStream_t) without waiting; a graph must be able to capture it. CPU:
   * computes before it returns. Returns 0 or an error code: a cudaError_t on CUDA, an errno value on the
   * CPU. Strides are not negative, and lengths are within the sizes of args. */
  int (*launch)(void* context, size_t variant, const flashcore_attention_v2* args, void* stream);

  /* Returns the reason why the variant cannot run these arguments on this device, or null if it can. Called only for
   * arguments within its capabilities; dtype and head_dim match the variant. Must not read through pointers: tensors
   * and arrays may be null, and lengths may change after the call. The text must stay valid until the next call.
   * May be null: the variants support all arguments. */
  const char* (*unsupported)(void* context, size_t variant, const flashcore_attention_v2* args,
                             const flashcore_device_limits_v2* limits);

  /* Returns the size of args->workspace that launch() needs, by the sizes in args only. May be null: no workspace. */
  size_t (*workspace_bytes)(void* context, size_t variant, const flashcore_attention_v2* args);

  /* Returns the size of a plan, by the sizes in args only. May be null: no plan. Must be set if plan() is. */
  size_t (*plan_bytes)(void* context, size_t variant, const flashcore_attention_v2* args);

  /* Makes a plan from the lengths in args, once per step for all layers. Writes into `plan` only, which launch()
   * receives as args->plan. Tensors may be null, and may change until the launch, as tables may. Enqueues on `stream` so
   * that a graph can capture it, or, without FLASHCORE_CAN_PLAN_ON_DEVICE, may wait. Returns like launch().
   * Called if plan_bytes() is not 0. */
  int (*plan)(void* context, size_t variant, const flashcore_attention_v2* args, void* plan, void* stream);

  /* Fills in the known members; returns like launch(). Called for CUDA families only. May be null. */
  int (*resources)(void* context, size_t variant, const flashcore_attention_v2* args,
                   flashcore_resources_v2* resources);
} flashcore_plugin_table_v2;

/* NOLINTEND(readability-identifier-naming) */

#endif
